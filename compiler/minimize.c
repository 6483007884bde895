// SPDX-License-Identifier: Apache-2.0
#include "compiler/minimize.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/byteclass.h"
#include "compiler/intern.h"

#define NO_STATE UINT32_MAX

struct block {
	uint32_t first, end; /* in elems */
	uint32_t marked;     /* that many elements from first on are marked */
};

struct refiner {
	const struct pst_automaton *in;
	/* The partition: elems holds the states block by block, place says where. */
	uint32_t *elems, *place, *block_of;
	struct block *blocks;
	uint32_t n_blocks;
	/* Steps into state s but for the dead one: by which class and from where, at in_first[s] up
	 * to the next first. */
	uint32_t *in_first, *in_state;
	uint8_t *in_class;
	uint8_t *useful;   /* per state: something matches from here on */
	uint32_t *sorted;  /* states that step into a splitter, by class */
	uint32_t *waiting; /* splitters, a stack */
	uint32_t n_waiting;
	uint32_t *splitter; /* copy of the block being used */
	uint32_t *touched;  /* blocks with marks */
	uint32_t n_touched;
};

static void refiner_fini(struct refiner *m)
{
	free(m->elems);
	free(m->place);
	free(m->block_of);
	free(m->blocks);
	free(m->in_first);
	free(m->in_state);
	free(m->in_class);
	free(m->useful);
	free(m->sorted);
	free(m->waiting);
	free(m->splitter);
	free(m->touched);
}

/* Steps that do not lead to the dead state. */
static uint64_t count_steps(const struct pst_automaton *in)
{
	size_t cells = (size_t)in->n_states * in->n_classes;
	uint64_t n = 0;

	for (size_t i = 0; i < cells; i++)
		n += in->next[i] != 0;
	return n;
}

/* Bytes that refiner_init() takes for N states and STEPS steps. */
static bool fits(uint64_t n, uint64_t steps, size_t max_bytes)
{
	const uint64_t per_state = 7 * sizeof(uint32_t) + sizeof(struct block) + 1;

	return n * per_state + steps * (2 * sizeof(uint32_t) + 1) <= max_bytes;
}

static int refiner_init(struct refiner *m, size_t max_bytes)
{
	size_t n = m->in->n_states;
	uint64_t steps = count_steps(m->in);

	if (steps >= UINT32_MAX || !fits(n, steps, max_bytes))
		return -E2BIG;
	m->elems = pst_mem_calloc(n, sizeof(uint32_t));
	m->place = pst_mem_calloc(n, sizeof(uint32_t));
	m->block_of = pst_mem_calloc(n, sizeof(uint32_t));
	m->blocks = pst_mem_calloc(n, sizeof(*m->blocks));
	m->in_first = pst_mem_calloc(n + 1, sizeof(uint32_t));
	/* One more than there are: no step at all is no reason for NULL. */
	m->in_state = pst_mem_calloc(steps + 1, sizeof(uint32_t));
	m->in_class = pst_mem_calloc(steps + 1, 1);
	m->sorted = pst_mem_calloc(steps + 1, sizeof(uint32_t));
	m->useful = pst_mem_calloc(n, 1);
	m->waiting = pst_mem_calloc(n, sizeof(uint32_t));
	m->splitter = pst_mem_calloc(n, sizeof(uint32_t));
	m->touched = pst_mem_calloc(n, sizeof(uint32_t));
	if (!m->elems || !m->place || !m->block_of || !m->blocks || !m->in_first || !m->in_state ||
	    !m->in_class || !m->sorted || !m->useful || !m->waiting || !m->splitter || !m->touched)
		return -ENOMEM;
	return 0;
}

/* Turns the steps round: counts, sums up, fills from the end. */
static void invert(struct refiner *m)
{
	size_t k = m->in->n_classes, n = m->in->n_states;
	const uint32_t *next = m->in->next;

	for (size_t i = 0; i < n * k; i++)
		m->in_first[next[i]] += next[i] != 0;
	for (size_t s = 1; s <= n; s++)
		m->in_first[s] += m->in_first[s - 1];
	for (size_t s = n, i = n * k; s-- > 0;) {
		for (size_t c = k; c-- > 0;) {
			uint32_t to = next[--i], at;

			if (!to)
				continue;
			at = --m->in_first[to];
			m->in_state[at] = (uint32_t)s;
			m->in_class[at] = (uint8_t)c;
		}
	}
}

/* Finds the states from which a text can match, backwards from those that accept. */
static void find_useful(struct refiner *m)
{
	uint32_t depth = 0;

	for (uint32_t s = 0; s < m->in->n_states; s++) {
		m->useful[s] = m->in->tags[s] != 0;
		if (m->useful[s])
			m->splitter[depth++] = s;
	}
	while (depth) {
		uint32_t s = m->splitter[--depth];

		for (uint32_t i = m->in_first[s]; i < m->in_first[s + 1]; i++) {
			uint32_t from = m->in_state[i];

			if (!m->useful[from])
				m->splitter[depth++] = from;
			m->useful[from] = 1;
		}
	}
}

struct tagged {
	uint64_t tag;
	uint32_t state;
	uint32_t useful;
};

static int by_tag(const void *a, const void *b)
{
	const struct tagged *x = a, *y = b;

	if (x->useful != y->useful)
		return x->useful < y->useful ? -1 : 1;
	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->state < y->state ? -1 : x->state > y->state;
}

static void begin_block(struct refiner *m, uint32_t at)
{
	m->blocks[m->n_blocks++] = (struct block){.first = at, .end = at};
}

/* What is as good as dead, then one block per tag set. All but the first wait. */
static int first_partition(struct refiner *m)
{
	uint32_t n = m->in->n_states;
	pst_auto_free struct tagged *order = NULL;

	order = pst_mem_calloc(n, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++)
		order[s] = (struct tagged){m->in->tags[s], s, m->useful[s]};
	qsort(order, n, sizeof(*order), by_tag);
	for (uint32_t i = 0; i < n; i++) {
		if (!i || order[i].tag != order[i - 1].tag ||
		    order[i].useful != order[i - 1].useful)
			begin_block(m, i);
		m->elems[i] = order[i].state;
		m->place[order[i].state] = i;
		m->block_of[order[i].state] = m->n_blocks - 1;
		m->blocks[m->n_blocks - 1].end = i + 1;
	}
	for (uint32_t b = 1; b < m->n_blocks; b++)
		m->waiting[m->n_waiting++] = b;
	return 0;
}

/* Moves S to the marked part of its block. */
static void mark(struct refiner *m, uint32_t s)
{
	struct block *b = &m->blocks[m->block_of[s]];
	uint32_t at = m->place[s], to = b->first + b->marked, other;

	if (at < to)
		return;
	if (!b->marked++)
		m->touched[m->n_touched++] = m->block_of[s];
	other = m->elems[to];
	m->elems[to] = s;
	m->elems[at] = other;
	m->place[s] = to;
	m->place[other] = at;
}

/* Parts block ID into marked and unmarked states; the smaller part becomes a waiting new block. */
static void split(struct refiner *m, uint32_t id)
{
	struct block *b = &m->blocks[id], part = *b;
	uint32_t middle = b->first + b->marked;

	b->marked = part.marked = 0;
	if (middle == b->end)
		return;
	if (middle - b->first <= b->end - middle)
		part.end = b->first = middle;
	else
		part.first = b->end = middle;
	for (uint32_t i = part.first; i < part.end; i++)
		m->block_of[m->elems[i]] = m->n_blocks;
	m->waiting[m->n_waiting++] = m->n_blocks;
	m->blocks[m->n_blocks++] = part;
}

/* Sorts the states that step into the N states of the splitter by class: class C's are at FROM[C]
 * up to the next from. */
static void sort_steps(struct refiner *m, uint32_t n, uint32_t from[PST_BYTES + 1])
{
	uint32_t place[PST_BYTES + 1] = {0};

	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = m->splitter[i];

		for (uint32_t e = m->in_first[s]; e < m->in_first[s + 1]; e++)
			place[m->in_class[e] + 1]++;
	}
	for (uint32_t c = 1; c <= m->in->n_classes; c++)
		place[c] += place[c - 1];
	memcpy(from, place, sizeof(place));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = m->splitter[i];

		for (uint32_t e = m->in_first[s]; e < m->in_first[s + 1]; e++)
			m->sorted[place[m->in_class[e]]++] = m->in_state[e];
	}
}

static void use_splitter(struct refiner *m, uint32_t n)
{
	uint32_t from[PST_BYTES + 1];

	sort_steps(m, n, from);
	for (uint32_t c = 0; c < m->in->n_classes; c++) {
		for (uint32_t i = from[c]; i < from[c + 1]; i++)
			mark(m, m->sorted[i]);
		while (m->n_touched)
			split(m, m->touched[--m->n_touched]);
	}
}

static void refine(struct refiner *m)
{
	while (m->n_waiting) {
		const struct block *b = &m->blocks[m->waiting[--m->n_waiting]];
		uint32_t n = b->end - b->first;

		memcpy(m->splitter, m->elems + b->first, n * sizeof(*m->splitter));
		use_splitter(m, n);
	}
}

/* The result under way: numbers of blocks, and for each number a state of that block. */
struct numbering {
	uint32_t *number_of; /* per block, NO_STATE: not reached */
	uint32_t *state_of;  /* per number */
	uint32_t n;
};

static uint32_t number_block(const struct refiner *m, struct numbering *num, uint32_t state)
{
	uint32_t *number = &num->number_of[m->block_of[state]];

	if (*number == NO_STATE) {
		*number = num->n;
		num->state_of[num->n++] = state;
	}
	return *number;
}

/* Breadth-first from the start, behind the dead state; fills the rows on the way. */
static int fill(const struct refiner *m, struct numbering *num, struct pst_automaton *out)
{
	size_t k = m->in->n_classes;

	number_block(m, num, 0);
	out->start = number_block(m, num, m->in->start);
	out->next = pst_mem_calloc(m->n_blocks * k, sizeof(*out->next));
	out->tags = pst_mem_calloc(m->n_blocks, sizeof(*out->tags));
	if (!out->next || !out->tags)
		return -ENOMEM;
	for (uint32_t i = 0; i < num->n; i++) {
		uint32_t state = num->state_of[i];

		out->tags[i] = m->in->tags[state];
		for (size_t c = 0; c < k; c++)
			out->next[i * k + c] = number_block(m, num, m->in->next[state * k + c]);
	}
	out->n_states = num->n;
	out->n_classes = m->in->n_classes;
	memcpy(out->class_of, m->in->class_of, sizeof(out->class_of));
	return 0;
}

static int build_result(const struct refiner *m, struct pst_automaton *out)
{
	struct numbering num = {0};
	int r = -ENOMEM;

	num.number_of = pst_mem_calloc(m->n_blocks, sizeof(uint32_t));
	num.state_of = pst_mem_calloc(m->n_blocks, sizeof(uint32_t));
	if (num.number_of && num.state_of) {
		memset(num.number_of, 0xff, m->n_blocks * sizeof(uint32_t));
		r = fill(m, &num, out);
	}
	free(num.number_of);
	free(num.state_of);
	return r;
}

static bool columns_equal(const struct pst_automaton *a, size_t c, size_t d)
{
	for (size_t s = 0; s < a->n_states; s++) {
		if (a->next[s * a->n_classes + c] != a->next[s * a->n_classes + d])
			return false;
	}
	return true;
}

/* For each class the first one that has the same column. */
static void find_twins(const struct pst_automaton *a, uint32_t twins[256])
{
	uint32_t hashes[256] = {0};

	for (size_t s = 0, i = 0; s < a->n_states; s++) {
		for (size_t c = 0; c < a->n_classes; c++, i++)
			hashes[c] = pst_intern_mix(hashes[c], a->next[i]);
	}
	for (uint32_t c = 0; c < a->n_classes; c++) {
		uint32_t d = 0;

		while (d < c &&
		       !(twins[d] == d && hashes[d] == hashes[c] && columns_equal(a, c, d)))
			d++;
		twins[c] = d;
	}
}

/* Joins classes with equal columns. Classes stay in the order of their smallest bytes; rows shrink
 * in place. */
static void join_classes(struct pst_automaton *a)
{
	uint32_t twins[256], kept[256], number[256], n = 0;

	find_twins(a, twins);
	for (uint32_t c = 0; c < a->n_classes; c++) {
		if (twins[c] == c)
			kept[n++] = c;
		number[c] = twins[c] == c ? n - 1 : number[twins[c]];
	}
	for (size_t s = 0, i = 0; s < a->n_states; s++) {
		for (uint32_t c = 0; c < n; c++)
			a->next[i++] = a->next[s * a->n_classes + kept[c]];
	}
	for (int b = 0; b < 256; b++)
		a->class_of[b] = (uint8_t)number[a->class_of[b]];
	a->n_classes = n;
}

static int minimize(struct refiner *m, size_t max_bytes, struct pst_automaton *out)
{
	int r = refiner_init(m, max_bytes);

	if (r)
		return r;
	invert(m);
	find_useful(m);
	r = first_partition(m);
	if (r)
		return r;
	refine(m);
	r = build_result(m, out);
	if (!r)
		join_classes(out);
	return r;
}

int pst_minimize(const struct pst_automaton *in, size_t max_bytes,
		 struct pst_automaton **ret_automaton)
{
	struct refiner m = {.in = in};
	struct pst_automaton *out = pst_mem_calloc(1, sizeof(*out));
	int r;

	if (!out)
		return -ENOMEM;
	r = minimize(&m, max_bytes, out);
	refiner_fini(&m);
	if (r)
		pst_automaton_free(&out);
	else
		*ret_automaton = out;
	return r;
}
