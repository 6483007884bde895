/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How full the tables are that a policy can fill. Addresses and policy entries of all generations
 * that are kept share one map; the rest is the present generation's alone.
 */

#include <stddef.h>

enum {
	PST_FILL_ADDRS,
	PST_FILL_POLICIES,
	PST_FILL_CELLS,
	PST_FILL_CLASSES,
	PST_FILL_TAGS,
	PST_FILL_RULESETS,
	PST_FILL_MAX,
};

struct pst_fill {
	const char *name; /* stable: a label of metrics */
	size_t used, size;
};

struct pst_generations;
struct pst_hostaddr;

/* GENS and HOST may be NULL. */
void pst_fill_read(const struct pst_generations *gens, const struct pst_hostaddr *host,
		   struct pst_fill ret_fill[PST_FILL_MAX]);
