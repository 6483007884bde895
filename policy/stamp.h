/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether files are what they were, by what stat() says of them: inode, size and times.
 *
 * A file that was changed a moment ago may change again without new times, so a stamp that was
 * taken so early is equal to none.
 */

#include "base/diag.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

struct pst_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
	bool is_early;
};

struct pst_stamp pst_stamp_take(const struct stat *st);

/* OLD is the earlier one. */
bool pst_stamp_same(const struct pst_stamp *old, const struct pst_stamp *now);

/* The files that policy/load.h finds below some paths. Zeroed: none. */
struct pst_stamps {
	struct PST_VEC(char *) names;
	struct PST_VEC(struct pst_stamp) stamps;
};

/*
 * Standard input is passed over. 0; -ENOMEM; or why a path could not be walked, and then *RET holds
 * what could.
 */
int pst_stamps_collect(const char *const *paths, size_t n_paths, struct pst_stamps *ret_stamps);

/* OLD are the earlier ones. */
bool pst_stamps_same(const struct pst_stamps *old, const struct pst_stamps *now);

void pst_stamps_fini(struct pst_stamps *s);
