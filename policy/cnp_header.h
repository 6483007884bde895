/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * headers and headerMatches of an HTTP rule (policy-semantics 4.3, 4.4).
 *
 * Cilium accepts any text as an element of headers: it is cut at the first blank into a name, whose
 * colons at the end are removed, and a value; without a blank all of it, colons included, is the
 * name of a header that must be there. What is written and what is meant differ easily, so the
 * parts keep their places.
 *
 * Ids: header-name-missing, unknown-header-action; secret-name-missing of cnp_tls.h.
 */

#include "policy/fields.h"

/* Reads the list N into RULE->headers. */
int pst_cnp_headers_read(struct pst_reader *r, const struct pst_yaml_node *n,
			 struct pst_http_rule *rule);

/* Reads the list N into RULE->matches. */
int pst_cnp_header_matches_read(struct pst_reader *r, const struct pst_yaml_node *n,
				struct pst_http_rule *rule);
