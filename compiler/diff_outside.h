/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Addresses that stand for others: one of each part of the address space that a list of prefixes
 * tells apart. Two addresses with the same longest prefix in the list are alike to whoever knows no
 * other prefixes.
 */

#include "base/vec.h"
#include "policy/inventory.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_prefix_list PST_VEC(struct pst_prefix);

/* Sorts LIST, and keeps one of equal ones. */
void pst_prefix_list_sort(struct pst_prefix_list *list);

/*
 * An address in P but in no longer prefix of LIST, which must be sorted. False when there is none:
 * all of P is in longer ones.
 */
bool pst_prefix_list_find(const struct pst_prefix_list *list, const struct pst_prefix *p,
			  struct pst_addr *ret_addr);

/* An address in no prefix of LIST. */
bool pst_prefix_list_find_outside(const struct pst_prefix_list *list, struct pst_addr *ret_addr);
