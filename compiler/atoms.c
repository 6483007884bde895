// SPDX-License-Identifier: Apache-2.0
#include "compiler/atoms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/intern.h"

enum { TAG_BITS = 64 };

enum { MAX_SPECIAL = 2 };

/* The walk under way. First the base, then what it is confined to, if anything, then the parts. */
struct search {
	const struct pst_atoms_query *q;
	struct pst_parts parts, among;
	uint32_t n_special;	       /* parts of the product before those of the patterns */
	struct PST_VEC(uint64_t) tags; /* parts.automata.n words per atom, in order of discovery */
	struct PST_VEC(uint32_t) states; /* per atom its first product state */
	struct pst_intern index;
	struct pst_atoms *out;
};

static void search_fini(struct search *s)
{
	pst_parts_fini(&s->parts);
	pst_parts_fini(&s->among);
	pst_vec_free(&s->tags);
	pst_vec_free(&s->states);
	pst_intern_fini(&s->index);
}

/* Tags are unique among any 64 neighbours, so in any run of at most 64. */
static int build_tagged(const struct pst_atoms_query *q, const struct pst_pattern *patterns,
			uint32_t n, struct pst_parts *ret_parts)
{
	const struct pst_parts_limits limits = {*q->automaton, TAG_BITS};
	pst_auto_free struct pst_pattern *tagged = NULL;

	tagged = pst_mem_calloc((size_t)n + 1, sizeof(*tagged));
	if (!tagged)
		return -ENOMEM;
	for (uint32_t p = 0; p < n; p++) {
		tagged[p] = patterns[p];
		tagged[p].tag = UINT64_C(1) << p % TAG_BITS;
	}
	return pst_parts_build(tagged, n, &limits, q->diags, ret_parts);
}

/* What the walk is confined to must be one automaton: more than a few patterns confine nothing. */
static int build_parts(struct search *s)
{
	const struct pst_atoms_query *q = s->q;
	int r = build_tagged(q, q->patterns, q->n, &s->parts);

	if (!r && q->among && q->n_among <= TAG_BITS)
		r = build_tagged(q, q->among, q->n_among, &s->among);
	return r;
}

static size_t width(const struct search *s)
{
	return s->parts.automata.n;
}

struct candidate {
	const struct search *s;
	const uint64_t *tags;
};

static bool is_atom(const void *ctx, uint32_t id)
{
	const struct candidate *c = ctx;
	const size_t n = width(c->s);

	return !n || !memcmp(c->s->tags.v + id * n, c->tags, n * sizeof(*c->tags));
}

static uint32_t hash_of(const uint64_t *tags, size_t n)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < n; i++) {
		hash = pst_intern_mix(hash, (uint32_t)tags[i]);
		hash = pst_intern_mix(hash, (uint32_t)(tags[i] >> 32));
	}
	return hash;
}

static int add_atom(struct search *s, uint32_t state, const uint64_t *tags)
{
	int r = pst_vec_push(&s->states, state);

	for (size_t i = 0; !r && i < width(s); i++)
		r = pst_vec_push(&s->tags, tags[i]);
	s->out->n++;
	return r;
}

static int visit(void *ctx, uint32_t state, const uint64_t *tags)
{
	struct search *s = ctx;
	const struct candidate c = {s, tags + s->n_special};
	uint32_t id;
	int r;

	if (!tags[0])
		return 0;
	r = pst_intern_get(&s->index, hash_of(c.tags, width(s)), is_atom, &c, s->out->n, &id);
	if (r || id != s->out->n)
		return r;
	if (id == s->q->max_atoms)
		return -E2BIG;
	return add_atom(s, state, c.tags);
}

/* Tags per part to one set over all patterns. */
static int write_set(const struct search *s, uint32_t atom)
{
	struct pst_atoms *out = s->out;
	const size_t from = out->sets.n;

	for (uint32_t w = 0; w < out->n_words; w++) {
		if (pst_vec_push(&out->sets, 0))
			return -ENOMEM;
	}
	for (size_t i = 0; i < width(s); i++) {
		const struct pst_parts_run *run = &s->parts.runs.v[i];
		const uint64_t tags = s->tags.v[atom * width(s) + i];

		for (uint32_t p = run->first; p < run->first + run->n; p++) {
			if (tags >> p % TAG_BITS & 1)
				out->sets.v[from + p / 64] |= UINT64_C(1) << p % 64;
		}
	}
	return 0;
}

static int write_atoms(const struct search *s, const struct pst_product *p)
{
	struct pst_atoms *out = s->out;
	int r = 0;

	for (uint32_t i = 0; !r && i < out->n; i++) {
		struct pst_witness text;

		r = write_set(s, i);
		if (!r)
			r = pst_product_text(p, s->states.v[i], &text);
		if (r)
			return r;
		r = pst_vec_push(&out->texts, text);
		if (r)
			pst_witness_fini(&text);
	}
	return r;
}

/* The atom that TEXT is in; it is in the base. */
static uint32_t atom_of(const struct search *s, const char *text)
{
	for (uint32_t atom = 0; atom < s->out->n; atom++) {
		size_t i = 0;

		while (i < width(s) &&
		       pst_automaton_match(s->parts.automata.v[i], text, strlen(text)) ==
			       s->tags.v[atom * width(s) + i])
			i++;
		if (i == width(s))
			return atom;
	}
	return s->out->n;
}

/* The best usual text comes last, and stays. */
static int prefer_usual(const struct search *s)
{
	const char *const *usual = s->q->usual;
	size_t n = 0;

	while (usual && usual[n])
		n++;
	while (n-- > 0) {
		const size_t len = strlen(usual[n]);
		const uint32_t atom = atom_of(s, usual[n]);
		char *copy;

		if (!pst_automaton_match(s->q->base->automaton, usual[n], len) || atom == s->out->n)
			continue;
		copy = pst_mem_strndup(usual[n], len);
		if (!copy)
			return -ENOMEM;
		pst_witness_fini(&s->out->texts.v[atom]);
		s->out->texts.v[atom] = (struct pst_witness){copy, len};
	}
	return 0;
}

static bool has_empty_set(const struct pst_atoms *a)
{
	for (uint32_t atom = 0; atom < a->n; atom++) {
		uint64_t any = 0;

		for (uint32_t w = 0; w < a->n_words; w++)
			any |= a->sets.v[(size_t)atom * a->n_words + w];
		if (!any)
			return true;
	}
	return false;
}

/* No field is like a field that nothing matches; if there is no such text it is an atom apart. */
static int add_absent(struct pst_atoms *out)
{
	int r = pst_vec_push(&out->texts, (struct pst_witness){0});

	for (uint32_t w = 0; !r && w < out->n_words; w++)
		r = pst_vec_push(&out->sets, 0);
	out->n += !r;
	return r;
}

static void lay_out(struct search *s, const struct pst_automaton **parts)
{
	parts[s->n_special++] = s->q->base->automaton;
	if (s->among.automata.n == 1)
		parts[s->n_special++] = s->among.automata.v[0];
	for (size_t i = 0; i < width(s); i++)
		parts[s->n_special + i] = s->parts.automata.v[i];
}

static int find(struct search *s, const struct pst_automaton *const *parts)
{
	struct pst_product p = {
		.parts = parts,
		.n_parts = s->n_special + (uint32_t)width(s),
		.n_required = s->n_special,
		.max_len = s->q->base->max_len,
		.limits = s->q->product,
		.visit = visit,
		.ctx = s,
	};
	int r = pst_product_walk(&p);

	if (!r)
		r = write_atoms(s, &p);
	pst_product_fini(&p);
	return r;
}

static int search(struct search *s)
{
	const struct pst_automaton **parts;
	int r = build_parts(s);

	if (r)
		return r;
	parts = pst_mem_calloc(MAX_SPECIAL + width(s), sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	lay_out(s, parts);
	r = find(s, parts);
	free(parts);
	if (!r)
		r = prefer_usual(s);
	if (!r && s->q->may_be_absent && !has_empty_set(s->out))
		r = add_absent(s->out);
	return r;
}

int pst_atoms_find(const struct pst_atoms_query *q, struct pst_atoms *ret_atoms)
{
	struct pst_atoms out = {.n_words = q->n / 64 + 1};
	struct search s = {.q = q, .out = &out};
	int r = search(&s);

	search_fini(&s);
	if (r) {
		const uint32_t n = out.n;

		pst_atoms_fini(&out);
		out.n = n;
	}
	*ret_atoms = out;
	return r;
}

void pst_atoms_fini(struct pst_atoms *a)
{
	for (size_t i = 0; i < a->texts.n; i++)
		pst_witness_fini(&a->texts.v[i]);
	pst_vec_free(&a->texts);
	pst_vec_free(&a->sets);
	a->n = 0;
}
