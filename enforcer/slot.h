/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What one generation has in the kernel's maps, and the step from one to the next.
 *
 * Generations resemble each other, so only what differs from the former owner of a slot is written:
 * of a change in one policy among ten thousand, a handful of entries.
 */

#include "base/vec.h"
#include "compiler/bundle.h"
#include "compiler/judge.h"
#include "enforcer/hostaddr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct pst_loader;

/* An address as it is in the map; the key's slot is 0. */
struct pst_slot_addr {
	struct pst_addr_key key;
	struct pst_addr_value value;
};

/* An endpoint's address with its name. */
struct pst_slot_name {
	const uint8_t *addr;
	const char *name;
};

/* Where the policy entries of a generation differ from those of the one before. */
struct pst_slot_keys PST_VEC(struct pst_policy_key);

/* Zeroed: nothing, and a predecessor may have left something in the maps. */
struct pst_slot {
	uint32_t generation;
	uint32_t content; /* the generation whose entries and addresses it has */
	struct pst_bundle *bundle;
	bool lacks_entries;	     /* the bundle has forgotten them */
	struct pst_judge *judge;     /* NULL: nobody has asked for it yet */
	struct pst_slot_addr *addrs; /* sorted by key, each once */
	size_t n_addrs;
	struct pst_slot_name *names; /* sorted by address */
	size_t n_names;
	struct timespec published;
	bool is_known;	  /* what it has in the maps is what is listed here */
	bool is_borrowed; /* what it points to is another slot's, which outlives it */
};

/*
 * *RET_SLOT becomes generation GENERATION, not yet written. Takes *BUNDLE over in any case. 0 or
 * -ENOMEM, and then there is nothing to be released.
 */
int pst_slot_init(struct pst_bundle **bundle, const struct pst_host_prefix *host, size_t n_host,
		  uint32_t generation, struct pst_slot *ret_slot);

void pst_slot_fini(struct pst_slot *s);

/* Adds the keys of entries that only one of the bundles has, or that differ in them. 0 or -ENOMEM.
 */
int pst_slot_compare(const struct pst_bundle *old, const struct pst_bundle *now,
		     struct pst_slot_keys *keys);

/* What is known of the step from one content of a slot to the next. */
struct pst_slot_step {
	const struct pst_slot *old, *now;
	/* When OLD lacks its entries: N lists of the keys that have changed since; NULL in place of
	 * one that is not known. */
	const struct pst_slot_keys *const *since;
	size_t n_since;
};

/*
 * Makes NOW of OLD in the maps, in slot NUMBER. The table has no generation meanwhile, and NOW's
 * at the end. 0; -errno of a map, logged, or -ENOMEM: then nobody knows what the slot holds.
 */
int pst_slot_write(struct pst_loader *l, uint32_t number, const struct pst_slot_step *step);

/* Who has ADDR, as the kernel finds it: the longest prefix, or the world. */
struct pst_addr_value pst_slot_find(const struct pst_slot *s, const uint8_t addr[16]);

/* "namespace/pod" of ADDR, or NULL. */
const char *pst_slot_name(const struct pst_slot *s, const uint8_t addr[16]);
