// SPDX-License-Identifier: Apache-2.0
#include "policy/stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/load.h"

enum { EARLY_SECONDS = 2 };

struct pst_stamp pst_stamp_take(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct pst_stamp){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime = st->st_mtim,
		.ctime = st->st_ctim,
		/* One from the future as well: the clock has been set. */
		.is_early = st->st_ctim.tv_sec + EARLY_SECONDS > now.tv_sec,
	};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool pst_stamp_same(const struct pst_stamp *old, const struct pst_stamp *now)
{
	return !old->is_early && old->dev == now->dev && old->ino == now->ino &&
	       old->size == now->size && same_time(&old->mtime, &now->mtime) &&
	       same_time(&old->ctime, &now->ctime);
}

struct collector {
	struct pst_stamps *stamps;
	bool failed;
};

/* Nothing is read: every file is known. */
static bool collect(void *ctx, const char *name, const struct stat *st)
{
	struct collector *c = ctx;
	char *copy = pst_mem_strndup(name, strlen(name));

	if (!copy || pst_vec_push(&c->stamps->names, copy)) {
		free(copy);
		c->failed = true;
	} else if (pst_vec_push(&c->stamps->stamps, pst_stamp_take(st))) {
		c->failed = true;
	}
	return true;
}

static int pass_over(void *ctx, const struct pst_load_file *file)
{
	(void)ctx;
	(void)file;
	return 0;
}

int pst_stamps_collect(const char *const *paths, size_t n_paths, struct pst_stamps *ret_stamps)
{
	struct collector c = {.stamps = ret_stamps};
	const struct pst_load_visitor visitor = {.take = pass_over, .knows = collect, .ctx = &c};
	struct pst_diags *unused = pst_diags_new();
	int worst = unused ? 0 : -ENOMEM;

	for (size_t i = 0; unused && i < n_paths; i++) {
		int r = strcmp(paths[i], "-") ? pst_load_visit(&paths[i], 1, unused, &visitor) : 0;

		if (!worst)
			worst = r;
	}
	pst_diags_free(&unused);
	return c.failed ? -ENOMEM : worst;
}

bool pst_stamps_same(const struct pst_stamps *old, const struct pst_stamps *now)
{
	if (old->stamps.n != now->stamps.n)
		return false;
	for (size_t i = 0; i < old->stamps.n; i++) {
		if (strcmp(old->names.v[i], now->names.v[i]) ||
		    !pst_stamp_same(&old->stamps.v[i], &now->stamps.v[i]))
			return false;
	}
	return true;
}

void pst_stamps_fini(struct pst_stamps *s)
{
	for (size_t i = 0; i < s->names.n; i++)
		free(s->names.v[i]);
	pst_vec_free(&s->names);
	pst_vec_free(&s->stamps);
}
