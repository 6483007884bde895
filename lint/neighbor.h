/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A path that is wider than the one beside it suggests: "/admin.*" where the same list has
 * "/admin/.*" as well. Who wrote both thought of one folder; the first also lets in "/admina".
 */

#include "lint/check.h"

/*
 * Has ENTRY, to which PATH belongs, such a neighbour of it? Then this says what PATH lets in that
 * is neither the neighbour's nor the folder itself, and returns 1. Else 0 or -ENOMEM.
 */
int pst_neighbor_check(const struct pst_lint_env *env, const struct pst_port_rule *entry,
		       const struct pst_text *path);
