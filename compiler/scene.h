/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The scene: all that a policy is compared with, as text.
 *
 * Whom a rule means, and whom a policy selects, depends on the policy and on the identities, and
 * beside these on the inventory's services, groups, names and Secrets: the rest. Where the rest of
 * two scenes is one text, the same policy means the same of all who are in both; and those who are
 * in both are found by their texts, whatever their numbers are.
 */

#include "base/vec.h"
#include "compiler/bundle.h"
#include "compiler/identity.h"
#include "policy/inventory.h"

struct pst_scene_text PST_VEC(unsigned char);

/* An identity, and where its text is among people. */
struct pst_scene_one {
	uint32_t id;
	bool has_ports; /* with names that policies use */
	size_t begin, len;
};

/* Zeroed: empty. */
struct pst_scene {
	struct pst_scene_text people, rest;
	struct PST_VEC(struct pst_scene_one) ones; /* as the bundle's identities */
};

/* Writes *RET_SCENE, whatever it was. FACTS are those of B's identities. 0 or -ENOMEM. */
int pst_scene_write(const struct pst_bundle *b, const struct pst_identity_facts *facts,
		    const struct pst_inventory *inventory, struct pst_scene *ret_scene);

void pst_scene_fini(struct pst_scene *s);

enum { PST_SCENE_MAX_NEWS = 32 };

/* N of both scenes, one after the other, their numbers shifted by the same. */
struct pst_scene_run {
	uint32_t then, now, n; /* places */
	uint32_t id_then, id_end, id_now;
};

/* What became of the identities from one scene to the next. */
struct pst_scene_news {
	bool is_known; /* false: too much has changed, and nothing else here counts */
	uint32_t *was; /* of each now: 1 + the place where it was, or 0; those that are not 0 ascend
			*/
	bool is_renumbered; /* somebody who is in both has another number now */
	struct pst_scene_run *runs;
	size_t n_runs;
	uint32_t gone[PST_SCENE_MAX_NEWS], come[PST_SCENE_MAX_NEWS]; /* places then; now */
	size_t n_gone, n_come;
};

/* 0, or -ENOMEM and nothing to release. */
int pst_scene_join(const struct pst_scene *then, const struct pst_scene *now,
		   struct pst_scene_news *ret_news);

void pst_scene_news_fini(struct pst_scene_news *n);
