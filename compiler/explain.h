/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Words and figures for people: the names of reasons and verdicts, and what a rule set costs.
 *
 * Reasons have one list, bpf/reason.h; whoever shows a verdict takes its name and its sentence from
 * here.
 */

#include "bpf/reason.h"
#include "compiler/bundle.h"

#include <stddef.h>
#include <stdint.h>

/* "no-rule-l7": the stable name. */
const char *pst_explain_reason_name(enum pst_reason reason);

/* "no HTTP rule matches the request" */
const char *pst_explain_reason_text(enum pst_reason reason);

/* "deny", "allow", "judge" or "fallback" */
const char *pst_explain_verdict_name(enum pst_verdict verdict);

/* "method", "path" or "host" */
const char *pst_explain_field_name(enum pst_field field);

/* One automaton of a rule set, as it lies in the tables. */
struct pst_explain_automaton {
	size_t states;	/* without the dead state */
	size_t classes; /* of bytes */
	size_t bytes;	/* its rows and its class map; others may share them */
};

/* All automata of a rule set. */
struct pst_explain_ruleset {
	struct pst_explain_automaton field[PST_FIELD_MAX];
	struct pst_explain_automaton names; /* of header fields; most sets share one */
	struct pst_explain_automaton slot[PST_HEADER_SLOTS];
	const char *header[PST_HEADER_SLOTS]; /* the field that slot[] is of; NULL: no rule says */
	size_t n_slots;
	struct pst_explain_automaton more_path[PST_PATH_MORE]; /* beside field[PST_FIELD_PATH] */
	size_t n_more_paths;
};

/* 0 or -ENOMEM. B must have passed pst_bundle_verify(); RULESET must not be a fallback. */
int pst_explain_ruleset(const struct pst_bundle *b, uint32_t ruleset,
			struct pst_explain_ruleset *ret_sizes);
