/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which DNS names an element of toFQDNs means (policy-semantics 1.3).
 *
 * Names are compared without regard to case, and a dot at the end says nothing. In a pattern "*"
 * stands for letters, digits, "-" and "_", none or more of them, so for no dot; alone it is every
 * name. "**." at its start is one label or more.
 */

#include "policy/policy.h"

#include <stdbool.h>

/* Does F mean NAME? */
bool pst_fqdn_matches(const struct pst_fqdn *f, const char *name);
