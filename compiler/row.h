/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All policy entries of one subject in one direction.
 *
 * Peers that the same rules mean are a group and have one port map. Groups are found 64 peers at a
 * time: a word of the crowd is split by each rule's set, so that what it costs hardly depends on
 * the number of peers.
 *
 * PST_ID_ANY carries the map that would need most entries otherwise (that of the world, if two need
 * equally many): whoever has this map needs no entries of his own. Any other peer has his map
 * whole, beginning with its catch-all, so that a lookup never mixes two.
 *
 * The own node may always reach a local endpoint that is in ingress default deny, unless a deny
 * rule names it; HTTP rules do not bind it (policy-semantics 5.4).
 */

#include "compiler/bundle.h"
#include "compiler/crowd.h"
#include "compiler/mapcache.h"

/* A rule that selects the subject, and whom it means. */
struct pst_row_rule {
	const struct pst_catalog_rule *rule;
	const uint64_t *peers;
};

struct pst_row_query {
	const struct pst_crowd *crowd;
	const struct pst_row_rule *rules; /* of this direction, in the order of the documents */
	size_t n_rules;
	size_t subject, world, host; /* slots */
	enum pst_direction direction;
	bool enforce; /* the subject is in default deny in this direction */
};

struct pst_row_entries PST_VEC(struct pst_bundle_entry);

/*
 * The largest group of those that PST_ID_ANY stands for. The entries of a row stay what they are
 * when peers come to this group and go from it and nobody else does, as long as somebody is left in
 * it and the map of PST_ID_ANY still saves most: by how many entries it is ahead is the margin.
 */
struct pst_row_common {
	size_t n_peers;		   /* 0: there is no such group */
	size_t weight;		   /* entries that each of them would need */
	size_t margin;		   /* with it, others may be as good already: 0 */
	bool uses_names;	   /* rules of the row ask for names of ports */
	const uint64_t *signature; /* a bit for each rule; valid until the next row */
};

/* What a row needs beside its question, kept from one to the next. Zeroed: empty. */
struct pst_row_scratch {
	struct PST_VEC(uint64_t) signatures; /* of groups: a bit for each rule */
	struct PST_VEC(uint64_t) masks;	     /* of the parts of one word: who is in each */
	struct PST_VEC(uint64_t) split;	     /* their signatures */
	struct PST_VEC(struct pst_row_group) groups;
	struct PST_VEC(uint32_t) order; /* of the groups, whoever is in them */
	struct PST_VEC(struct pst_row_segment) segments;
	struct PST_VEC(const struct pst_catalog_rule *) matched;
	/* Of the row that was resolved last: the map of PST_ID_ANY, and the rule sets that it came
	 * to, in the order in which they were asked for (some more than once). */
	uint32_t any;
	struct PST_VEC(uint16_t) sets;
	bool clashes; /* rules of it conflict somewhere */
	struct pst_row_common common;
};

void pst_row_scratch_fini(struct pst_row_scratch *s);

/* The map of the peer in SLOT. 0, -ENOMEM or -E2BIG. */
int pst_row_map_of(const struct pst_row_query *q, struct pst_mapcache *maps,
		   struct pst_row_scratch *scratch, size_t slot, uint32_t *ret_map);

/*
 * Appends the entries of Q to *RET_ENTRIES, in the order of a bundle. 0, -ENOMEM, or -E2BIG as
 * pst_ruleset_intern(); then some may have been appended.
 */
int pst_row_resolve(const struct pst_row_query *q, struct pst_mapcache *maps,
		    struct pst_row_scratch *scratch, struct pst_row_entries *ret_entries);
