// SPDX-License-Identifier: Apache-2.0
#include "compiler/product.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/byteclass.h"

enum { DEAD = 0 };

const struct pst_product_limits pst_product_default_limits = {
	.max_states = 1 << 20,
	.max_bytes = 256 << 20,
};

/* What does not change during a walk. */
struct walk {
	struct pst_product *p;
	const struct pst_product_limits *limits;
	uint32_t n_letters;
	uint8_t letters[PST_BYTES]; /* per joint class its nicest byte, nicest first */
	uint8_t *columns;	    /* [letter * n_parts + part]: the part's class of the letter */
	uint64_t *tags;		    /* of the state being shown */
};

static bool in_range(unsigned int byte, char lo, char hi)
{
	return byte >= (unsigned char)lo && byte <= (unsigned char)hi;
}

/* The order of bytes in which a text reads well; the smaller the nicer. */
static unsigned int ugliness(unsigned int byte)
{
	enum { GROUP = PST_BYTES };
	static const struct {
		char lo, hi;
	} nice[] = {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'/', '/'}, {'!', '~'}, {' ', ' '}};
	unsigned int i = 0;

	while (i < sizeof(nice) / sizeof(*nice) && !in_range(byte, nice[i].lo, nice[i].hi))
		i++;
	return i * GROUP + byte;
}

static int by_ugliness(const void *a, const void *b)
{
	unsigned int x = ugliness(*(const uint8_t *)a), y = ugliness(*(const uint8_t *)b);

	return (x > y) - (x < y);
}

/* Do all parts put both bytes into one class? */
static bool are_alike(const struct pst_product *p, uint8_t a, uint8_t b)
{
	for (uint32_t i = 0; i < p->n_parts; i++) {
		if (p->parts[i]->class_of[a] != p->parts[i]->class_of[b])
			return false;
	}
	return true;
}

/* Of all bytes that no part tells apart, the nicest. */
static void choose_letters(struct walk *w)
{
	uint8_t bytes[PST_BYTES];

	for (unsigned int b = 0; b < PST_BYTES; b++)
		bytes[b] = (uint8_t)b;
	qsort(bytes, PST_BYTES, sizeof(*bytes), by_ugliness);
	for (unsigned int i = 0; i < PST_BYTES; i++) {
		uint32_t k = 0;

		while (k < w->n_letters && !are_alike(w->p, w->letters[k], bytes[i]))
			k++;
		if (k == w->n_letters)
			w->letters[w->n_letters++] = bytes[i];
	}
}

static int walk_init(struct walk *w)
{
	const uint32_t n = w->p->n_parts;

	w->limits = w->p->limits ? w->p->limits : &pst_product_default_limits;
	choose_letters(w);
	w->tags = pst_mem_calloc(n, sizeof(*w->tags));
	w->columns = pst_mem_calloc((size_t)w->n_letters * n, sizeof(*w->columns));
	if (!w->tags || !w->columns)
		return -ENOMEM;
	for (uint32_t l = 0; l < w->n_letters; l++) {
		for (uint32_t i = 0; i < n; i++)
			w->columns[(size_t)l * n + i] = w->p->parts[i]->class_of[w->letters[l]];
	}
	return 0;
}

static void walk_fini(struct walk *w)
{
	free(w->tags);
	free(w->columns);
}

static const uint32_t *vector_of(const struct pst_product *p, uint32_t state)
{
	return p->vectors.v + (size_t)state * p->n_parts;
}

/* Is state ID the one whose vector is the last in the pool, behind all states? */
static bool is_same_vector(const void *ctx, uint32_t id)
{
	const struct pst_product *p = ctx;

	return !memcmp(vector_of(p, id), vector_of(p, (uint32_t)p->steps.n),
		       p->n_parts * sizeof(uint32_t));
}

static int over(struct pst_product *p, const char *limit)
{
	p->limit = limit;
	return -E2BIG;
}

static size_t bytes_held(const struct pst_product *p)
{
	return p->vectors.cap * sizeof(*p->vectors.v) + p->steps.cap * sizeof(*p->steps.v) +
	       pst_intern_bytes(&p->index);
}

/* Shows the newest state to the caller. */
static int show(struct walk *w, uint32_t state)
{
	const struct pst_product *p = w->p;
	const uint32_t *vector = vector_of(p, state);

	for (uint32_t i = 0; i < p->n_parts; i++)
		w->tags[i] = p->parts[i]->tags[vector[i]];
	return p->visit(p->ctx, state, w->tags);
}

/* Keeps the candidate at the end of the pool when it is new, and shows it. */
static int enter(struct walk *w, const struct pst_product_step *step)
{
	struct pst_product *p = w->p;
	const uint32_t candidate = (uint32_t)p->steps.n;
	const uint32_t *vector = vector_of(p, candidate);
	uint32_t hash = 0, id;
	int r;

	for (uint32_t i = 0; i < p->n_parts; i++) {
		if (i < p->n_required && vector[i] == DEAD)
			return 0;
		hash = pst_intern_mix(hash, vector[i]);
	}
	r = pst_intern_get(&p->index, hash, is_same_vector, p, candidate, &id);
	if (r || id != candidate)
		return r;
	if (candidate >= w->limits->max_states)
		return over(p, "states");
	if (bytes_held(p) > w->limits->max_bytes)
		return over(p, "bytes of memory");
	r = pst_vec_push(&p->steps, *step);
	if (r)
		return r;
	p->vectors.n += p->n_parts;
	return show(w, candidate);
}

/* Room for the vector of one more state: enter() and its callers write it before it counts. */
static int make_room(struct pst_product *p)
{
	return pst_vec_reserve(&p->vectors, p->vectors.n + p->n_parts);
}

static int begin(struct walk *w)
{
	struct pst_product *p = w->p;
	int r = make_room(p);

	if (r)
		return r;
	for (uint32_t i = 0; i < p->n_parts; i++)
		p->vectors.v[i] = p->parts[i]->start;
	return enter(w, &(struct pst_product_step){0});
}

static int follow(struct walk *w, uint32_t from, uint32_t letter)
{
	struct pst_product *p = w->p;
	const uint8_t *columns = w->columns + (size_t)letter * p->n_parts;
	uint32_t *to;
	const uint32_t *at;
	int r = make_room(p);

	if (r)
		return r;
	at = vector_of(p, from);
	to = p->vectors.v + p->vectors.n;
	for (uint32_t i = 0; i < p->n_parts; i++) {
		const struct pst_automaton *a = p->parts[i];

		to[i] = a->next[(size_t)at[i] * a->n_classes + columns[i]];
	}
	return enter(w, &(struct pst_product_step){from, w->letters[letter]});
}

static int walk(struct walk *w)
{
	struct pst_product *p = w->p;
	size_t level_end;
	uint32_t len = 0, at = 0;
	int r = begin(w);

	level_end = p->steps.n;
	for (; !r && at < p->steps.n && len < p->max_len; at++) {
		for (uint32_t l = 0; !r && l < w->n_letters; l++)
			r = follow(w, at, l);
		if (at + 1 == level_end) {
			level_end = p->steps.n;
			len++;
		}
	}
	return r;
}

int pst_product_walk(struct pst_product *p)
{
	struct walk w = {.p = p};
	int r = walk_init(&w);

	if (!r)
		r = walk(&w);
	walk_fini(&w);
	return r > 0 ? 1 : r;
}

int pst_product_text(const struct pst_product *p, uint32_t state, struct pst_witness *ret_witness)
{
	size_t len = 0;
	char *text;

	for (uint32_t s = state; s; s = p->steps.v[s].from)
		len++;
	text = pst_mem_calloc(len + 1, 1);
	if (!text)
		return -ENOMEM;
	*ret_witness = (struct pst_witness){text, len};
	for (uint32_t s = state; s; s = p->steps.v[s].from)
		text[--len] = (char)p->steps.v[s].byte;
	return 0;
}

void pst_witness_fini(struct pst_witness *w)
{
	free(w->text);
	*w = (struct pst_witness){0};
}

void pst_product_fini(struct pst_product *p)
{
	pst_vec_free(&p->steps);
	pst_vec_free(&p->vectors);
	pst_intern_fini(&p->index);
}
