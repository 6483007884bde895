// SPDX-License-Identifier: Apache-2.0
#include "compiler/rulediff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/atoms.h"
#include "compiler/intern.h"
#include "compiler/parts.h"

enum {
	PER_WALK = 32,	 /* questions: two tags each */
	MAX_SPECIAL = 2, /* parts of a walk before those of the patterns */
	WORD_BITS = 64,
};

const struct pst_rulediff_limits pst_rulediff_default_limits = {
	.automaton = {.max_states = 1 << 16, .max_nodes = 1 << 20, .max_bytes = 64 << 20},
	.product = {.max_states = 1 << 20, .max_bytes = 256 << 20},
	.max_atoms = 1 << 16,
	.max_combinations = 1 << 20,
	.max_questions = 1 << 15,
};

/* Are the paths of A's groups in this set and those of B's the same language? */
struct question {
	uint32_t method, host; /* atoms */
	uint32_t headers;
};

struct diff {
	const struct pst_rulediff_query *q;
	const struct pst_rulediff_limits *limits;
	struct pst_rulegroups g;
	struct pst_atoms atoms[PST_FIELD_MAX]; /* of methods and hosts */
	uint32_t n_words;		       /* of a set of groups */
	struct PST_VEC(uint32_t) headers;      /* distinct conditions, 0 first */
	struct PST_VEC(struct question) questions;
	struct PST_VEC(uint64_t) sets; /* of groups, n_words per question */
	struct pst_intern index;
	struct pst_rulediff *out;
};

static void diff_fini(struct diff *d)
{
	pst_rulegroups_fini(&d->g);
	for (int f = 0; f < PST_FIELD_MAX; f++)
		pst_atoms_fini(&d->atoms[f]);
	pst_vec_free(&d->headers);
	pst_vec_free(&d->questions);
	pst_vec_free(&d->sets);
	pst_intern_fini(&d->index);
}

static int too_much(struct diff *d, const char *limit)
{
	d->out->limit = limit;
	return -E2BIG;
}

/* The patterns that groups with a difference ask for; none when one of them asks for nothing. */
static int confine(const struct diff *d, enum pst_field field, struct pst_rulegroup_patterns *among)
{
	for (size_t i = 0; i < d->g.groups.n; i++) {
		const struct pst_rulegroup *group = &d->g.groups.v[i];

		if (!group->differs)
			continue;
		if (group->field[field] == PST_RULEGROUP_ANY) {
			among->n = 0;
			return 0;
		}
		if (pst_vec_push(among, d->g.patterns[field].v[group->field[field]]))
			return -ENOMEM;
	}
	return 0;
}

static int find_atoms(struct diff *d, enum pst_field field)
{
	struct pst_rulegroup_patterns among = {0};
	struct pst_atoms_query q = {
		.patterns = d->g.patterns[field].v,
		.n = (uint32_t)d->g.patterns[field].n,
		.base = pst_baselang_of(d->q->base, field),
		.usual = pst_baselang_usual(field),
		.may_be_absent = field == PST_FIELD_HOST,
		.automaton = &d->limits->automaton,
		.product = &d->limits->product,
		.max_atoms = d->limits->max_atoms,
		.diags = d->q->diags,
	};
	int r = confine(d, field, &among);

	if (!r) {
		q.among = among.n ? among.v : NULL;
		q.n_among = (uint32_t)among.n;
		r = pst_atoms_find(&q, &d->atoms[field]);
	}
	pst_vec_free(&among);
	d->out->atoms[field] = d->atoms[field].n;
	if (r == -E2BIG)
		return too_much(d, field == PST_FIELD_METHOD ? "work on methods" : "work on hosts");
	return r;
}

static int collect_headers(struct diff *d)
{
	int r = pst_vec_push(&d->headers, 0);

	for (size_t i = 0; !r && i < d->g.groups.n; i++) {
		const uint32_t headers = d->g.groups.v[i].headers;
		size_t k = 0;

		while (k < d->headers.n && d->headers.v[k] != headers)
			k++;
		if (k == d->headers.n)
			r = pst_vec_push(&d->headers, headers);
	}
	return r;
}

/*
 * Sets of groups, one bit each: those that an atom of a field lets through, those that a header
 * condition lets through, those that the two lists do not share.
 */
struct group_sets {
	uint64_t *atom[PST_FIELD_MAX]; /* of methods and hosts: n_words per atom */
	uint64_t *headers;	       /* n_words per condition */
	uint64_t *differs;
};

static void group_sets_fini(struct group_sets *s)
{
	free(s->atom[PST_FIELD_METHOD]);
	free(s->atom[PST_FIELD_HOST]);
	free(s->headers);
	free(s->differs);
}

static void add_group(uint64_t *sets, const struct diff *d, size_t set, size_t group)
{
	sets[set * d->n_words + group / WORD_BITS] |= UINT64_C(1) << group % WORD_BITS;
}

static void fill_atom_sets(const struct diff *d, enum pst_field field, uint64_t *sets)
{
	for (size_t i = 0; i < d->g.groups.n; i++) {
		const uint32_t pattern = d->g.groups.v[i].field[field];

		for (uint32_t atom = 0; atom < d->atoms[field].n; atom++) {
			if (pattern == PST_RULEGROUP_ANY ||
			    pst_atoms_has(&d->atoms[field], atom, pattern))
				add_group(sets, d, atom, i);
		}
	}
}

/* Does a request that meets condition MET (0: none) pass what GROUP asks of headers? */
static bool meets(const struct diff *d, uint32_t met, const struct pst_rulegroup *group)
{
	if (!group->headers || group->headers == met)
		return true;
	return met && d->q->implies && d->q->implies(d->q->ctx, met, group->headers);
}

static void fill_other_sets(const struct diff *d, struct group_sets *s)
{
	for (size_t i = 0; i < d->g.groups.n; i++) {
		const struct pst_rulegroup *group = &d->g.groups.v[i];

		if (group->differs)
			add_group(s->differs, d, 0, i);
		for (size_t h = 0; h < d->headers.n; h++) {
			if (meets(d, d->headers.v[h], group))
				add_group(s->headers, d, h, i);
		}
	}
}

static bool fits(const struct diff *d, size_t sets)
{
	return sets * d->n_words <= d->limits->product.max_bytes / sizeof(uint64_t);
}

static int group_sets_init(struct group_sets *s, struct diff *d)
{
	static const enum pst_field fields[] = {PST_FIELD_METHOD, PST_FIELD_HOST};
	const size_t set = d->n_words * sizeof(uint64_t);

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const enum pst_field f = fields[i];

		if (!fits(d, d->atoms[f].n))
			return too_much(d, "bytes of memory");
		s->atom[f] = pst_mem_calloc(d->atoms[f].n + 1, set);
		if (!s->atom[f])
			return -ENOMEM;
		fill_atom_sets(d, f, s->atom[f]);
	}
	if (!fits(d, d->headers.n))
		return too_much(d, "bytes of memory");
	s->headers = pst_mem_calloc(d->headers.n, set);
	s->differs = pst_mem_calloc(1, set);
	if (!s->headers || !s->differs)
		return -ENOMEM;
	fill_other_sets(d, s);
	return 0;
}

/* Is question ID about the set that lies behind all others? */
static bool is_same_set(const void *ctx, uint32_t id)
{
	const struct diff *d = ctx;

	return !memcmp(d->sets.v + (size_t)id * d->n_words, d->sets.v + d->questions.n * d->n_words,
		       d->n_words * sizeof(uint64_t));
}

/* Writes the set behind all others; true when it holds a group that the lists do not share. */
static bool intersect(struct diff *d, const struct group_sets *s, const size_t at[3])
{
	const size_t n = d->n_words;
	uint64_t *to = d->sets.v + d->sets.n, differs = 0;

	for (size_t w = 0; w < n; w++) {
		to[w] = s->atom[PST_FIELD_METHOD][at[0] * n + w] &
			s->atom[PST_FIELD_HOST][at[1] * n + w] & s->headers[at[2] * n + w];
		differs |= to[w] & s->differs[w];
	}
	return differs;
}

/* Asks about one atom of each field and one condition, unless the same was asked before. */
static int ask(struct diff *d, const struct group_sets *s, const size_t at[3])
{
	const uint32_t candidate = (uint32_t)d->questions.n;
	uint32_t hash = 0, id;
	int r = pst_vec_reserve(&d->sets, d->sets.n + d->n_words);

	if (r || !intersect(d, s, at))
		return r;
	for (size_t w = 0; w < d->n_words; w++) {
		hash = pst_intern_mix(hash, (uint32_t)d->sets.v[d->sets.n + w]);
		hash = pst_intern_mix(hash, (uint32_t)(d->sets.v[d->sets.n + w] >> 32));
	}
	r = pst_intern_get(&d->index, hash, is_same_set, d, candidate, &id);
	if (r || id != candidate)
		return r;
	if (candidate == d->limits->max_questions)
		return too_much(d, "different questions");
	if (!fits(d, (size_t)candidate + 1))
		return too_much(d, "bytes of memory");
	d->sets.n += d->n_words;
	d->out->questions = candidate + 1;
	return pst_vec_push(&d->questions, (struct question){(uint32_t)at[0], (uint32_t)at[1],
							     d->headers.v[at[2]]});
}

static int ask_all(struct diff *d, const struct group_sets *s)
{
	const size_t methods = d->atoms[PST_FIELD_METHOD].n, hosts = d->atoms[PST_FIELD_HOST].n;
	size_t at[3];
	int r = 0;

	if (methods * hosts > d->limits->max_combinations / d->headers.n)
		return too_much(d, "combinations of method, host and headers");
	for (at[2] = 0; !r && at[2] < d->headers.n; at[2]++) {
		for (at[1] = 0; !r && at[1] < hosts; at[1]++) {
			for (at[0] = 0; !r && at[0] < methods; at[0]++)
				r = ask(d, s, at);
		}
	}
	return r;
}

static int find_questions(struct diff *d)
{
	struct group_sets sets = {0};
	int r = find_atoms(d, PST_FIELD_METHOD);

	if (!r)
		r = find_atoms(d, PST_FIELD_HOST);
	if (!r)
		r = collect_headers(d);
	if (!r)
		r = group_sets_init(&sets, d);
	if (!r)
		r = ask_all(d, &sets);
	group_sets_fini(&sets);
	return r;
}

/* Up to PER_WALK questions, from number `first` on. */
struct pathwalk {
	struct diff *d;
	uint32_t first, n;
	struct pst_pattern *patterns, *differing; /* those with a tag */
	uint32_t n_patterns, n_differing;
	uint32_t n_special; /* parts without tags of questions */
	uint32_t n_parts;
	uint32_t state; /* where the lists differ */
	uint64_t tags;	/* of that state: the pairs that do */
};

static bool is_in_question(const struct diff *d, uint32_t question, uint32_t group)
{
	return d->sets.v[(size_t)question * d->n_words + group / WORD_BITS] >> group % WORD_BITS &
	       1;
}

/* The two tags of each question that PATH's group takes part in. */
static uint64_t tags_of(const struct pathwalk *w, const struct pst_rulepath *path)
{
	uint64_t tags = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		if (is_in_question(w->d, w->first + i, path->group))
			tags |= (uint64_t)path->sides << 2 * i;
	}
	return tags;
}

/* Drops the patterns without a tag; how many are left. */
static uint32_t keep_tagged(struct pst_pattern *patterns, size_t n)
{
	uint32_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (patterns[i].tag)
			patterns[kept++] = patterns[i];
	}
	return kept;
}

static int tag_patterns(struct pathwalk *w)
{
	const struct pst_rulegroups *g = &w->d->g;
	const size_t n = g->patterns[PST_FIELD_PATH].n;

	w->patterns = pst_mem_calloc(n, sizeof(*w->patterns));
	w->differing = pst_mem_calloc(n, sizeof(*w->differing));
	if (!w->patterns || !w->differing)
		return -ENOMEM;
	for (size_t p = 0; p < n; p++) {
		w->patterns[p] = g->patterns[PST_FIELD_PATH].v[p];
		w->patterns[p].tag = 0;
		w->differing[p] = w->patterns[p];
	}
	for (size_t i = 0; i < g->paths.n; i++) {
		const struct pst_rulepath *path = &g->paths.v[i];
		const uint64_t tags = tags_of(w, path);

		w->patterns[path->path].tag |= tags;
		if (tags && path->sides != (PST_RULEGROUP_IN_A | PST_RULEGROUP_IN_B))
			w->differing[path->path].tag = 1;
	}
	w->n_patterns = keep_tagged(w->patterns, n);
	w->n_differing = keep_tagged(w->differing, n);
	return 0;
}

static int find_difference(void *ctx, uint32_t state, const uint64_t *tags)
{
	const uint64_t first_of_pairs = 0x5555555555555555;
	struct pathwalk *w = ctx;
	uint64_t all = 0;

	for (uint32_t i = w->n_special; i < w->n_parts; i++)
		all |= tags[i];
	if (!tags[0] || !((all ^ all >> 1) & first_of_pairs))
		return 0;
	w->state = state;
	w->tags = all;
	return 1;
}

static int copy_atom(const struct diff *d, enum pst_field field, uint32_t atom)
{
	const struct pst_witness *from = &d->atoms[field].texts.v[atom];
	struct pst_witness *to = &d->out->witness.field[field];

	if (!from->text)
		return 0;
	to->text = pst_mem_calloc(from->len + 1, 1);
	if (!to->text)
		return -ENOMEM;
	memcpy(to->text, from->text, from->len);
	to->len = from->len;
	return 0;
}

/* Of the questions that the lists answer differently, the first. */
static int write_witness(const struct pathwalk *w, const struct pst_product *p)
{
	struct pst_rulediff *out = w->d->out;
	const struct question *q;
	uint32_t i = 0;
	int r;

	while (!((w->tags >> 2 * i ^ w->tags >> (2 * i + 1)) & 1))
		i++;
	q = &w->d->questions.v[w->first + i];
	r = pst_product_text(p, w->state, &out->witness.field[PST_FIELD_PATH]);
	if (!r)
		r = copy_atom(w->d, PST_FIELD_METHOD, q->method);
	if (!r)
		r = copy_atom(w->d, PST_FIELD_HOST, q->host);
	out->witness.headers = q->headers;
	out->in_a = w->tags >> 2 * i & 1;
	out->differ = true;
	return r;
}

/* Walks PARTS; what comes first of them bounds the walk. */
static int walk_parts(struct pathwalk *w, const struct pst_automaton *const *parts)
{
	struct diff *d = w->d;
	struct pst_product p = {
		.parts = parts,
		.n_parts = w->n_parts,
		.n_required = w->n_special,
		.max_len = pst_baselang_of(d->q->base, PST_FIELD_PATH)->max_len,
		.limits = &d->limits->product,
		.visit = find_difference,
		.ctx = w,
	};
	int r = pst_product_walk(&p);

	d->out->states += (uint32_t)p.steps.n;
	if (r == -E2BIG)
		too_much(d, p.limit);
	if (r > 0)
		r = write_witness(w, &p);
	pst_product_fini(&p);
	return r;
}

/*
 * The base, then the union of the paths that one list has, then the patterns. Without the union
 * (when it is over the budget) the walk is only longer.
 */
static int walk(struct pathwalk *w, const struct pst_parts *parts,
		const struct pst_parts *differing)
{
	const size_t n = parts->automata.n;
	pst_auto_free const struct pst_automaton **all = NULL;

	all = pst_mem_calloc(MAX_SPECIAL + n, sizeof(*all));
	if (!all)
		return -ENOMEM;
	all[w->n_special++] = pst_baselang_of(w->d->q->base, PST_FIELD_PATH)->automaton;
	if (differing->automata.n == 1)
		all[w->n_special++] = differing->automata.v[0];
	for (size_t i = 0; i < n; i++)
		all[w->n_special + i] = parts->automata.v[i];
	w->n_parts = w->n_special + (uint32_t)n;
	return walk_parts(w, all);
}

static int build_and_walk(struct pathwalk *w)
{
	const struct pst_parts_limits limits = {w->d->limits->automaton, UINT32_MAX};
	struct pst_diags *diags = w->d->q->diags;
	struct pst_parts parts = {0}, differing = {0};
	int r = pst_parts_build(w->patterns, w->n_patterns, &limits, diags, &parts);

	if (!r)
		r = pst_parts_build(w->differing, w->n_differing, &limits, diags, &differing);
	if (r == -E2BIG)
		too_much(w->d, "states of a path's automaton");
	if (!r)
		r = walk(w, &parts, &differing);
	pst_parts_fini(&parts);
	pst_parts_fini(&differing);
	return r;
}

static int answer(struct diff *d, uint32_t first)
{
	const uint32_t left = (uint32_t)d->questions.n - first;
	struct pathwalk w = {.d = d, .first = first, .n = left < PER_WALK ? left : PER_WALK};
	int r = tag_patterns(&w);

	if (!r)
		r = build_and_walk(&w);
	free(w.patterns);
	free(w.differing);
	return r;
}

static int compare(struct diff *d)
{
	bool differs = false;
	int r = pst_rulegroups_form(&d->q->a, &d->q->b, &d->g);

	for (size_t i = 0; !r && i < d->g.groups.n; i++)
		differs |= d->g.groups.v[i].differs;
	if (r || !differs)
		return r;
	d->n_words = (uint32_t)(d->g.groups.n / WORD_BITS + 1);
	r = find_questions(d);
	for (uint32_t i = 0; !r && !d->out->differ && i < d->questions.n; i += PER_WALK)
		r = answer(d, i);
	return r;
}

int pst_rulediff(const struct pst_rulediff_query *q, struct pst_rulediff *ret_diff)
{
	struct pst_rulediff out = {0};
	struct diff d = {
		.q = q,
		.limits = q->limits ? q->limits : &pst_rulediff_default_limits,
		.out = &out,
	};
	int r = compare(&d);

	diff_fini(&d);
	if (r)
		pst_rulediff_fini(&out);
	*ret_diff = out;
	return r;
}

void pst_rulediff_fini(struct pst_rulediff *d)
{
	for (int f = 0; f < PST_FIELD_MAX; f++)
		pst_witness_fini(&d->witness.field[f]);
	d->differ = false;
}
