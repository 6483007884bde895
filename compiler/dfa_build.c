// SPDX-License-Identifier: Apache-2.0
#include "compiler/dfa_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What stands beside a place between two bytes. */
enum side {
	SIDE_OTHER,
	SIDE_NEWLINE,
	SIDE_WORD,
	SIDE_MAX_BYTE,
	SIDE_EDGE = SIDE_MAX_BYTE, /* begin or end of the text */
	SIDE_UNKNOWN,
};

enum {
	NEED_LINES = 1 << PST_RE_BEGIN_LINE | 1 << PST_RE_END_LINE,
	NEED_WORDS = 1 << PST_RE_WORD | 1 << PST_RE_NOT_WORD
};

struct state {
	uint32_t first, n; /* members in the pool */
	uint32_t hash;
	uint8_t before; /* enum side; SIDE_OTHER unless something is undecided */
	bool undecided;
};

/* A set being collected: each node at most once. */
struct set {
	uint32_t *members;
	uint32_t *marks; /* per node: the round in which it was last seen */
	uint32_t n, round;
	uint32_t hash;
	bool undecided;
};

struct builder {
	const struct pst_nfa *nfa;
	const struct pst_automaton_limits *limits;
	struct pst_byteclass classes;
	struct pst_byteset sides[SIDE_MAX_BYTE]; /* classes of each kind */
	struct pst_byteset *inside;		 /* per byte set: its classes */
	struct PST_VEC(struct state) states;
	struct PST_VEC(uint32_t) pool;
	struct PST_VEC(uint32_t) next;
	struct PST_VEC(uint64_t) tags;
	struct pst_intern index;
	struct set source, target;
	uint32_t *stack;
	uint32_t *chain;      /* per source member: the next one with the same byte set */
	uint32_t *chain_head; /* per byte set */
	uint32_t *used_sets;  /* byte sets in the source */
	uint32_t n_used_sets;
	uint64_t steps, max_steps;
	const char *stopped;
};

static int stop(struct builder *b, const char *limit)
{
	b->stopped = limit;
	return -E2BIG;
}

/* Does the assertion hold? -1: not known without the side behind. */
static int decide(uint32_t assertion, enum side before, enum side behind)
{
	if (assertion == PST_RE_BEGIN_TEXT)
		return before == SIDE_EDGE;
	if (assertion == PST_RE_BEGIN_LINE)
		return before == SIDE_EDGE || before == SIDE_NEWLINE;
	if (behind == SIDE_UNKNOWN)
		return -1;
	if (assertion == PST_RE_END_TEXT)
		return behind == SIDE_EDGE;
	if (assertion == PST_RE_END_LINE)
		return behind == SIDE_EDGE || behind == SIDE_NEWLINE;
	return ((before == SIDE_WORD) != (behind == SIDE_WORD)) == (assertion == PST_RE_WORD);
}

static void set_begin(struct set *s)
{
	s->round++;
	s->n = 0;
	s->hash = 0;
	s->undecided = false;
}

static void set_keep(struct set *s, uint32_t id)
{
	s->members[s->n++] = id;
	s->hash += pst_intern_mix(0x9e3779b9u, id);
}

static void push_unseen(const struct set *s, uint32_t *stack, size_t *depth, uint32_t id)
{
	if (s->marks[id] == s->round)
		return;
	s->marks[id] = s->round;
	stack[(*depth)++] = id;
}

/* Adds ROOT and what it reaches without a byte. */
static void set_reach(struct builder *b, struct set *s, uint32_t root, enum side before,
		      enum side behind)
{
	size_t depth = 0;

	push_unseen(s, b->stack, &depth, root);
	while (depth) {
		uint32_t id = b->stack[--depth];
		const struct pst_nfa_node *node = &b->nfa->nodes.v[id];
		int holds;

		b->steps++;
		if (node->op == PST_NFA_SPLIT) {
			push_unseen(s, b->stack, &depth, node->b);
			push_unseen(s, b->stack, &depth, node->a);
			continue;
		}
		holds = node->op == PST_NFA_ASSERT ? decide(node->a, before, behind) : -1;
		if (holds > 0)
			push_unseen(s, b->stack, &depth, node->b);
		if (holds < 0) {
			s->undecided |= node->op == PST_NFA_ASSERT;
			set_keep(s, id);
		}
	}
}

struct state_query {
	const struct builder *b;
	uint8_t before;
};

static bool state_equal(const void *ctx, uint32_t id)
{
	const struct state_query *q = ctx;
	const struct set *s = &q->b->target;
	const struct state *state = &q->b->states.v[id];

	if (state->n != s->n || state->before != q->before)
		return false;
	for (uint32_t i = 0; i < state->n; i++) {
		if (s->marks[q->b->pool.v[state->first + i]] != s->round)
			return false;
	}
	return true;
}

static size_t bytes_held(const struct builder *b)
{
	return pst_nfa_bytes(b->nfa) + b->pool.n * sizeof(*b->pool.v) +
	       b->states.n * (sizeof(*b->states.v) + sizeof(*b->tags.v) +
			      b->classes.n * sizeof(*b->next.v)) +
	       pst_intern_bytes(&b->index);
}

/* Appends the target set as a state, its row still to be filled. */
static int append_state(struct builder *b, uint8_t before)
{
	const struct state state = {
		.first = (uint32_t)b->pool.n,
		.n = b->target.n,
		.before = before,
		.undecided = b->target.undecided,
	};
	int r = pst_vec_reserve(&b->pool, b->pool.n + b->target.n);

	if (r)
		return r;
	if (b->target.n)
		memcpy(b->pool.v + b->pool.n, b->target.members, b->target.n * sizeof(*b->pool.v));
	b->pool.n += b->target.n;
	r = pst_vec_reserve(&b->next, b->next.n + b->classes.n);
	if (r)
		return r;
	memset(b->next.v + b->next.n, 0, b->classes.n * sizeof(*b->next.v));
	b->next.n += b->classes.n;
	r = pst_vec_push(&b->tags, 0);
	return r ? r : pst_vec_push(&b->states, state);
}

/* The state of the target set. */
static int get_state(struct builder *b, enum side before, uint32_t *ret_id)
{
	const struct state_query query = {b, (uint8_t)(b->target.undecided ? before : SIDE_OTHER)};
	uint32_t hash = pst_intern_mix(b->target.hash, b->target.n * SIDE_UNKNOWN + query.before);
	uint32_t candidate = (uint32_t)b->states.n;
	int r = pst_intern_get(&b->index, hash, state_equal, &query, candidate, ret_id);

	b->steps += 1 + b->target.n;
	if (b->steps > b->max_steps)
		return stop(b, "steps");
	if (r || *ret_id != candidate)
		return r;
	if (candidate >= b->limits->max_states)
		return stop(b, "states");
	if (bytes_held(b) + b->target.n * sizeof(*b->pool.v) > b->limits->max_bytes)
		return stop(b, "bytes of memory");
	return append_state(b, query.before);
}

/* Makes the members of STATE the source set, with everything decided for the side BEHIND. */
static void load_source(struct builder *b, const struct state *state, enum side behind)
{
	set_begin(&b->source);
	for (uint32_t i = 0; i < state->n; i++)
		set_reach(b, &b->source, b->pool.v[state->first + i], (enum side)state->before,
			  behind);
}

/* Links the source's members by byte set. */
static void chain_source(struct builder *b)
{
	b->n_used_sets = 0;
	for (uint32_t i = b->source.n; i-- > 0;) {
		const struct pst_nfa_node *node = &b->nfa->nodes.v[b->source.members[i]];

		if (node->op != PST_NFA_BYTES)
			continue;
		if (b->chain_head[node->a] == PST_NFA_NONE)
			b->used_sets[b->n_used_sets++] = node->a;
		b->chain[i] = b->chain_head[node->a];
		b->chain_head[node->a] = i;
	}
}

static void unchain_source(struct builder *b)
{
	for (uint32_t i = 0; i < b->n_used_sets; i++)
		b->chain_head[b->used_sets[i]] = PST_NFA_NONE;
}

/* Divides the classes in ALL into groups that no used byte set cuts; returns their number. */
static uint32_t divide(struct builder *b, struct pst_byteset all,
		       struct pst_byteset groups[PST_BYTES])
{
	uint32_t n = 1;

	groups[0] = all;
	for (uint32_t i = 0; i < b->n_used_sets && n < b->classes.n; i++) {
		const struct pst_byteset *set = &b->inside[b->used_sets[i]];

		for (uint32_t g = 0, before = n; g < before; g++) {
			struct pst_byteset in = pst_byteset_and(&groups[g], set);
			struct pst_byteset out = pst_byteset_minus(&groups[g], set);

			if (pst_byteset_is_empty(&in) || pst_byteset_is_empty(&out))
				continue;
			groups[g] = in;
			groups[n++] = out;
		}
		b->steps += n;
	}
	return n;
}

/* Follows the classes of GROUP, which stand for bytes of the kind BEHIND, out of state ID. */
static int follow_group(struct builder *b, uint32_t id, const struct pst_byteset *group,
			enum side behind)
{
	uint32_t to;
	int r;

	set_begin(&b->target);
	for (uint32_t i = 0; i < b->n_used_sets; i++) {
		uint32_t set = b->used_sets[i];
		struct pst_byteset in = pst_byteset_and(&b->inside[set], group);

		b->steps++;
		if (pst_byteset_is_empty(&in))
			continue;
		for (uint32_t m = b->chain_head[set]; m != PST_NFA_NONE; m = b->chain[m])
			set_reach(b, &b->target, b->nfa->nodes.v[b->source.members[m]].b, behind,
				  SIDE_UNKNOWN);
	}
	r = get_state(b, behind, &to);
	for (uint32_t c = 0; !r && c < b->classes.n; c++) {
		if (pst_byteset_has(group, c))
			b->next.v[(size_t)id * b->classes.n + c] = to;
	}
	return r;
}

static int follow_side(struct builder *b, uint32_t id, enum side behind)
{
	struct pst_byteset groups[PST_BYTES];
	uint32_t n;
	int r = 0;

	if (pst_byteset_is_empty(&b->sides[behind]))
		return 0;
	load_source(b, &b->states.v[id], behind);
	chain_source(b);
	n = divide(b, b->sides[behind], groups);
	for (uint32_t g = 0; !r && g < n; g++)
		r = follow_group(b, id, &groups[g], behind);
	unchain_source(b);
	return r;
}

/* Tags of what matches when the text ends here. */
static uint64_t tags_at_end(struct builder *b, uint32_t id)
{
	uint64_t tags = 0;

	load_source(b, &b->states.v[id], SIDE_EDGE);
	for (uint32_t i = 0; i < b->source.n; i++) {
		const struct pst_nfa_node *node = &b->nfa->nodes.v[b->source.members[i]];

		if (node->op == PST_NFA_ACCEPT)
			tags |= node->a | (uint64_t)node->b << 32;
	}
	return tags;
}

static int add_first_states(struct builder *b, uint32_t *ret_start)
{
	uint32_t dead;
	int r;

	set_begin(&b->target);
	r = get_state(b, SIDE_OTHER, &dead);
	if (r)
		return r;
	set_begin(&b->target);
	for (size_t i = 0; i < b->nfa->roots.n; i++)
		set_reach(b, &b->target, b->nfa->roots.v[i], SIDE_EDGE, SIDE_UNKNOWN);
	return get_state(b, SIDE_EDGE, ret_start);
}

static int build_states(struct builder *b, uint32_t *ret_start)
{
	int r = add_first_states(b, ret_start);

	for (uint32_t id = 0; !r && id < b->states.n; id++) {
		b->tags.v[id] = tags_at_end(b, id);
		for (int side = 0; !r && side < SIDE_MAX_BYTE; side++)
			r = follow_side(b, id, (enum side)side);
	}
	return r;
}

/* Byte classes, and which of them are of which kind. */
static void divide_bytes(struct builder *b)
{
	struct pst_byteset bytes[SIDE_MAX_BYTE] = {0};

	if (b->nfa->assertions & NEED_LINES)
		pst_byteset_add(&bytes[SIDE_NEWLINE], '\n');
	if (b->nfa->assertions & NEED_WORDS) {
		pst_byteset_add_range(&bytes[SIDE_WORD], '0', '9');
		pst_byteset_add_range(&bytes[SIDE_WORD], 'A', 'Z');
		pst_byteset_add_range(&bytes[SIDE_WORD], 'a', 'z');
		pst_byteset_add(&bytes[SIDE_WORD], '_');
	}
	pst_byteset_add_range(&bytes[SIDE_OTHER], 0, PST_BYTES - 1);
	bytes[SIDE_OTHER] = pst_byteset_minus(&bytes[SIDE_OTHER], &bytes[SIDE_NEWLINE]);
	bytes[SIDE_OTHER] = pst_byteset_minus(&bytes[SIDE_OTHER], &bytes[SIDE_WORD]);
	pst_byteclass_init(&b->classes);
	for (int side = 0; side < SIDE_MAX_BYTE; side++)
		pst_byteclass_split(&b->classes, &bytes[side]);
	for (size_t i = 0; i < b->nfa->sets.n; i++)
		pst_byteclass_split(&b->classes, &b->nfa->sets.v[i]);
	for (int side = 0; side < SIDE_MAX_BYTE; side++)
		b->sides[side] = pst_byteclass_inside(&b->classes, &bytes[side]);
	for (size_t i = 0; i < b->nfa->sets.n; i++)
		b->inside[i] = pst_byteclass_inside(&b->classes, &b->nfa->sets.v[i]);
}

static int builder_init(struct builder *b)
{
	size_t nodes = b->nfa->nodes.n, sets = b->nfa->sets.n;

	b->inside = pst_mem_calloc(sets, sizeof(*b->inside));
	b->source.members = pst_mem_calloc(nodes, sizeof(uint32_t));
	b->source.marks = pst_mem_calloc(nodes, sizeof(uint32_t));
	b->target.members = pst_mem_calloc(nodes, sizeof(uint32_t));
	b->target.marks = pst_mem_calloc(nodes, sizeof(uint32_t));
	b->stack = pst_mem_calloc(nodes, sizeof(uint32_t));
	b->chain = pst_mem_calloc(nodes, sizeof(uint32_t));
	b->chain_head = pst_mem_calloc(sets, sizeof(uint32_t));
	b->used_sets = pst_mem_calloc(sets, sizeof(uint32_t));
	if (!b->inside || !b->source.members || !b->source.marks || !b->target.members ||
	    !b->target.marks || !b->stack || !b->chain || !b->chain_head || !b->used_sets)
		return -ENOMEM;
	for (size_t i = 0; i < sets; i++)
		b->chain_head[i] = PST_NFA_NONE;
	divide_bytes(b);
	return 0;
}

static void builder_fini(struct builder *b)
{
	free(b->inside);
	free(b->source.members);
	free(b->source.marks);
	free(b->target.members);
	free(b->target.marks);
	free(b->stack);
	free(b->chain);
	free(b->chain_head);
	free(b->used_sets);
	pst_vec_free(&b->states);
	pst_vec_free(&b->pool);
	pst_vec_free(&b->next);
	pst_vec_free(&b->tags);
	pst_intern_fini(&b->index);
}

/* The pattern with most members in the states; the first one when there is no memory to count. */
static uint32_t find_culprit(const struct builder *b)
{
	pst_auto_free uint32_t *members = NULL;
	uint32_t culprit = 0;

	members = pst_mem_calloc(b->nfa->roots.n, sizeof(*members));
	if (!members)
		return 0;
	for (size_t i = 0; i < b->pool.n; i++)
		members[b->nfa->nodes.v[b->pool.v[i]].pattern]++;
	for (uint32_t i = 1; i < b->nfa->roots.n; i++) {
		if (members[i] > members[culprit])
			culprit = i;
	}
	return culprit;
}

static void tell_stop(const struct builder *b, struct pst_dfa_stop *ret_stop)
{
	const uint64_t max = !strcmp(b->stopped, "states")  ? b->limits->max_states
			     : !strcmp(b->stopped, "steps") ? b->max_steps
							    : b->limits->max_bytes;

	*ret_stop = (struct pst_dfa_stop){
		.limit = b->stopped,
		.max = max,
		.states = (uint32_t)b->states.n,
		.pattern = find_culprit(b),
	};
}

/* Moves the tables out of the builder. */
static int take_automaton(struct builder *b, uint32_t start, struct pst_automaton **ret_automaton)
{
	struct pst_automaton *a = pst_mem_calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->n_states = (uint32_t)b->states.n;
	a->n_classes = b->classes.n;
	a->start = start;
	memcpy(a->class_of, b->classes.of, sizeof(a->class_of));
	a->next = PST_TAKE_PTR(b->next.v);
	a->tags = PST_TAKE_PTR(b->tags.v);
	*ret_automaton = a;
	return 0;
}

int pst_dfa_build(const struct pst_nfa *nfa, const struct pst_automaton_limits *limits,
		  struct pst_dfa_stop *ret_stop, struct pst_automaton **ret_automaton)
{
	struct builder b = {.nfa = nfa, .limits = limits};
	uint32_t start;
	int r;

	b.max_steps = limits->max_bytes < PST_DFA_MAX_STEPS / PST_DFA_STEPS_PER_BYTE
			      ? limits->max_bytes * PST_DFA_STEPS_PER_BYTE
			      : PST_DFA_MAX_STEPS;
	r = builder_init(&b);
	if (!r)
		r = build_states(&b, &start);
	if (!r)
		r = take_automaton(&b, start, ret_automaton);
	if (r == -E2BIG)
		tell_stop(&b, ret_stop);
	builder_fini(&b);
	return r;
}
