// SPDX-License-Identifier: Apache-2.0
#include "enforcer/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/compile.h"
#include "policy/inventory.h"
#include "policy/stamp.h"
#include "policy/store.h"

struct pst_sources {
	char *bundle; /* its path; NULL: files of policies */
	struct pst_policy_store *policies;
	struct PST_VEC(char *) inventories;
	struct pst_inventory *inventory;  /* the last good one; NULL: none yet */
	struct pst_stamps stamps;	  /* of the files of the inventory that was read last */
	struct pst_diags *inventory_said; /* about it; NULL: nothing was read yet */
	bool inventory_read;		  /* just now */
	bool is_forgotten;		  /* whatever was compiled last is not in force */
	struct pst_diags *compiled;	  /* what the last compilation said */
	struct PST_VEC(const struct pst_spec *) in_force; /* tells what was compiled last */
	struct pst_memo *memo;				  /* of the last compilation */
};

static int check(void *ctx, const struct pst_policy *policy, struct pst_diags *diags)
{
	(void)ctx;
	return pst_compile_check(policy, diags);
}

static int copy_paths(struct pst_sources *s, const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *path = pst_mem_strndup(paths[i], strlen(paths[i]));

		if (!path || pst_vec_push(&s->inventories, path)) {
			free(path);
			return -ENOMEM;
		}
	}
	return 0;
}

struct pst_sources *pst_sources_new(const char *const *policies, size_t n_policies,
				    const char *const *inventories, size_t n_inventories)
{
	const struct pst_policy_store_opts opts = {
		.paths = policies, .n_paths = n_policies, .check = check};
	struct pst_sources *s = pst_mem_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->policies = pst_policy_store_new(&opts);
	s->memo = pst_memo_new();
	if (!s->policies || !s->memo || copy_paths(s, inventories, n_inventories))
		pst_sources_free(&s);
	return s;
}

struct pst_sources *pst_sources_new_bundle(const char *path)
{
	struct pst_sources *s = pst_mem_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->bundle = pst_mem_strndup(path, strlen(path));
	if (!s->bundle)
		pst_sources_free(&s);
	return s;
}

void pst_sources_free(struct pst_sources **sources)
{
	struct pst_sources *s = *sources;

	if (!s)
		return;
	for (size_t i = 0; i < s->inventories.n; i++)
		free(s->inventories.v[i]);
	pst_vec_free(&s->inventories);
	pst_vec_free(&s->in_force);
	pst_memo_free(&s->memo);
	pst_policy_store_free(&s->policies);
	pst_inventory_free(&s->inventory);
	pst_stamps_fini(&s->stamps);
	pst_diags_free(&s->inventory_said);
	pst_diags_free(&s->compiled);
	free(s->bundle);
	free(s);
	*sources = NULL;
}

void pst_sources_forget(struct pst_sources *s)
{
	s->is_forgotten = true;
}

/* The inventory is new, or stays what it was when there are mistakes. */
static int load_inventory(struct pst_sources *s, struct pst_inventory **ret_old)
{
	struct pst_diags *said = pst_diags_new();
	struct pst_inventory *now = NULL;
	int r = said ? pst_inventory_load((const char *const *)s->inventories.v, s->inventories.n,
					  said, &now)
		     : -ENOMEM;

	if (r == -ENOMEM) {
		pst_diags_free(&said);
		return r;
	}
	pst_diags_free(&s->inventory_said);
	s->inventory_said = said;
	s->inventory_read = true;
	if (r || pst_diags_errors(said)) {
		pst_inventory_free(&now);
		return 0;
	}
	*ret_old = s->inventory;
	s->inventory = now;
	return 1;
}

/* 1 when there is a new one, 0, -ENOMEM. */
static int read_inventory(struct pst_sources *s, struct pst_inventory **ret_old)
{
	struct pst_stamps now = {0};
	int r;

	s->inventory_read = false;
	r = pst_stamps_collect((const char *const *)s->inventories.v, s->inventories.n, &now);

	if (!r && s->inventory_said && pst_stamps_same(&s->stamps, &now)) {
		pst_stamps_fini(&now);
		return 0;
	}
	pst_stamps_fini(&s->stamps);
	s->stamps = now;
	/* A path that could not be walked is told of by the reader. */
	return r == -ENOMEM ? r : load_inventory(s, ret_old);
}

static bool is_in_force(const struct pst_sources *s, const struct pst_policy_set *set)
{
	if (set->n_policies != s->in_force.n)
		return false;
	for (size_t i = 0; i < set->n_policies; i++) {
		if (set->policies[i].specs != s->in_force.v[i])
			return false;
	}
	return true;
}

static int note_in_force(struct pst_sources *s, const struct pst_policy_set *set)
{
	s->in_force.n = 0;
	for (size_t i = 0; i < set->n_policies; i++) {
		if (pst_vec_push(&s->in_force, set->policies[i].specs))
			return -ENOMEM;
	}
	return 0;
}

/* Policies that are not in force as they are written, as mistakes with what became of them. */
static size_t add_refusals(const struct pst_sources *s, struct pst_diags *standing)
{
	size_t n;
	const struct pst_policy_refusal *v = pst_policy_store_refusals(s->policies, &n);

	for (size_t i = 0; i < n; i++) {
		const struct pst_policy_refusal *r = &v[i];
		const struct pst_pos pos = {.file = r->file, .line = r->line, .col = r->col};
		const char *what = r->kept   ? "its last good version stays in force"
				   : r->name ? "only what can be read of it is in force"
					     : "only what can be read of the file is in force";

		pst_diags_error(standing, r->id, &pos, "%s%s%s: %s (%s)", r->name ? r->ns : "",
				r->name && *r->ns ? "/" : "", r->name ? r->name : "the file",
				r->message, what);
	}
	return n;
}

static int cmp_diags(const void *va, const void *vb)
{
	const struct pst_diag *a = *(const struct pst_diag *const *)va;
	const struct pst_diag *b = *(const struct pst_diag *const *)vb;
	int r = strcmp(a->pos.file ? a->pos.file : "", b->pos.file ? b->pos.file : "");

	if (!r)
		r = (a->pos.line > b->pos.line) - (a->pos.line < b->pos.line);
	if (!r)
		r = (a->pos.col > b->pos.col) - (a->pos.col < b->pos.col);
	if (!r)
		r = strcmp(a->id, b->id);
	return r ? r : strcmp(a->message, b->message);
}

/* What was said, sorted. */
struct heard PST_VEC(const struct pst_diag *);

static int hear(struct heard *h, const struct pst_diags *list)
{
	for (size_t i = 0; list && i < pst_diags_count(list); i++) {
		if (pst_vec_push(h, pst_diags_at(list, i)))
			return -ENOMEM;
	}
	return 0;
}

static void add_copy(struct pst_diags *to, const struct pst_diag *d)
{
	pst_diags_add(to, d->severity, d->id, &d->pos, "%s", d->message);
	for (const struct pst_diag_note *n = d->notes; n; n = n->next)
		pst_diags_note(to, &n->pos, "%s", n->message);
}

/* What FROM says and neither of the lists has said. 0 or -ENOMEM. */
static int add_news(struct pst_diags *to, const struct pst_diags *from, const struct pst_diags *a,
		    const struct pst_diags *b)
{
	struct heard heard = {0};
	int r = hear(&heard, a);

	if (!r)
		r = hear(&heard, b);
	if (!r && heard.n)
		qsort(heard.v, heard.n, sizeof(*heard.v), cmp_diags);
	for (size_t i = 0; !r && i < pst_diags_count(from); i++) {
		const struct pst_diag *d = pst_diags_at(from, i);

		if (!heard.n || !bsearch(&d, heard.v, heard.n, sizeof(*heard.v), cmp_diags))
			add_copy(to, d);
	}
	pst_vec_free(&heard);
	return r;
}

/* A mistake of the whole: those of single policies were found before, and are refusals. */
static bool has_mistake_of_the_whole(const struct pst_diags *compiled)
{
	for (size_t i = 0; i < pst_diags_count(compiled); i++) {
		const struct pst_diag *d = pst_diags_at(compiled, i);

		if (d->severity == PST_SEVERITY_ERROR && !d->pos.file)
			return true;
	}
	return pst_diags_is_lossy(compiled);
}

/* The lists of one reading. */
struct lists {
	struct pst_diags *said;	    /* by the readers of files, now */
	struct pst_diags *compiled; /* by the compiler */
	struct pst_diags *news;	    /* to be printed */
};

static void lists_fini(struct lists *l)
{
	pst_diags_free(&l->said);
	pst_diags_free(&l->compiled);
	pst_diags_free(&l->news);
}

static int compile(struct pst_sources *s, struct lists *l, struct pst_reading *reading)
{
	const struct pst_policy_set *set = pst_policy_store_set(s->policies);
	const struct pst_compile_opts opts = {.memo = s->memo};
	int r;

	/* Without an inventory nobody is known: there is nothing to be enforced. */
	if (!s->inventory)
		return -EINVAL;
	r = pst_compile(set, s->inventory, &opts, l->compiled, &reading->bundle);
	if (r == -E2BIG || (!r && has_mistake_of_the_whole(l->compiled))) {
		pst_bundle_free(&reading->bundle);
		return -EINVAL;
	}
	return r;
}

static bool has_refusal(const struct pst_sources *s, const char *file)
{
	size_t n;
	const struct pst_policy_refusal *v = pst_policy_store_refusals(s->policies, &n);

	for (size_t i = 0; file && i < n; i++) {
		if (!strcmp(v[i].file, file))
			return true;
	}
	return false;
}

/* What the readers said and no refusal stands for. */
static void add_others(const struct pst_sources *s, const struct pst_diags *said,
		       struct pst_diags *standing)
{
	for (size_t i = 0; i < pst_diags_count(said); i++) {
		const struct pst_diag *d = pst_diags_at(said, i);

		if (d->severity != PST_SEVERITY_ERROR || !has_refusal(s, d->pos.file))
			add_copy(standing, d);
	}
}

/* Prints the news; remembers what stands and what was said. */
static int tell(struct pst_sources *s, struct lists *l, struct pst_reading *reading)
{
	struct pst_diags *standing = reading->standing;
	int r = add_news(l->news, l->said, NULL, NULL);

	if (!r && s->inventory_read)
		r = add_news(l->news, s->inventory_said, NULL, NULL);
	if (!r)
		r = add_news(l->news, l->compiled, s->compiled, l->said);
	if (r)
		return r;
	pst_diags_print(l->news, stderr);
	reading->n_refused = add_refusals(s, standing);
	add_others(s, l->said, standing);
	r = add_news(standing, s->inventory_said, NULL, NULL);
	if (!r)
		r = add_news(standing, l->compiled, l->said, NULL);
	pst_diags_free(&s->compiled);
	s->compiled = PST_TAKE_PTR(l->compiled);
	return r || pst_diags_is_lossy(l->news) || pst_diags_is_lossy(standing) ? -ENOMEM : 0;
}

/* The files that can have changed; NAMES NULL: all. */
struct touched {
	const char *const *names;
	size_t n;
};

static bool is_of_inventory(const struct pst_sources *s, const struct touched *t)
{
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 0; k < s->stamps.names.n; k++) {
			if (!strcmp(t->names[i], s->stamps.names.v[k]))
				return true;
		}
	}
	return false;
}

/* 1 when there is another inventory, 0, -ENOMEM. */
static int read_files(struct pst_sources *s, const struct touched *t, struct lists *l,
		      struct pst_inventory **ret_old)
{
	int r = -ESTALE;

	if (t->names && s->inventory_said && !is_of_inventory(s, t)) {
		s->inventory_read = false;
		r = pst_policy_store_refresh_some(s->policies, t->names, t->n, l->said);
		if (r != -ESTALE)
			return r;
	}
	r = pst_policy_store_refresh(s->policies, l->said);
	return r ? r : read_inventory(s, ret_old);
}

static int read_all(struct pst_sources *s, const struct touched *t, struct lists *l,
		    struct pst_reading *reading)
{
	struct pst_inventory *old = NULL;
	const struct pst_policy_set *set;
	int is_new = read_files(s, t, l, &old), told, r;

	if (is_new < 0) {
		pst_memo_clear(s->memo); /* the store may have gone on all the same */
		return is_new;
	}
	set = pst_policy_store_set(s->policies);
	reading->changed = is_new || s->is_forgotten || !is_in_force(s, set);
	r = compile(s, l, reading);
	pst_inventory_free(&old);
	if (r == -ENOMEM)
		return r;
	told = tell(s, l, reading);
	if (!told && !r)
		told = note_in_force(s, set);
	s->is_forgotten = told || r;
	return told ? told : r;
}

/* It is whole or it is nothing: no part of a bad one counts. */
static int read_bundle(struct pst_sources *s, struct pst_reading *reading)
{
	const char *path = s->bundle;
	const struct pst_pos whole = {.file = path};
	struct pst_stamps now = {0};
	int r = pst_stamps_collect(&path, 1, &now);

	if (r != -ENOMEM)
		r = pst_bundle_read(path, reading->standing, &reading->bundle);
	if (r && r != -ENOMEM && !pst_diags_errors(reading->standing))
		pst_diags_error(reading->standing, "file-unreadable", &whole, "%s", strerror(-r));
	reading->changed = s->is_forgotten || !pst_stamps_same(&s->stamps, &now);
	pst_stamps_fini(&s->stamps);
	s->stamps = now;
	s->is_forgotten = r;
	pst_diags_print(reading->standing, stderr);
	return r && r != -ENOMEM ? -EINVAL : r;
}

static int read_touched(struct pst_sources *s, const struct touched *t,
			struct pst_reading *ret_reading)
{
	struct lists l pst_cleanup(lists_fini) = {
		.said = pst_diags_new(),
		.compiled = pst_diags_new(),
		.news = pst_diags_new(),
	};
	struct pst_reading reading = {.standing = pst_diags_new()};
	int r = -ENOMEM;

	if (l.said && l.compiled && l.news && reading.standing)
		r = s->bundle ? read_bundle(s, &reading) : read_all(s, t, &l, &reading);
	if (r == -ENOMEM)
		pst_reading_fini(&reading);
	*ret_reading = reading;
	return r;
}

int pst_sources_read(struct pst_sources *s, struct pst_reading *ret_reading)
{
	return read_touched(s, &(struct touched){0}, ret_reading);
}

int pst_sources_read_some(struct pst_sources *s, const char *const *names, size_t n,
			  struct pst_reading *ret_reading)
{
	return read_touched(s, &(struct touched){.names = names, .n = n}, ret_reading);
}
