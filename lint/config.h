/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The configuration file of the linter, .postern.yaml.
 *
 *	ciliumVersion: 1.18			# whose rules: 1.16 to 1.20
 *	features: [node-selector-labels]
 *	failOn: warning				# error (the default), warning or info
 *	rules: {RULE: off|on|error|warning|info}
 *	exclude: [charts]			# lint/glob.h
 *	ignores: [{rule: RULE, paths: ["legacy"], reason: why}]
 *	baseline: .postern-baseline.json
 *
 * Its paths start at its own directory. It is read as strictly as policies are; each mistake is an
 * error finding "config-invalid", which nothing can switch off, so that a run with a mistaken
 * configuration never looks clean. What could be read is in force all the same.
 */

#include "base/diag.h"
#include "lint/lint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PST_LINT_CONFIG_NAME ".postern.yaml"

/* What somebody wants of a rule. */
enum pst_lint_level {
	PST_LEVEL_DEFAULT,
	PST_LEVEL_OFF,
	PST_LEVEL_ON,
	PST_LEVEL_ERROR,
	PST_LEVEL_WARNING,
	PST_LEVEL_INFO,
	PST_LEVEL_MAX,
};

struct pst_lint_globs {
	const char **v;
	size_t n;
};

/* One element of ignores. */
struct pst_config_ignore {
	struct pst_pos pos;
	const struct pst_lint_rule *rule;
	struct pst_lint_globs paths;
	bool has_reason;
	bool used;
};

struct pst_lint_config {
	const char *file; /* as it was found or given; NULL: there is none */
	const char *dir;  /* where it stands, absolute and resolved */
	struct pst_arena *arena;
	unsigned int cilium_minor; /* 0: not written */
	unsigned int features;
	enum pst_severity fail_on; /* PST_SEVERITY_MAX: not written */
	uint8_t *levels;	   /* enum pst_lint_level, by pst_lint_rule_index() */
	struct pst_lint_globs exclude;
	struct pst_config_ignore *ignores;
	size_t n_ignores;
	const char *baseline; /* a path for open(); NULL: none */
};

/* Nothing is configured. 0 or -ENOMEM. */
int pst_lint_config_init(struct pst_lint_config *c, struct pst_arena *arena);

/*
 * Reads FILE into C, which is initialized. Strings live in C's arena; mistakes are diagnostics. 0
 * or -ENOMEM.
 */
int pst_lint_config_read(struct pst_lint_config *c, const char *file, struct pst_diags *diags);

/* The configuration of the current directory: here or above, up to the top of the repository. */
int pst_lint_config_find(struct pst_arena *arena, const char **ret_file);

/* Is FILE excluded, or the configuration itself? */
bool pst_lint_config_excludes(const struct pst_lint_config *c, const char *file);

/* Does one of the ignores match F? Notes that it was of use. */
bool pst_lint_config_ignores(struct pst_lint_config *c, const struct pst_finding *f);

/* The words of the command line and the file. False when WORD is none. */
bool pst_lint_severity_parse(const char *word, enum pst_severity *ret_severity);
bool pst_lint_feature_parse(const char *word, unsigned int *ret_feature);

/* "1.16" to "1.20". */
bool pst_lint_version_parse(const char *word, unsigned int *ret_minor);

/* Of those words: for messages. */
#define PST_LINT_SEVERITIES "error, warning or info"
#define PST_LINT_FEATURES   "node-selector-labels or extended-ip-protocols"
#define PST_LINT_VERSIONS   "1.16 to 1.20"
