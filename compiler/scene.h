/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The scene: all that a policy is compared with, as one text.
 *
 * Whom a rule means, and whom a policy selects, depends on the policy and on the identities, and
 * beside these on the inventory's services, groups, names and Secrets. Two equal texts stand for
 * the same of all of them, in the same order: then the same policy means the same.
 */

#include "base/vec.h"
#include "compiler/bundle.h"
#include "compiler/identity.h"
#include "policy/inventory.h"

struct pst_scene PST_VEC(char);

/* Writes *RET_SCENE, whatever it was. FACTS are those of B's identities. 0 or -ENOMEM. */
int pst_scene_write(const struct pst_bundle *b, const struct pst_identity_facts *facts,
		    const struct pst_inventory *inventory, struct pst_scene *ret_scene);

bool pst_scene_same(const struct pst_scene *a, const struct pst_scene *b);
