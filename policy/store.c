// SPDX-License-Identifier: Apache-2.0
#include "policy/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "policy/load.h"
#include "policy/stamp.h"

/* What one reading of one file gave. Counted: a policy of it may outlive the file's next reading.
 */
struct edition {
	size_t refs;
	struct pst_policy_set *set;
	size_t diags_from, diags_to; /* of the refresh that read it */
};

/* A policy in force. */
struct held {
	const struct pst_policy *policy;
	struct edition *edition;
};

struct helds PST_VEC(struct held);
struct refusals PST_VEC(struct pst_policy_refusal);

struct file {
	char *name;
	struct pst_stamp stamp;
	char *text; /* while the stamp is early: it may have to be compared */
	size_t len;
	struct helds held;
	struct refusals refusals; /* their strings but the file's name are ours */
	/* During a refresh. */
	bool seen;
	struct edition *fresh;
	struct helds next;
	struct refusals next_refusals;
};

struct files PST_VEC(struct file *);

struct pst_policy_store {
	struct pst_policy_store_opts opts;
	struct pst_policy_options reading;
	struct PST_VEC(char *) paths;
	struct files files; /* in the order in which they were found */
	struct PST_VEC(struct edition *) retired;
	struct pst_policy_set *set;
	struct refusals refusals; /* of all files */
	size_t n_read;
};

/* A refresh under way. */
struct refresh {
	struct pst_policy_store *s;
	struct pst_diags *diags;
	struct files by_name; /* the known ones, sorted */
	struct files found;   /* in order; new ones are only here */
	struct pst_stamp pending;
	size_t n_read;
};

static void release(struct edition *e)
{
	if (!e || --e->refs)
		return;
	pst_policy_set_free(&e->set);
	free(e);
}

static void helds_free(struct helds *h)
{
	for (size_t i = 0; i < h->n; i++)
		release(h->v[i].edition);
	pst_vec_free(h);
}

static void refusals_free(struct refusals *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free((char *)r->v[i].ns);
		free((char *)r->v[i].name);
		free((char *)r->v[i].message);
	}
	pst_vec_free(r);
}

static void file_free(struct file *f)
{
	helds_free(&f->held);
	helds_free(&f->next);
	refusals_free(&f->refusals);
	refusals_free(&f->next_refusals);
	release(f->fresh);
	free(f->text);
	free(f->name);
	free(f);
}

/* Finding files. */

static int cmp_files(const void *a, const void *b)
{
	return strcmp((*(struct file *const *)a)->name, (*(struct file *const *)b)->name);
}

static struct file *find_file(const struct refresh *r, const char *name)
{
	const struct file key = {.name = (char *)name};
	const struct file *at = &key;
	struct file **found = r->by_name.n ? bsearch(&at, r->by_name.v, r->by_name.n,
						     sizeof(*r->by_name.v), cmp_files)
					   : NULL;

	return found ? *found : NULL;
}

/* Called for each file, before it is read: remembers what it looked like. */
static bool knows(void *ctx, const char *name, const struct stat *st)
{
	struct refresh *r = ctx;
	struct file *f = find_file(r, name);

	r->pending = pst_stamp_take(st);
	if (!f || (!f->seen && !pst_stamp_same(&f->stamp, &r->pending)))
		return false;
	if (!f->seen && pst_vec_push(&r->found, f))
		return false; /* take() will fail for the same reason */
	f->seen = true;
	return true;
}

static int add_file(struct refresh *r, const char *name, struct file **ret_file)
{
	struct file *f = pst_mem_calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->name = pst_mem_strndup(name, strlen(name));
	if (!f->name || pst_vec_push(&r->found, f)) {
		file_free(f);
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

static int parse(struct refresh *r, const struct pst_load_file *file, struct edition **ret_edition)
{
	const struct pst_policy_source source = {
		.name = file->name,
		.text = file->text,
		.len = file->len,
	};
	struct pst_policy_options reading = r->s->reading;
	struct edition *e = pst_mem_calloc(1, sizeof(*e));
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
		release(e);
	else
		*ret_edition = e;
	return err;
}

/* Keeps the text of F for as long as its stamp cannot tell whether it changes. */
static int keep_text(struct file *f, const struct pst_load_file *file)
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

static bool is_text(const struct file *f, const struct pst_load_file *file)
{
	return f->text && f->len == file->len && !memcmp(f->text, file->text, file->len);
}

static int take(void *ctx, const struct pst_load_file *file)
{
	struct refresh *r = ctx;
	struct file *f = find_file(r, file->name);
	int err = 0;

	if (!f)
		err = add_file(r, file->name, &f);
	else if (!f->seen)
		err = pst_vec_push(&r->found, f);
	if (err)
		return err;
	f->seen = true;
	f->stamp = r->pending;
	if (is_text(f, file))
		return f->stamp.is_early ? 0 : keep_text(f, file);
	release(f->fresh);
	f->fresh = NULL;
	r->n_read++;
	err = parse(r, file, &f->fresh);
	return err ? err : keep_text(f, file);
}

/* What is in force of a file. */

static bool is_named(const struct pst_policy *p, const char *ns, const char *name)
{
	return !strcmp(p->ns, ns) && !strcmp(p->name, name);
}

static const struct held *find_held(const struct helds *h, const char *ns, const char *name)
{
	for (size_t i = 0; i < h->n; i++) {
		if (is_named(h->v[i].policy, ns, name))
			return &h->v[i];
	}
	return NULL;
}

/* The version that was in force before: in its own file, or where it stood then. */
static const struct held *last_good(const struct refresh *r, const struct file *f, const char *ns,
				    const char *name)
{
	const struct held *h = find_held(&f->held, ns, name);

	for (size_t i = 0; !h && i < r->by_name.n; i++)
		h = find_held(&r->by_name.v[i]->held, ns, name);
	return h;
}

static int hold(struct file *f, const struct held *h)
{
	if (pst_vec_push(&f->next, *h))
		return -ENOMEM;
	h->edition->refs++;
	return 0;
}

static bool is_before(const struct pst_pos *a, const struct pst_pos *b)
{
	return a->line != b->line ? a->line < b->line : a->col < b->col;
}

/* The first mistake of the file that stands at POS or behind; NULL: the first of all. */
static const struct pst_diag *first_error(const struct refresh *r, const struct edition *e,
					  const struct pst_pos *pos)
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

static int refuse(struct refresh *r, struct file *f, const struct refused *what)
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
static int settle_policy(struct refresh *r, struct file *f, const struct pst_policy *p)
{
	const struct held now = {.policy = p, .edition = f->fresh};
	const struct held *old = p->n_errors ? last_good(r, f, p->ns, p->name) : NULL;
	const struct refused what = {
		.pos = &p->pos, .ns = p->ns, .name = p->name, .kept = old != NULL};
	int err = hold(f, old ? old : &now);

	if (!err && p->n_errors)
		err = refuse(r, f, &what);
	return err;
}

static int settle_broken(struct refresh *r, struct file *f, const struct pst_policy_broken *b)
{
	const struct held *old = b->name ? last_good(r, f, b->ns, b->name) : NULL;
	const struct refused what = {
		.pos = &b->pos,
		.ns = b->ns,
		.name = b->name,
		.kept = b->name ? old != NULL : f->held.n,
	};
	int err = 0;

	if (old && !find_held(&f->next, b->ns, b->name))
		err = hold(f, old);
	return err ? err : refuse(r, f, &what);
}

/* The file may hold more than could be read: what it held before and is not found stays. */
static int settle_gaps(struct refresh *r, struct file *f)
{
	const struct refused what = {.kept = f->held.n};

	for (size_t i = 0; i < f->held.n; i++) {
		const struct held *old = &f->held.v[i];

		if (!find_held(&f->next, old->policy->ns, old->policy->name) && hold(f, old))
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

static int settle(struct refresh *r, struct file *f)
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
static int keep_unseen(struct refresh *r)
{
	for (size_t i = 0; i < r->s->files.n; i++) {
		struct file *f = r->s->files.v[i];

		if (!f->seen && pst_vec_push(&r->found, f))
			return -ENOMEM;
		f->seen = true;
	}
	return 0;
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
		const struct file *f = r->found.v[i];
		const struct helds *h = f->fresh ? &f->next : &f->held;

		for (size_t k = 0; k < h->n; k++)
			set->policies[set->n_policies++] = *h->v[k].policy;
	}
	*ret_set = set;
	return 0;
}

/* Refusals are plain views of what the files own. */
static int gather_refusals(const struct refresh *r, struct refusals *all)
{
	for (size_t i = 0; i < r->found.n; i++) {
		const struct file *f = r->found.v[i];
		const struct refusals *of = f->fresh ? &f->next_refusals : &f->refusals;

		for (size_t k = 0; k < of->n; k++) {
			if (pst_vec_push(all, of->v[k]))
				return -ENOMEM;
		}
	}
	return 0;
}

static void swap_in(struct file *f)
{
	helds_free(&f->held);
	refusals_free(&f->refusals);
	f->held = f->next;
	f->refusals = f->next_refusals;
	f->next = (struct helds){0};
	f->next_refusals = (struct refusals){0};
	release(f->fresh);
	f->fresh = NULL;
}

/* One reference to each edition of the policies that are in force now: they live until the refresh
 * after the next, whatever happens to their files. */
static int retire(struct pst_policy_store *s, size_t *ret_from)
{
	*ret_from = s->retired.n;
	for (size_t i = 0; i < s->files.n; i++) {
		for (size_t k = 0; k < s->files.v[i]->held.n; k++) {
			struct edition *e = s->files.v[i]->held.v[k].edition;

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
		release(s->retired.v[i]);
	if (from == to)
		return;
	memmove(s->retired.v + from, s->retired.v + to,
		(s->retired.n - to) * sizeof(*s->retired.v));
	s->retired.n -= to - from;
}

/* Nothing fails from here on. */
static void commit(struct refresh *r, struct pst_policy_set *set, const struct refusals *refusals)
{
	struct pst_policy_store *s = r->s;

	for (size_t i = 0; i < s->files.n; i++) {
		if (!s->files.v[i]->seen)
			file_free(s->files.v[i]);
	}
	for (size_t i = 0; i < r->found.n; i++) {
		if (r->found.v[i]->fresh)
			swap_in(r->found.v[i]);
		r->found.v[i]->seen = false;
	}
	pst_vec_free(&s->files);
	s->files = r->found;
	r->found = (struct files){0};
	pst_policy_set_free(&s->set);
	s->set = set;
	pst_vec_free(&s->refusals);
	s->refusals = *refusals;
	s->n_read = r->n_read;
}

/* As if nothing had been read; what was read will be read again. */
static void roll_back(struct refresh *r)
{
	for (size_t i = 0; i < r->by_name.n; i++) {
		struct file *f = r->by_name.v[i];

		f->seen = false;
		if (f->fresh) {
			f->stamp.is_early = true;
			free(f->text);
			f->text = NULL;
		}
		helds_free(&f->next);
		refusals_free(&f->next_refusals);
		release(f->fresh);
		f->fresh = NULL;
	}
	for (size_t i = 0; i < r->found.n; i++) {
		if (!find_file(r, r->found.v[i]->name))
			file_free(r->found.v[i]);
	}
	pst_vec_free(&r->found);
}

/* What came through a pipe cannot be read again. */
static int keep_stdin(struct refresh *r, struct file *f)
{
	if (!f->seen && pst_vec_push(&r->found, f))
		return -ENOMEM;
	f->seen = true;
	return 0;
}

/* 0, -ENOMEM, or what pst_load_visit() has said first. */
static int visit_paths(struct refresh *r)
{
	const struct pst_load_visitor visitor = {.take = take, .knows = knows, .ctx = r};
	int worst = 0;

	for (size_t i = 0; worst != -ENOMEM && i < r->s->paths.n; i++) {
		const char *path = r->s->paths.v[i];
		struct file *f = strcmp(path, "-") ? NULL : find_file(r, "<stdin>");
		int err = f ? keep_stdin(r, f) : pst_load_visit(&path, 1, r->diags, &visitor);

		if (!worst || err == -ENOMEM)
			worst = err;
	}
	return worst;
}

static int read_files(struct refresh *r)
{
	struct pst_policy_store *s = r->s;
	int err = 0;

	for (size_t i = 0; !err && i < s->files.n; i++)
		err = pst_vec_push(&r->by_name, s->files.v[i]);
	if (err)
		return err;
	if (r->by_name.n)
		qsort(r->by_name.v, r->by_name.n, sizeof(*r->by_name.v), cmp_files);
	err = visit_paths(r);
	if (err && err != -ENOMEM)
		err = keep_unseen(r);
	for (size_t i = 0; !err && i < r->found.n; i++) {
		if (r->found.v[i]->fresh)
			err = settle(r, r->found.v[i]);
	}
	return err;
}

int pst_policy_store_refresh(struct pst_policy_store *s, struct pst_diags *diags)
{
	struct refresh r = {.s = s, .diags = diags};
	struct pst_policy_set *set = NULL;
	struct refusals refusals = {0};
	size_t retired = s->retired.n;
	int err = read_files(&r);

	if (!err)
		err = build_set(&r, &set);
	if (!err)
		err = pst_policy_set_check(set, diags);
	if (!err)
		err = gather_refusals(&r, &refusals);
	if (!err)
		err = retire(s, &retired);
	if (err) {
		drop_retired(s, retired, s->retired.n);
		pst_policy_set_free(&set);
		pst_vec_free(&refusals);
		roll_back(&r);
	} else {
		drop_retired(s, 0, retired);
		commit(&r, set, &refusals);
	}
	pst_vec_free(&r.by_name);
	return err;
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
		file_free(s->files.v[i]);
	for (size_t i = 0; i < s->paths.n; i++)
		free(s->paths.v[i]);
	pst_vec_free(&s->retired);
	pst_vec_free(&s->files);
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
