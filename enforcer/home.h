/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One home (enforcer/homes.h): what its namespace had first, which pod it was found to be, and what
 * the kernel's maps say of it. Nothing in it is checked by half: its devices say that it is after
 * all is in the map that it may send from, and say so no more before anything of that goes. Of one
 * that is cut they always do: where nothing is in the map it may send as nobody.
 */

#include "base/vec.h"
#include "enforcer/homes.h"
#include "enforcer/link.h"

#include <stdbool.h>
#include <stdint.h>

struct pst_home_addrs PST_VEC(struct pst_link_addr);

struct pst_home_first {
	struct pst_link_addr addr;
	bool is_there; /* still */
};

/* Zeros but for the namespace: nothing is known. Released with pst_home_fini(). */
struct pst_home {
	int32_t netns;
	char *name; /* of the pod that it was found to be last, or NULL */
	struct pst_home_firsts PST_VEC(struct pst_home_first) first;
	struct pst_home_addrs granted; /* ascending: what is in the map */
	struct pst_home_addrs due;     /* ascending: what is to be there */
	bool is_checked;
	bool is_big;  /* has more addresses than are read, which was told */
	bool is_cut;  /* had when they were read first: checked in any case */
	bool is_seen; /* for who goes through all of them */
};

/* The kernel's maps, and the devices that are in them, or are to come there. */
struct pst_home_kernel {
	struct pst_homes_maps maps;
	struct pst_home_links PST_VEC(struct pst_link) links; /* ascending by index */
};

/* Of two struct pst_link_addr. */
int pst_home_addr_cmp(const void *a, const void *b);

/*
 * Reads the addresses of the namespace: the first that there are, and from then on which of them
 * are still there. What fails changes nothing.
 */
void pst_home_read(struct pst_home *home);

/* Is it known what it had first? */
bool pst_home_is_read(const struct pst_home *home);

/* 0 or -ENOMEM. */
int pst_home_take_name(struct pst_home *home, const char *name);

/*
 * Brings what is due into the kernel's maps; ONLY: and takes away what is not. What fails is
 * logged, and HOME not checked; or it may send as nobody, if it is cut.
 */
void pst_home_apply(const struct pst_home_kernel *k, struct pst_home *home, bool only);

/* What the programs are to know of a device that leads there. */
void pst_home_describe(const struct pst_home *home, struct pst_device *ret_device);

/*
 * TO, of which nothing is known, becomes who FROM is. What fails is logged, and not checked; or it
 * may not send from all, if it is cut.
 */
void pst_home_inherit(const struct pst_home_kernel *k, struct pst_home *to,
		      const struct pst_home *from);

/* Takes all away from the kernel's maps, and releases. */
void pst_home_forget(const struct pst_home_kernel *k, struct pst_home *home);

/* Releases, and leaves the maps as they are. */
void pst_home_fini(struct pst_home *home);
