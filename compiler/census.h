/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The crowd of a cluster that changes: which identities there are, kept up to date.
 *
 * The same identities as pst_identities_collect() finds, one edit at a time. An identity lives as
 * long as an endpoint, a node or a policy needs it; numbers are given in the order of arrival and
 * not given again. Services, nodes, groups and names are those of the inventory at the beginning:
 * when these change, begin anew.
 */

#include "compiler/crowd.h"
#include "compiler/resolve.h"

/* An identity has come, or gone: then ID is the number that it had. */
struct pst_census_change {
	uint32_t slot, id;
	bool gone;
};

struct pst_census;

/* Begins with INPUT's inventory, all of its endpoints included; what it points to is borrowed.
 * Policies are noted one by one. NULL: no memory. */
struct pst_census *pst_census_new(const struct pst_resolve_input *input);

/* NULL is fine; *CENSUS becomes NULL. */
void pst_census_free(struct pst_census **census);

/*
 * What POLICY tells apart counts from now on, or not any more. 0 or -ENOMEM; after a failure the
 * census must be freed.
 */
int pst_census_note(struct pst_census *census, const struct pst_policy *policy);
int pst_census_forget(struct pst_census *census, const struct pst_policy *policy);

/* ENDPOINT is there, in place of the one with its name; it is borrowed until it goes. */
int pst_census_put(struct pst_census *census, const struct pst_endpoint *endpoint);

/* 0; -ENOENT: there is none of that name; -ENOMEM. */
int pst_census_drop(struct pst_census *census, const char *ns, const char *name);

/* The slot of the endpoint of that name. 0 or -ENOENT. */
int pst_census_find(const struct pst_census *census, const char *ns, const char *name,
		    uint32_t *ret_slot);

const struct pst_crowd *pst_census_crowd(const struct pst_census *census);

/* The slots of the own node and of the world, which are always there. */
uint32_t pst_census_host(const struct pst_census *census);
uint32_t pst_census_world(const struct pst_census *census);

/* What has changed since the last call of pst_census_settle(), in order; slots that were freed are
 * not used again before it. */
const struct pst_census_change *pst_census_changes(const struct pst_census *census, size_t *ret_n);
int pst_census_settle(struct pst_census *census);
