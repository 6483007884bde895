/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the store (store.h) knows of one file: its parts, and who owns them. */

#include "base/vec.h"
#include "policy/stamp.h"
#include "policy/store.h"

/* What one reading of one file gave. Counted: a policy of it may outlive the file's next reading.
 */
struct pst_store_edition {
	size_t refs;
	struct pst_policy_set *set;
	size_t diags_from, diags_to; /* of the refresh that read it */
};

/* A policy in force. */
struct pst_store_held {
	const struct pst_policy *policy;
	struct pst_store_edition *edition;
};

struct pst_store_helds PST_VEC(struct pst_store_held);
struct pst_store_refusals PST_VEC(struct pst_policy_refusal);

struct pst_store_file {
	char *name;
	bool by_name; /* given as a path */
	struct pst_stamp stamp;
	char *text; /* while the stamp is early: it may have to be compared */
	size_t len;
	struct pst_store_helds held;
	struct pst_store_refusals refusals; /* their strings but the file's name are ours */
	/* During a refresh. */
	bool seen;   /* its text is known, or will not be read */
	bool placed; /* among those that were found */
	struct pst_store_edition *fresh;
	struct pst_store_helds next;
	struct pst_store_refusals next_refusals;
};

struct pst_store_files PST_VEC(struct pst_store_file *);

/* One reference less. NULL is fine. */
void pst_store_release(struct pst_store_edition *e);

void pst_store_helds_free(struct pst_store_helds *h);
void pst_store_refusals_free(struct pst_store_refusals *r);
void pst_store_file_free(struct pst_store_file *f);

/* NULL: none of that name. */
const struct pst_store_held *pst_store_find_held(const struct pst_store_helds *h, const char *ns,
						 const char *name);

/* H will be in force as part of F. 0 or -ENOMEM. */
int pst_store_hold(struct pst_store_file *f, const struct pst_store_held *h);

/* What was found in the refresh takes the place of what was known. */
void pst_store_swap_in(struct pst_store_file *f);
