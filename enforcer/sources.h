/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the policy comes from: files of policies and of Kubernetes objects, as they are now, or as
 * they were when they were last good (policy/store.h); or one compiled bundle.
 *
 * A policy with a mistake is refused alone. An inventory with a mistake is refused as a whole: who
 * is who hangs together.
 */

#include "base/diag.h"
#include "compiler/bundle.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_sources;

/* NULL: no memory. PATHS are copied; nothing is read yet. */
struct pst_sources *pst_sources_new(const char *const *policies, size_t n_policies,
				    const char *const *inventories, size_t n_inventories);

/* The same for a compiled bundle, which is checked completely before it counts. */
struct pst_sources *pst_sources_new_bundle(const char *path);

/* NULL is fine; *S becomes NULL. */
void pst_sources_free(struct pst_sources **s);

/* What a reading has found. */
struct pst_reading {
	/* All mistakes and warnings that stand now, whenever they were found. Free it. */
	struct pst_diags *standing;
	size_t n_refused;	   /* policies that are not in force as they are written */
	bool changed;		   /* since the last bundle */
	struct pst_bundle *bundle; /* of what is good; NULL when there is none. Free it. */
};

/*
 * Reads what has changed, compiles what is good, and prints on stderr what was not said before.
 *
 * 0: *RET_READING->bundle is what shall be in force. -EINVAL: there are mistakes, and nothing to
 * put in force in spite of them; *RET_READING holds them. -ENOMEM: *RET_READING is empty.
 */
int pst_sources_read(struct pst_sources *s, struct pst_reading *ret_reading);

/* The same when nothing but the files NAMES can have changed. */
int pst_sources_read_some(struct pst_sources *s, const char *const *names, size_t n,
			  struct pst_reading *ret_reading);

/* The last bundle did not come into force: the next reading counts as a change. */
void pst_sources_forget(struct pst_sources *s);

void pst_reading_fini(struct pst_reading *r);
