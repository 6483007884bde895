/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Port maps (portmap.h), each built once.
 *
 * What a subject says to a peer depends on the rules that match both, on the default of the
 * direction and on the names of ports. Questions that are alike have one map; and maps that say the
 * same are one as well, so that two answers differ exactly when their numbers do.
 */

#include "compiler/portmap.h"

struct pst_mapcache;

/* What SETS points to is borrowed. NULL: no memory. */
struct pst_mapcache *pst_mapcache_new(const struct pst_http_sets *sets);

/* NULL is fine; *CACHE becomes NULL. */
void pst_mapcache_free(struct pst_mapcache **cache);

/*
 * The number of the map of Q. 0; -ENOMEM or -E2BIG as pst_portmap_build(). Rules are told apart by
 * their index: it must mean the same rule as long as the cache remembers.
 */
int pst_mapcache_get(struct pst_mapcache *cache, const struct pst_port_query *q, uint32_t *ret_map);

/*
 * The rule sets that the map of the question asked last came to, in the order in which they were
 * asked for; *RET_N of them. Valid until the cache is asked again.
 */
const uint16_t *pst_mapcache_sets(const struct pst_mapcache *cache, size_t *ret_n);

/* Whether rules of that question conflict: see pst_http_sets, which is told once. */
bool pst_mapcache_clashes(const struct pst_mapcache *cache);

/* Valid until the cache is asked again. */
const struct pst_port_tails *pst_mapcache_tails(const struct pst_mapcache *cache, uint32_t map);

/* How many questions the cache remembers. */
size_t pst_mapcache_count(const struct pst_mapcache *cache);

void pst_mapcache_clear(struct pst_mapcache *cache);
