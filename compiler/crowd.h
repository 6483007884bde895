/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The crowd: all identities of a bundle, and sets of them.
 *
 * Who is meant by a selector or by a rule's peers is a set of slots, one bit for each identity.
 * Sets are found through an index of labels and one of prefixes, so that what it costs depends on
 * how many are meant and named and not on how many there are. All are tried one by one where a rule
 * means services, or everybody.
 *
 * Nothing can be taken out of the indexes. When more of the slots that are filed there are free
 * than are not, they are made anew: they hold no more than twice what lives, and
 * PST_CROWD_MAX_STALE.
 */

#include "base/vec.h"
#include "compiler/labelindex.h"
#include "compiler/peer.h"
#include "compiler/prefixindex.h"

#include <stdbool.h>
#include <stdint.h>

enum { PST_CROWD_MAX_STALE = 64 }; /* slots filed under what is gone, however few live */

struct pst_crowd_member {
	uint32_t id; /* 0: the slot is free */
	const struct pst_labels *labels;
	struct pst_identity_facts facts;
};

/* Zeroed, with its inventory set: empty. What members point to must outlive it. */
struct pst_crowd {
	const struct pst_inventory *inventory;
	struct PST_VEC(struct pst_crowd_member) members;
	struct PST_VEC(uint64_t) live; /* the set of slots that are not free */
	struct pst_labelindex *index;
	struct pst_prefixindex *by_prefix;
	size_t n_live;
	size_t n_stale; /* removed since the indexes were made */
};

/* Appends a member. 0 or -ENOMEM. */
int pst_crowd_add(struct pst_crowd *c, const struct pst_crowd_member *member);

/* Puts MEMBER into the free SLOT. 0 or -ENOMEM. */
int pst_crowd_put(struct pst_crowd *c, uint32_t slot, const struct pst_crowd_member *member);

/*
 * Frees SLOT. When the indexes are made anew, all members are filed again, and what they point to
 * must be there: with n of them that is once in more than n removals, so a removal costs as much as
 * an arrival. 0, or -ENOMEM when there is no memory for it: the slot is free all the same.
 */
int pst_crowd_remove(struct pst_crowd *c, uint32_t slot);

void pst_crowd_fini(struct pst_crowd *c);

/* Words of a set. */
size_t pst_crowd_words(const struct pst_crowd *c);

static inline bool pst_crowd_has(const uint64_t *set, size_t slot)
{
	return set[slot / 64] >> slot % 64 & 1;
}

/* Adds to SET whom SEL matches. */
void pst_crowd_select(const struct pst_crowd *c, const struct pst_selector *sel, uint64_t *set);

/* Adds to SET whom RULE of a policy in the namespace POLICY_NS means: see pst_peer_matches(). 0 or
 * -ENOMEM: then SET has some of them. */
int pst_crowd_find_peers(const struct pst_crowd *c, const struct pst_rule *rule,
			 const char *policy_ns, uint64_t *set);

/* Does RULE mean the member of SLOT? The same answer for one. */
bool pst_crowd_is_peer(const struct pst_crowd *c, const struct pst_rule *rule,
		       const char *policy_ns, size_t slot);
