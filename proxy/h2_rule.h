/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The verdict about a request of HTTP/2, in the form that proxy/h2_head.h gives it: by the core, by
 * the tables and by the ruler, as about one of HTTP/1.1.
 */

#include "bpf/reason.h"
#include "proxy/rewrite.h"
#include "proxy/ruler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who judges: a rule set of a ruler. */
struct pst_h2_judge {
	struct pst_ruler *ruler;
	uint32_t ruleset;
};

struct pst_h2_verdict {
	bool allowed;
	bool is_read;  /* the core has accepted the head */
	bool redirect; /* denied because the client is to ask for the plain form of the path */
	enum pst_reason reason;
	uint32_t rule;				     /* UINT32_MAX: none */
	bool no_body, head;			     /* a GET or HEAD; a HEAD */
	const struct pst_ruler_mismatch *mismatches; /* until the ruler is asked again */
	size_t n_mismatches;
	struct pst_text_vec
		changed; /* the head as rules changed it; empty: they did not. The caller's */
};

/* The verdict where nothing is judged (PST_PAIR_UNJUDGED): TEXT passes as it is. */
void pst_h2_pass(const struct pst_text_vec *text, struct pst_h2_verdict *ret_verdict);

/* Judges the head TEXT, when its path has been brought into normal form where that is wanted. */
void pst_h2_judge(const struct pst_h2_judge *j, struct pst_text_vec *text,
		  struct pst_h2_verdict *ret_verdict);

/* Why the trailers LINES must not be passed on, or NONE. */
enum pst_reason pst_h2_judge_trailers(const struct pst_h2_judge *j,
				      const struct pst_text_vec *lines);
