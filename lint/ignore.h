/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ignores: findings that somebody has looked at and accepts, with the reason written down.
 *
 *	# postern-ignore: RULE[, RULE]: reason	in a comment: lint/comment.h tells its scope
 *	ignore.postern.io/RULE: "reason"	an annotation: the whole object
 *	ignores: [{rule, paths, reason}]	in .postern.yaml: files
 *
 * An ignore without a reason, with an unknown rule or in another form does not count and is an
 * error; one that matched nothing is a warning, unless its rule is switched off. Of several that
 * match, the innermost is the one that did.
 *
 * Findings of the rules "ignore-...", "config-..." and "baseline-..." cannot be ignored.
 */

#include "base/diag.h"
#include "lint/lint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_lint_config;
struct pst_ignores;

/* Diagnostics go to DIAGS, strings to ARENA; both must outlive it. NULL when there is no memory. */
struct pst_ignores *pst_ignores_new(struct pst_arena *arena, struct pst_diags *diags);

/* NULL is fine; *I becomes NULL. */
void pst_ignores_free(struct pst_ignores **i);

/* Finds the comments and annotations of one file; FILE must outlive it. 0 or -ENOMEM. */
int pst_ignores_scan(struct pst_ignores *i, const char *file, const char *text, size_t len);

/* To be called once, behind the last scan and before the first take. */
void pst_ignores_settle(struct pst_ignores *i);

/*
 * Does an ignore take out finding F? Notes that it was of use. CONFIG's ignores (NULL: none) come
 * last. F need not have a fingerprint.
 */
bool pst_ignores_take(struct pst_ignores *i, struct pst_lint_config *config,
		      const struct pst_finding *f);

/* Reports those that matched nothing and whose rule IS_ON says is switched on. */
void pst_ignores_report_unused(const struct pst_ignores *i, const struct pst_lint_config *config,
			       bool (*is_on)(const void *ctx, const struct pst_lint_rule *rule),
			       const void *ctx);

/* Can findings of this rule be ignored? */
bool pst_ignores_may(const struct pst_lint_rule *rule);

/* Reports an ignore whose rule is not in the table, with the nearest name. */
void pst_ignores_unknown_rule(struct pst_diags *diags, const struct pst_pos *pos, const char *id);
