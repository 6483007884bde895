/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rules.http: the HTTP rules of an element of toPorts (policy-semantics 4.1).
 *
 * The rules are a union, so one that is refused is left out, and its neighbours stay.
 *
 * Ids: type-mismatch and others of fields.h, those of cnp_header.h; warnings: http-empty,
 * http-empty-field; for a linter, as an info: unsupported-header-action.
 */

#include "policy/fields.h"

/*
 * Reads the list N into PR->http. Of a list that says something and from which nothing is left the
 * result is -EINVAL, or, when nothing in it is invalid, 0 with *RET_CLOSED set: without its HTTP
 * rules the element would restrict nothing, so it must be closed.
 */
int pst_cnp_http_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_port_rule *pr,
		      bool *ret_closed);
