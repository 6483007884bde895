/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rules.http: the HTTP rules of an element of toPorts (policy-semantics 4.1).
 *
 * The rules are a union, so one that is refused, or that needs something which postern does not
 * enforce yet, is left out, and its neighbours stay. A linter gets those of the second kind as they
 * are written.
 *
 * Ids: type-mismatch and others of fields.h, those of cnp_header.h, unsupported-headers,
 * unsupported-header-action, unsupported-secret; warnings: http-empty, http-empty-field.
 */

#include "policy/fields.h"

/*
 * Reads the list N into PR->http. Of a list that says something and from which nothing is left the
 * result is -EINVAL, or, when nothing in it is invalid, 0 with *RET_CLOSED set: without its HTTP
 * rules the element would restrict nothing, so it must be closed.
 */
int pst_cnp_http_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_port_rule *pr,
		      bool *ret_closed);
