// SPDX-License-Identifier: Apache-2.0
#include "policy/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "policy/load.h"
#include "policy/store_file.h"

struct pst_policy_store {
	struct pst_policy_store_opts opts;
	struct pst_policy_options reading;
	struct PST_VEC(char *) paths;
	struct pst_store_files files;	/* in the order in which they were found */
	struct pst_store_files by_name; /* the same, sorted */
	struct PST_VEC(struct pst_store_edition *) retired;
	struct pst_policy_set *set;
	struct pst_store_refusals refusals; /* of all files */
	size_t n_read;
	bool has_blind_spots; /* a path could not be walked when everything was looked at */
};

/* A refresh under way. */
struct refresh {
	struct pst_policy_store *s;
	struct pst_diags *diags;
	struct pst_store_files found;	   /* in order; new ones are only here */
	struct pst_store_files next_names; /* the same, sorted, when there are others than before */
	const char *const *names;	   /* of all that can have changed; NULL: everything can */
	size_t n_names;
	struct pst_stamp pending;
	size_t n_read;
	struct PST_VEC(const char *) blind; /* paths that could not be walked or read */
	bool has_blind_spots;
};

/* Finding files. */

static int cmp_files(const void *a, const void *b)
{
	return strcmp((*(struct pst_store_file *const *)a)->name,
		      (*(struct pst_store_file *const *)b)->name);
}

static struct pst_store_file *find_file(const struct refresh *r, const char *name)
{
	const struct pst_store_file key = {.name = (char *)name};
	const struct pst_store_file *at = &key;
	const struct pst_store_files *known = &r->s->by_name;
	struct pst_store_file **found =
		known->n ? bsearch(&at, known->v, known->n, sizeof(*known->v), cmp_files) : NULL;

	return found ? *found : NULL;
}

/* A file that is there. */
static int place(struct refresh *r, struct pst_store_file *f)
{
	if (!f->placed && pst_vec_push(&r->found, f))
		return -ENOMEM;
	f->placed = true;
	f->seen = true;
	return 0;
}

/* Called for each file, before it is read: remembers what it looked like. */
static bool knows(void *ctx, const char *name, const struct stat *st)
{
	struct refresh *r = ctx;
	struct pst_store_file *f = find_file(r, name);

	r->pending = pst_stamp_take(st);
	if (!f || (!f->seen && !pst_stamp_same(&f->stamp, &r->pending)))
		return false;
	return !place(r, f); /* else take() will fail for the same reason */
}

static int add_file(struct refresh *r, const char *name, struct pst_store_file **ret_file)
{
	struct pst_store_file *f = pst_mem_calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->name = pst_mem_strndup(name, strlen(name));
	if (!f->name || place(r, f)) {
		pst_store_file_free(f);
		return -ENOMEM;
	}
	*ret_file = f;
	return 0;
}

static int check_policies(struct refresh *r, struct pst_policy_set *set)
{
	const struct pst_policy_store_opts *o = &r->s->opts;

	for (size_t i = 0; o->check && i < set->n_policies; i++) {
		const size_t before = pst_diags_errors(r->diags);

		if (o->check(o->check_ctx, &set->policies[i], r->diags))
			return -ENOMEM;
		set->policies[i].n_errors += pst_diags_errors(r->diags) - before;
	}
	return 0;
}

static int parse(struct refresh *r, const struct pst_load_file *file,
		 struct pst_store_edition **ret_edition)
{
	const struct pst_policy_source source = {
		.name = file->name,
		.text = file->text,
		.len = file->len,
	};
	struct pst_policy_options reading = r->s->reading;
	struct pst_store_edition *e = pst_mem_calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->refs = 1;
	reading.may_lack_policies = !file->by_name;
	e->diags_from = pst_diags_count(r->diags);
	err = pst_policy_parse_with(&reading, &source, r->diags, &e->set);
	if (!err)
		err = check_policies(r, e->set);
	e->diags_to = pst_diags_count(r->diags);
	if (err)
		pst_store_release(e);
	else
		*ret_edition = e;
	return err;
}

/* Keeps the text of F for as long as its stamp cannot tell whether it changes. */
static int keep_text(struct pst_store_file *f, const struct pst_load_file *file)
{
	free(f->text);
	f->text = NULL;
	if (!f->stamp.is_early)
		return 0;
	f->text = pst_mem_calloc(1, file->len + 1);
	if (!f->text)
		return -ENOMEM;
	memcpy(f->text, file->text, file->len);
	f->len = file->len;
	return 0;
}

static bool is_text(const struct pst_store_file *f, const struct pst_load_file *file)
{
	return f->text && f->len == file->len && !memcmp(f->text, file->text, file->len);
}

static int take(void *ctx, const struct pst_load_file *file)
{
	struct refresh *r = ctx;
	struct pst_store_file *f = find_file(r, file->name);
	int err = f ? place(r, f) : add_file(r, file->name, &f);

	if (err)
		return err;
	f->by_name = file->by_name;
	f->stamp = r->pending;
	if (is_text(f, file))
		return f->stamp.is_early ? 0 : keep_text(f, file);
	pst_store_release(f->fresh);
	f->fresh = NULL;
	r->n_read++;
	err = parse(r, file, &f->fresh);
	return err ? err : keep_text(f, file);
}

/* What is in force of a file. */

/* The version that was in force before: in its own file, or where it stood then. */
static const struct pst_store_held *
last_good(const struct refresh *r, const struct pst_store_file *f, const char *ns, const char *name)
{
	const struct pst_store_held *h = pst_store_find_held(&f->held, ns, name);

	for (size_t i = 0; !h && i < r->s->by_name.n; i++)
		h = pst_store_find_held(&r->s->by_name.v[i]->held, ns, name);
	return h;
}

static bool is_before(const struct pst_pos *a, const struct pst_pos *b)
{
	return a->line != b->line ? a->line < b->line : a->col < b->col;
}

/* The first mistake of the file that stands at POS or behind; NULL: the first of all. */
static const struct pst_diag *
first_error(const struct refresh *r, const struct pst_store_edition *e, const struct pst_pos *pos)
{
	for (size_t i = e->diags_from; i < e->diags_to; i++) {
		const struct pst_diag *d = pst_diags_at(r->diags, i);

		if (d->severity == PST_SEVERITY_ERROR && (!pos || !is_before(&d->pos, pos)))
			return d;
	}
	return pos ? first_error(r, e, NULL) : NULL;
}

/* What is refused: a policy, or (NAME is NULL) something of the file. */
struct refused {
	const struct pst_pos *pos;
	const char *ns, *name;
	bool kept;
};

static char *copy(const char *s)
{
	return s ? pst_mem_strndup(s, strlen(s)) : NULL;
}

static int refuse(struct refresh *r, struct pst_store_file *f, const struct refused *what)
{
	const struct pst_diag *d = first_error(r, f->fresh, what->pos);
	struct pst_policy_refusal refusal = {
		.ns = copy(what->ns),
		.name = copy(what->name),
		.id = d ? d->id : "too-many-diagnostics",
		.message = copy(d ? d->message : "too many mistakes"),
		.file = f->name,
		.line = d ? d->pos.line : 0,
		.col = d ? d->pos.col : 0,
		.kept = what->kept,
	};

	if (!refusal.message || (what->name && (!refusal.ns || !refusal.name)) ||
	    pst_vec_push(&f->next_refusals, refusal)) {
		free((char *)refusal.ns);
		free((char *)refusal.name);
		free((char *)refusal.message);
		return -ENOMEM;
	}
	return 0;
}

/* A policy that could be read, with or without mistakes. */
static int settle_policy(struct refresh *r, struct pst_store_file *f, const struct pst_policy *p)
{
	const struct pst_store_held now = {.policy = p, .edition = f->fresh};
	const struct pst_store_held *old = p->n_errors ? last_good(r, f, p->ns, p->name) : NULL;
	const struct refused what = {
		.pos = &p->pos, .ns = p->ns, .name = p->name, .kept = old != NULL};
	int err = pst_store_hold(f, old ? old : &now);

	if (!err && p->n_errors)
		err = refuse(r, f, &what);
	return err;
}

static int settle_broken(struct refresh *r, struct pst_store_file *f,
			 const struct pst_policy_broken *b)
{
	const struct pst_store_held *old = b->name ? last_good(r, f, b->ns, b->name) : NULL;
	const struct refused what = {
		.pos = &b->pos,
		.ns = b->ns,
		.name = b->name,
		.kept = b->name ? old != NULL : f->held.n,
	};
	int err = 0;

	if (old && !pst_store_find_held(&f->next, b->ns, b->name))
		err = pst_store_hold(f, old);
	return err ? err : refuse(r, f, &what);
}

/* The file may hold more than could be read: what it held before and is not found stays. */
static int settle_gaps(struct refresh *r, struct pst_store_file *f)
{
	const struct refused what = {.kept = f->held.n};

	for (size_t i = 0; i < f->held.n; i++) {
		const struct pst_store_held *old = &f->held.v[i];

		if (!pst_store_find_held(&f->next, old->policy->ns, old->policy->name) &&
		    pst_store_hold(f, old))
			return -ENOMEM;
	}
	return f->fresh->set->has_gaps ? refuse(r, f, &what) : 0;
}

static bool has_nameless(const struct pst_policy_set *set)
{
	for (size_t i = 0; i < set->n_broken; i++) {
		if (!set->broken[i].name)
			return true;
	}
	return false;
}

static int settle(struct refresh *r, struct pst_store_file *f)
{
	const struct pst_policy_set *set = f->fresh->set;
	int err = 0;

	for (size_t i = 0; !err && i < set->n_policies; i++)
		err = settle_policy(r, f, &set->policies[i]);
	for (size_t i = 0; !err && i < set->n_broken; i++)
		err = settle_broken(r, f, &set->broken[i]);
	if (!err && (set->has_gaps || has_nameless(set)))
		err = settle_gaps(r, f);
	return err;
}

/* A refresh. */

/* A path that cannot be read now may hold everything that it held. */
static int keep_all(struct refresh *r)
{
	if (pst_vec_reserve(&r->found, r->found.n + r->s->files.n))
		return -ENOMEM;
	for (size_t i = 0; i < r->s->files.n; i++) {
		struct pst_store_file *f = r->s->files.v[i];

		if (place(r, f))
			return -ENOMEM;
	}
	return 0;
}

/* What is said of a path that could not be walked or read, but for the end of all walking. */
static bool is_about_a_path(const struct pst_diag *d)
{
	static const char *const ids[] = {"file-missing", "file-unreadable", "file-too-large",
					  "no-files", "directory-loop"};

	for (size_t i = 0; d->pos.file && i < sizeof(ids) / sizeof(*ids); i++) {
		if (!strcmp(d->id, ids[i]))
			return true;
	}
	return false;
}

/* Which paths those are, by what is said from diagnostic FROM on. -ESTALE: it does not show. */
static int find_blind_spots(struct refresh *r, size_t from)
{
	bool has_ended = pst_diags_is_lossy(r->diags);

	for (size_t i = from; i < pst_diags_count(r->diags); i++) {
		const struct pst_diag *d = pst_diags_at(r->diags, i);

		has_ended = has_ended || !strcmp(d->id, "too-many-directories");
		if (is_about_a_path(d) && pst_vec_push(&r->blind, d->pos.file))
			return -ENOMEM;
	}
	return has_ended || !r->blind.n ? -ESTALE : 0;
}

static bool is_blind(const struct refresh *r, const char *name)
{
	for (size_t i = 0; i < r->blind.n; i++) {
		const char *path = r->blind.v[i];
		const size_t n = strlen(path);

		if (!strncmp(name, path, n) &&
		    (!name[n] || name[n] == '/' || (n && path[n - 1] == '/')))
			return true;
	}
	return false;
}

/* What else is not found any more is gone. */
static int keep_unseen(struct refresh *r, size_t from)
{
	int err = find_blind_spots(r, from);

	if (err == -ESTALE)
		return keep_all(r);
	for (size_t i = 0; !err && i < r->s->files.n; i++) {
		struct pst_store_file *f = r->s->files.v[i];

		if (is_blind(r, f->name))
			err = place(r, f);
	}
	return err;
}

static int build_set(const struct refresh *r, struct pst_policy_set **ret_set)
{
	struct pst_arena *arena = pst_arena_new();
	struct pst_policy_set *set = arena ? pst_arena_alloc(arena, sizeof(*set)) : NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->found.n; i++)
		n += r->found.v[i]->fresh ? r->found.v[i]->next.n : r->found.v[i]->held.n;
	if (set)
		set->policies = pst_arena_calloc(arena, n, sizeof(*set->policies));
	if (!set || !set->policies) {
		pst_arena_free(&arena);
		return -ENOMEM;
	}
	set->arena = arena;
	set->n_files = r->found.n;
	for (size_t i = 0; i < r->found.n; i++) {
		const struct pst_store_file *f = r->found.v[i];
		const struct pst_store_helds *h = f->fresh ? &f->next : &f->held;

		for (size_t k = 0; k < h->n; k++)
			set->policies[set->n_policies++] = *h->v[k].policy;
	}
	*ret_set = set;
	return 0;
}

/* Refusals are plain views of what the files own. */
static int gather_refusals(const struct refresh *r, struct pst_store_refusals *all)
{
	for (size_t i = 0; i < r->found.n; i++) {
		const struct pst_store_file *f = r->found.v[i];
		const struct pst_store_refusals *of = f->fresh ? &f->next_refusals : &f->refusals;

		for (size_t k = 0; k < of->n; k++) {
			if (pst_vec_push(all, of->v[k]))
				return -ENOMEM;
		}
	}
	return 0;
}

/* One reference to each edition of the policies that are in force now: they live until the refresh
 * after the next, whatever happens to their files. */
static int retire(struct pst_policy_store *s, size_t *ret_from)
{
	*ret_from = s->retired.n;
	for (size_t i = 0; i < s->files.n; i++) {
		for (size_t k = 0; k < s->files.v[i]->held.n; k++) {
			struct pst_store_edition *e = s->files.v[i]->held.v[k].edition;

			if (pst_vec_push(&s->retired, e))
				return -ENOMEM;
			e->refs++;
		}
	}
	return 0;
}

static void drop_retired(struct pst_policy_store *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		pst_store_release(s->retired.v[i]);
	if (from == to)
		return;
	memmove(s->retired.v + from, s->retired.v + to,
		(s->retired.n - to) * sizeof(*s->retired.v));
	s->retired.n -= to - from;
}

/* Nothing fails from here on. */
static void commit(struct refresh *r, struct pst_policy_set *set,
		   const struct pst_store_refusals *refusals)
{
	struct pst_policy_store *s = r->s;

	for (size_t i = 0; i < s->files.n; i++) {
		if (!s->files.v[i]->seen)
			pst_store_file_free(s->files.v[i]);
	}
	for (size_t i = 0; i < r->found.n; i++) {
		if (r->found.v[i]->fresh)
			pst_store_swap_in(r->found.v[i]);
		r->found.v[i]->seen = false;
		r->found.v[i]->placed = false;
	}
	if (!r->names) {
		pst_vec_free(&s->by_name);
		s->by_name = r->next_names;
	}
	pst_vec_free(&s->files);
	s->files = r->found;
	pst_policy_set_free(&s->set);
	s->set = set;
	pst_vec_free(&s->refusals);
	s->refusals = *refusals;
	s->n_read = r->n_read;
	s->has_blind_spots = r->has_blind_spots;
}

/* As if nothing had been read; what was read will be read again. */
static void roll_back(struct refresh *r)
{
	for (size_t i = 0; i < r->s->by_name.n; i++) {
		struct pst_store_file *f = r->s->by_name.v[i];

		f->seen = false;
		f->placed = false;
		if (f->fresh) {
			f->stamp.is_early = true;
			free(f->text);
			f->text = NULL;
		}
		pst_store_helds_free(&f->next);
		pst_store_refusals_free(&f->next_refusals);
		pst_store_release(f->fresh);
		f->fresh = NULL;
	}
	for (size_t i = 0; i < r->found.n; i++) {
		if (!find_file(r, r->found.v[i]->name))
			pst_store_file_free(r->found.v[i]);
	}
	pst_vec_free(&r->found);
	pst_vec_free(&r->next_names);
}

/* 0, -ENOMEM, or what pst_load_visit() has said first. */
static int visit_paths(struct refresh *r)
{
	const struct pst_load_visitor visitor = {.take = take, .knows = knows, .ctx = r};
	int worst = 0;

	for (size_t i = 0; worst != -ENOMEM && i < r->s->paths.n; i++) {
		const char *path = r->s->paths.v[i];
		struct pst_store_file *f = strcmp(path, "-") ? NULL : find_file(r, "<stdin>");
		/* What came through a pipe cannot be read again. */
		int err = f ? place(r, f) : pst_load_visit(&path, 1, r->diags, &visitor);

		if (!worst || err == -ENOMEM)
			worst = err;
	}
	return worst;
}

static bool is_regular(const char *name, struct stat *st)
{
	return !stat(name, st) && S_ISREG(st->st_mode);
}

/* All others are where they were, and as they were. */
static int read_named(struct refresh *r)
{
	const struct pst_load_visitor visitor = {.take = take, .ctx = r};
	int err = keep_all(r);
	struct stat st;

	for (size_t i = 0; i < r->n_names; i++) {
		if (!find_file(r, r->names[i]) || !is_regular(r->names[i], &st))
			return -ESTALE;
	}
	for (size_t i = 0; !err && i < r->n_names; i++) {
		const char *name = r->names[i];

		if (!is_regular(name, &st))
			return -ESTALE;
		r->pending = pst_stamp_take(&st);
		err = pst_load_again(name, find_file(r, name)->by_name, r->diags, &visitor);
	}
	return err && err != -ENOMEM ? -ESTALE : err;
}

static int read_files(struct refresh *r)
{
	const size_t said = pst_diags_count(r->diags);
	int err = r->names ? read_named(r) : visit_paths(r);

	if (err && err != -ENOMEM && !r->names) {
		r->has_blind_spots = true;
		err = keep_unseen(r, said);
	}
	for (size_t i = 0; !err && i < r->found.n; i++) {
		if (r->found.v[i]->fresh)
			err = settle(r, r->found.v[i]);
	}
	return err;
}

/* When only named files were read, all are those that they were. */
static int sort_names(struct refresh *r)
{
	if (r->names)
		return 0;
	for (size_t i = 0; i < r->found.n; i++) {
		if (pst_vec_push(&r->next_names, r->found.v[i]))
			return -ENOMEM;
	}
	if (r->found.n)
		qsort(r->next_names.v, r->next_names.n, sizeof(*r->next_names.v), cmp_files);
	return 0;
}

static int refresh(struct refresh *r)
{
	struct pst_policy_store *s = r->s;
	struct pst_policy_set *set = NULL;
	struct pst_store_refusals refusals = {0};
	size_t retired = s->retired.n;
	int err = read_files(r);

	if (!err)
		err = build_set(r, &set);
	if (!err)
		err = pst_policy_set_check(set, &s->reading, r->diags);
	if (!err)
		err = gather_refusals(r, &refusals);
	if (!err)
		err = retire(s, &retired);
	if (!err)
		err = sort_names(r);
	if (err) {
		drop_retired(s, retired, s->retired.n);
		pst_policy_set_free(&set);
		pst_vec_free(&refusals);
		roll_back(r);
		s->has_blind_spots = true; /* what was named now may not be named again */
	} else {
		drop_retired(s, 0, retired);
		commit(r, set, &refusals);
	}
	pst_vec_free(&r->blind);
	return err;
}

int pst_policy_store_refresh(struct pst_policy_store *s, struct pst_diags *diags)
{
	struct refresh r = {.s = s, .diags = diags};

	return refresh(&r);
}

int pst_policy_store_refresh_some(struct pst_policy_store *s, const char *const *names, size_t n,
				  struct pst_diags *diags)
{
	struct refresh r = {.s = s, .diags = diags, .names = names, .n_names = n};

	return s->has_blind_spots ? -ESTALE : refresh(&r);
}

struct pst_policy_store *pst_policy_store_new(const struct pst_policy_store_opts *opts)
{
	struct pst_policy_store *s = pst_mem_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->opts = *opts;
	if (opts->reading)
		s->reading = *opts->reading;
	s->reading.is_part = true;
	for (size_t i = 0; i < opts->n_paths; i++) {
		char *path = copy(opts->paths[i]);

		if (!path || pst_vec_push(&s->paths, path)) {
			free(path);
			pst_policy_store_free(&s);
			return NULL;
		}
	}
	return s;
}

void pst_policy_store_free(struct pst_policy_store **store)
{
	struct pst_policy_store *s = *store;

	if (!s)
		return;
	drop_retired(s, 0, s->retired.n);
	for (size_t i = 0; i < s->files.n; i++)
		pst_store_file_free(s->files.v[i]);
	for (size_t i = 0; i < s->paths.n; i++)
		free(s->paths.v[i]);
	pst_vec_free(&s->retired);
	pst_vec_free(&s->files);
	pst_vec_free(&s->by_name);
	pst_vec_free(&s->paths);
	pst_vec_free(&s->refusals);
	pst_policy_set_free(&s->set);
	free(s);
	*store = NULL;
}

const struct pst_policy_set *pst_policy_store_set(const struct pst_policy_store *s)
{
	return s->set;
}

const struct pst_policy_refusal *pst_policy_store_refusals(const struct pst_policy_store *s,
							   size_t *ret_n)
{
	*ret_n = s->refusals.n;
	return s->refusals.v;
}

size_t pst_policy_store_n_files(const struct pst_policy_store *s)
{
	return s->files.n;
}

size_t pst_policy_store_n_read(const struct pst_policy_store *s)
{
	return s->n_read;
}
