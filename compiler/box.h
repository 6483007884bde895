/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP rule as a box: a request is in it when its method, its path and its host are in the
 * three languages. For questions about two rules whose automata are at hand (a rule that another
 * one makes superfluous); whole lists are compared by compiler/rulediff.h, which also finds a rule
 * that only several others together make superfluous.
 *
 * Within the base languages, as always: a path pattern that matches "//" and "/" is "/".
 */

#include "compiler/baselang.h"
#include "compiler/langops.h"

#include <stdbool.h>
#include <stdint.h>

struct pst_box {
	/* Borrowed, any tag counts. NULL: not restricted, so a host may be missing. */
	const struct pst_automaton *field[PST_FIELD_MAX];
	/* 0: no condition. Equal numbers are equal conditions, others have nothing in common. */
	uint32_t headers;
};

/* How INNER leaves OUTER. */
struct pst_box_answer {
	bool included;
	bool is_empty; /* no request is in INNER at all: included in everything */
	/* When it is not included: a request of INNER that is not in OUTER. */
	enum pst_field field;			   /* the field that OUTER refuses */
	bool by_headers;			   /* or the headers, and no field */
	struct pst_witness witness[PST_FIELD_MAX]; /* host.text NULL: no Host */
};

/*
 * Does OUTER hold every request of INNER? 0 with *RET_ANSWER, to be released with
 * pst_box_answer_fini(); -E2BIG when two automata are beyond pst_product_default_limits together;
 * -ENOMEM.
 */
int pst_box_includes(const struct pst_baselang *base, const struct pst_box *outer,
		     const struct pst_box *inner, struct pst_box_answer *ret_answer);

void pst_box_answer_fini(struct pst_box_answer *a);
