/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table of rules: all that is known about each thing that `postern lint` can say.
 *
 * One row per id. Everything that speaks about rules reads these rows: `postern lint --rules` and
 * `--explain`, the pages of docs/rules/, the rules[] of SARIF, the man page. Every id that a
 * diagnostic of policy/, compiler/ or lint/ can have is in the table, and the examples are real:
 * tests hold all of this together.
 */

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>

enum pst_lint_group {
	PST_LINT_INPUT,	   /* files, YAML, documents, fields */
	PST_LINT_POLICY,   /* metadata, spec, sections */
	PST_LINT_PEERS,	   /* selectors and all other peers */
	PST_LINT_PORTS,	   /* toPorts, protocols, ICMP, TLS, listeners */
	PST_LINT_HTTP,	   /* HTTP and DNS rules, regular expressions */
	PST_LINT_TRAPS,	   /* HTTP rules that do not match what they seem to */
	PST_LINT_MEANING,  /* what policies mean, alone and together */
	PST_LINT_SUPPORT,  /* what Cilium accepts and postern does not enforce yet */
	PST_LINT_COMMENTS, /* ignores, configuration, baseline */
	PST_LINT_GROUP_MAX,
};

struct pst_lint_rule {
	const char *id; /* kebab-case; never changes its meaning */
	enum pst_severity severity;
	enum pst_lint_group group;
	bool off;	    /* only when asked for */
	const char *title;  /* one line, without a full stop */
	const char *why;    /* what happens, and why that matters; paragraphs end with a newline */
	const char *remedy; /* what to do */
	/*
	 * What Cilium makes of it: the stage (decode, schema, sanitize, merge, proxy, or "accepts
	 * it") and the gist of its message. NULL: not Cilium's business.
	 */
	const char *cilium;
	/* A whole file that has this finding; NULL: not a matter of a policy file. */
	const char *bad;
	const char *good; /* the same, mended */
	/* How BAD is read, where the defaults do not show it (pst_policy_options). */
	unsigned int cilium_minor, features;
	const char *since; /* the version of postern that first had it */
};

/* All rows, group by group. */
const struct pst_lint_rule *pst_lint_rule_at(size_t i);
size_t pst_lint_rule_count(void);

/* NULL when there is none. */
const struct pst_lint_rule *pst_lint_rule_find(const char *id);

/* The row's place in the order, for arrays with an element per rule. */
size_t pst_lint_rule_index(const struct pst_lint_rule *rule);

/* "input", "policy", ... */
const char *pst_lint_group_str(enum pst_lint_group group);
