/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rule sets as lists of numbers of HTTP rules, without their automata: what resolution needs where
 * nothing is judged.
 *
 * A list has one number as long as nobody asks for it to be forgotten.
 */

#include "compiler/portmap.h"

struct pst_httpsets;

/* NULL: no memory. */
struct pst_httpsets *pst_httpsets_new(void);

/* NULL is fine; *SETS becomes NULL. */
void pst_httpsets_free(struct pst_httpsets **sets);

/* The HTTP rule RULE is usable from now on, or not. 0 or -ENOMEM. */
int pst_httpsets_use(struct pst_httpsets *sets, uint32_t rule, bool usable);

/* For pst_mapcache_new(). */
struct pst_http_sets pst_httpsets_as_sets(struct pst_httpsets *sets);

/* The rules of a set. */
const uint32_t *pst_httpsets_get(const struct pst_httpsets *sets, uint32_t number, size_t *ret_n);
