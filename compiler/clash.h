/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Conflicts between two rules (policy/conflict.h) that show only with an inventory: both select one
 * of its endpoints, although neither subject implies the other.
 */

#include "base/vec.h"
#include "compiler/portmap.h"

#include <stddef.h>

struct pst_clash {
	struct pst_portmap_conflict conflict;
	size_t subject; /* where it was met: as the caller counts */
};

struct pst_clashes PST_VEC(struct pst_clash);

/* Takes a conflict at SUBJECT in; one that the policies alone show is left out. 0 or -ENOMEM. */
int pst_clashes_add(struct pst_clashes *all, const struct pst_portmap_conflict *c, size_t subject);

/* Sorts by place, and leaves one of those with the same places: that of the least subject. */
void pst_clashes_settle(struct pst_clashes *all);

/* Adds the warning conflict-overlap, which names WHOM both rules select: "the endpoint ns/name". */
void pst_clash_report(const struct pst_clash *clash, const char *whom, struct pst_diags *diags);
