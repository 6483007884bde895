/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP rule as the set of requests that it allows: those whose method, path and host its
 * patterns match and that meet its conditions on headers.
 *
 * compiler/box.h asks the same of automata that are at hand; here most answers come without any
 * (lint/meaning.h). Conditions on headers are compared as they are written, and a rule that does
 * more than to allow (LOG, ADD, DELETE, REPLACE) is not compared at all.
 */

#include "compiler/product.h"
#include "lint/meaning.h"
#include "policy/policy.h"

#include <stdbool.h>

struct pst_http_box {
	const struct pst_http_rule *rule;
	struct pst_meaning *field[PST_FIELD_MAX]; /* NULL: not restricted */
};

/* 0 or -ENOMEM. */
int pst_http_box_init(struct pst_http_box *box, struct pst_meanings *m,
		      const struct pst_http_rule *rule);

/* Answers as in lint/meaning.h: 1 proven, 0 not, or -ENOMEM. */
int pst_http_box_is_empty(struct pst_meanings *m, const struct pst_http_box *box);
int pst_http_box_includes(struct pst_meanings *m, const struct pst_http_box *outer,
			  const struct pst_http_box *inner);

/* What OUTER, which includes INNER, allows besides. */
struct pst_http_extra {
	bool by_headers;      /* the fields are equal, and INNER has more conditions on headers */
	enum pst_field field; /* else this one of OUTER has more texts */
	struct pst_witness witness; /* for example this; text NULL: a missing Host */
};

/* 1 with *RET_EXTRA, to be released with pst_http_extra_fini(); 0: not known. */
int pst_http_box_extra(struct pst_meanings *m, const struct pst_http_box *outer,
		       const struct pst_http_box *inner, struct pst_http_extra *ret_extra);
void pst_http_extra_fini(struct pst_http_extra *extra);
