// SPDX-License-Identifier: Apache-2.0
#include "compiler/nfa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/utf8.h"

struct builder {
	struct pst_nfa *nfa;
	const struct pst_re_tree *tree;
	uint32_t pattern, max_nodes;
};

struct node_query {
	const struct pst_nfa *nfa;
	struct pst_nfa_node wanted;
};

static bool node_equal(const void *ctx, uint32_t id)
{
	const struct node_query *q = ctx;
	const struct pst_nfa_node *n = &q->nfa->nodes.v[id];

	return n->op == q->wanted.op && n->a == q->wanted.a && n->b == q->wanted.b;
}

/* A node of its own, even when there is an equal one. */
static int new_node(struct builder *b, enum pst_nfa_op op, uint32_t x, uint32_t y, uint32_t *ret_id)
{
	const struct pst_nfa_node node = {.op = op, .a = x, .b = y, .pattern = b->pattern};
	int r;

	if (b->nfa->nodes.n >= b->max_nodes)
		return -E2BIG;
	r = pst_vec_push(&b->nfa->nodes, node);
	if (!r)
		*ret_id = (uint32_t)b->nfa->nodes.n - 1;
	return r;
}

/* The node with these values. */
static int get_node(struct builder *b, enum pst_nfa_op op, uint32_t x, uint32_t y, uint32_t *ret_id)
{
	const struct node_query query = {b->nfa, {.op = op, .a = x, .b = y}};
	uint32_t hash = pst_intern_mix(pst_intern_mix(pst_intern_mix(0, op), x), y);
	uint32_t candidate = (uint32_t)b->nfa->nodes.n, id;
	int r = pst_intern_get(&b->nfa->node_index, hash, node_equal, &query, candidate, &id);

	if (r)
		return r;
	if (id == candidate)
		return new_node(b, op, x, y, ret_id);
	*ret_id = id;
	return 0;
}

struct set_query {
	const struct pst_nfa *nfa;
	const struct pst_byteset *wanted;
};

static bool set_equal(const void *ctx, uint32_t id)
{
	const struct set_query *q = ctx;

	return !memcmp(&q->nfa->sets.v[id], q->wanted, sizeof(*q->wanted));
}

/* The node that matches one byte of SET and goes on at NEXT. */
static int get_bytes(struct builder *b, const struct pst_byteset *set, uint32_t next,
		     uint32_t *ret_id)
{
	const struct set_query query = {b->nfa, set};
	uint32_t candidate = (uint32_t)b->nfa->sets.n, id, hash = 0;
	int r;

	for (int i = 0; i < 4; i++) {
		hash = pst_intern_mix(hash, (uint32_t)set->w[i]);
		hash = pst_intern_mix(hash, (uint32_t)(set->w[i] >> 32));
	}
	r = pst_intern_get(&b->nfa->set_index, hash, set_equal, &query, candidate, &id);
	if (!r && id == candidate)
		r = pst_vec_push(&b->nfa->sets, *set);
	return r ? r : get_node(b, PST_NFA_BYTES, id, next, ret_id);
}

/* Sequences of a class whose bytes behind the first are built: a first byte, then TAIL. */
struct head {
	uint32_t tail;
	uint32_t lo, hi;
};

struct heads PST_VEC(struct head);

static int by_tail(const void *a, const void *b)
{
	const struct head *x = a, *y = b;

	if (x->tail != y->tail)
		return x->tail < y->tail ? -1 : 1;
	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* Builds the bytes behind the first of SEQ and collects the first. */
static int add_sequence(struct builder *b, const struct pst_utf8_seq *seq, uint32_t next,
			struct heads *heads)
{
	uint32_t tail = next;

	for (unsigned int i = seq->len; i-- > 1;) {
		struct pst_byteset set = {0};
		int r;

		pst_byteset_add_range(&set, seq->lo[i], seq->hi[i]);
		r = get_bytes(b, &set, tail, &tail);
		if (r)
			return r;
	}
	return pst_vec_push(heads, (struct head){tail, seq->lo[0], seq->hi[0]});
}

static int collect_heads(struct builder *b, uint32_t class_id, uint32_t next, struct heads *heads)
{
	size_t n;
	const struct pst_rune_range *ranges = pst_classes_ranges(&b->nfa->classes, class_id, &n);
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		struct pst_utf8_iter iter;
		struct pst_utf8_seq seq;

		pst_utf8_iter_init(&iter, ranges[i].lo, ranges[i].hi);
		while (!r && pst_utf8_iter_next(&iter, &seq))
			r = add_sequence(b, &seq, next, heads);
	}
	return r;
}

/* One node per tail, all of them as alternatives. A class without code points matches nothing. */
static int join_heads(struct builder *b, struct heads *heads, uint32_t next, uint32_t *ret_id)
{
	const struct pst_byteset empty = {0};
	uint32_t joined = PST_NFA_NONE, one;
	int r = 0;

	if (heads->n)
		qsort(heads->v, heads->n, sizeof(*heads->v), by_tail);
	for (size_t i = 0; !r && i < heads->n;) {
		struct pst_byteset set = {0};
		uint32_t tail = heads->v[i].tail;

		for (; i < heads->n && heads->v[i].tail == tail; i++)
			pst_byteset_add_range(&set, heads->v[i].lo, heads->v[i].hi);
		r = get_bytes(b, &set, tail, &one);
		if (!r && joined != PST_NFA_NONE)
			r = get_node(b, PST_NFA_SPLIT, one, joined, &one);
		joined = one;
	}
	if (!r && joined == PST_NFA_NONE)
		r = get_bytes(b, &empty, next, &joined);
	if (!r)
		*ret_id = joined;
	return r;
}

struct memo_query {
	const struct pst_nfa *nfa;
	struct pst_nfa_memo wanted;
};

static bool memo_equal(const void *ctx, uint32_t id)
{
	const struct memo_query *q = ctx;
	const struct pst_nfa_memo *m = &q->nfa->memos.v[id];

	return m->kind == q->wanted.kind && m->class_id == q->wanted.class_id &&
	       m->next == q->wanted.next;
}

/* What is remembered for a class, alone or in a loop: the node, or PST_NFA_NONE when it is still to
 * be built. */
static int get_memo(struct builder *b, uint32_t kind, uint32_t class_id, uint32_t next,
		    uint32_t *ret_id)
{
	const struct memo_query query = {
		b->nfa,
		{.kind = kind, .class_id = class_id, .next = next, .node = PST_NFA_NONE},
	};
	uint32_t hash = pst_intern_mix(pst_intern_mix(pst_intern_mix(0, kind), class_id), next);
	uint32_t candidate = (uint32_t)b->nfa->memos.n;
	int r = pst_intern_get(&b->nfa->memo_index, hash, memo_equal, &query, candidate, ret_id);

	if (!r && *ret_id == candidate)
		r = pst_vec_push(&b->nfa->memos, query.wanted);
	return r;
}

enum memo_kind {
	MEMO_CLASS,
	MEMO_STAR,
	MEMO_PLUS,
};

static int build_class(struct builder *b, uint32_t class_id, uint32_t next, uint32_t *ret_id)
{
	struct heads heads = {0};
	uint32_t memo;
	int r = get_memo(b, MEMO_CLASS, class_id, next, &memo);

	if (!r && b->nfa->memos.v[memo].node == PST_NFA_NONE) {
		uint32_t node = PST_NFA_NONE;

		r = collect_heads(b, class_id, next, &heads);
		if (!r)
			r = join_heads(b, &heads, next, &node);
		b->nfa->memos.v[memo].node = node;
		pst_vec_free(&heads);
	}
	if (!r)
		*ret_id = b->nfa->memos.v[memo].node;
	return r;
}

static int build(struct builder *b, uint32_t id, uint32_t next, uint32_t *ret_id);

/*
 * A loop around CHILD. The first time round is optional in a star, not in a plus; that is only a
 * matter of where to enter.
 */
static int build_loop(struct builder *b, uint32_t child, uint32_t next, enum memo_kind kind,
		      uint32_t *ret_id)
{
	uint32_t again, body;
	int r = new_node(b, PST_NFA_SPLIT, next, next, &again);

	if (!r)
		r = build(b, child, again, &body);
	if (r)
		return r;
	b->nfa->nodes.v[again].a = body;
	*ret_id = kind == MEMO_STAR ? again : body;
	return 0;
}

/* Loops around one class are the usual end of a path pattern: one per (class, next) is made. */
static int get_loop(struct builder *b, uint32_t child, uint32_t next, enum memo_kind kind,
		    uint32_t *ret_id)
{
	const struct pst_re_node *node = &b->tree->nodes.v[child];
	uint32_t memo;
	int r;

	if (node->op != PST_RE_CLASS)
		return build_loop(b, child, next, kind, ret_id);
	r = get_memo(b, kind, node->class_id, next, &memo);
	if (!r && b->nfa->memos.v[memo].node == PST_NFA_NONE) {
		uint32_t loop = PST_NFA_NONE;

		r = build_loop(b, child, next, kind, &loop);
		b->nfa->memos.v[memo].node = loop;
	}
	if (!r)
		*ret_id = b->nfa->memos.v[memo].node;
	return r;
}

/* x{n,m} is n times x, then (x(x(x)?)?)?. */
static int build_optional(struct builder *b, const struct pst_re_node *node, uint32_t next,
			  uint32_t *ret_id)
{
	uint32_t at = next;

	for (uint32_t i = node->min; i < node->max; i++) {
		uint32_t body;
		int r = build(b, node->child, at, &body);

		if (!r && body != at)
			r = get_node(b, PST_NFA_SPLIT, body, next, &body);
		if (r)
			return r;
		if (body == at)
			break;
		at = body;
	}
	*ret_id = at;
	return 0;
}

static int build_repeat(struct builder *b, const struct pst_re_node *node, uint32_t next,
			uint32_t *ret_id)
{
	uint32_t left = node->min, at = next;
	int r;

	if (node->max != PST_RE_UNLIMITED) {
		r = build_optional(b, node, next, &at);
	} else if (!left) {
		r = get_loop(b, node->child, next, MEMO_STAR, &at);
	} else {
		r = get_loop(b, node->child, next, MEMO_PLUS, &at);
		left--;
	}
	while (!r && left--) {
		uint32_t before = at;

		r = build(b, node->child, before, &at);
		if (!r && at == before)
			break;
	}
	if (!r)
		*ret_id = at;
	return r;
}

static int build_concat(struct builder *b, const struct pst_re_node *node, uint32_t next,
			uint32_t *ret_id)
{
	uint32_t at = next;

	for (uint32_t c = node->child; c != PST_RE_NONE; c = b->tree->nodes.v[c].next) {
		int r = build(b, c, at, &at);

		if (r)
			return r;
	}
	*ret_id = at;
	return 0;
}

static int build_alternate(struct builder *b, const struct pst_re_node *node, uint32_t next,
			   uint32_t *ret_id)
{
	uint32_t joined = PST_NFA_NONE;

	for (uint32_t c = node->child; c != PST_RE_NONE; c = b->tree->nodes.v[c].next) {
		uint32_t one;
		int r = build(b, c, next, &one);

		if (!r && joined != PST_NFA_NONE)
			r = get_node(b, PST_NFA_SPLIT, one, joined, &one);
		if (r)
			return r;
		joined = one;
	}
	*ret_id = joined;
	return 0;
}

static int build_any_byte(struct builder *b, uint32_t next, uint32_t *ret_id)
{
	struct pst_byteset all = {0};

	pst_byteset_add_range(&all, 0, PST_BYTES - 1);
	return get_bytes(b, &all, next, ret_id);
}

/* Recursion is bounded by the height of the tree. */
static int build(struct builder *b, uint32_t id, uint32_t next, uint32_t *ret_id)
{
	const struct pst_re_node *node = &b->tree->nodes.v[id];

	switch ((enum pst_re_op)node->op) {
	case PST_RE_EMPTY:
		*ret_id = next;
		return 0;
	case PST_RE_CLASS:
		return build_class(b, node->class_id, next, ret_id);
	case PST_RE_ANY_BYTE:
		return build_any_byte(b, next, ret_id);
	case PST_RE_ASSERT:
		b->nfa->assertions |= 1u << node->assertion;
		return get_node(b, PST_NFA_ASSERT, node->assertion, next, ret_id);
	case PST_RE_CONCAT:
		return build_concat(b, node, next, ret_id);
	case PST_RE_ALTERNATE:
		return build_alternate(b, node, next, ret_id);
	case PST_RE_REPEAT:
		return build_repeat(b, node, next, ret_id);
	}
	return -EINVAL;
}

int pst_nfa_add(struct pst_nfa *nfa, const struct pst_re_tree *tree, uint64_t tag, uint32_t pattern,
		uint32_t max_nodes)
{
	struct builder b = {nfa, tree, pattern, max_nodes};
	uint32_t accept, root;
	int r = get_node(&b, PST_NFA_ACCEPT, (uint32_t)tag, (uint32_t)(tag >> 32), &accept);

	if (!r)
		r = build(&b, tree->root, accept, &root);
	return r ? r : pst_vec_push(&nfa->roots, root);
}

size_t pst_nfa_bytes(const struct pst_nfa *nfa)
{
	return nfa->nodes.n * sizeof(*nfa->nodes.v) + nfa->sets.n * sizeof(*nfa->sets.v) +
	       nfa->roots.n * sizeof(*nfa->roots.v) + nfa->memos.n * sizeof(*nfa->memos.v) +
	       nfa->classes.pool.n * sizeof(*nfa->classes.pool.v) +
	       nfa->classes.refs.n * sizeof(*nfa->classes.refs.v) +
	       pst_intern_bytes(&nfa->node_index) + pst_intern_bytes(&nfa->set_index) +
	       pst_intern_bytes(&nfa->memo_index) + pst_intern_bytes(&nfa->classes.index);
}

void pst_nfa_fini(struct pst_nfa *nfa)
{
	pst_vec_free(&nfa->nodes);
	pst_vec_free(&nfa->sets);
	pst_vec_free(&nfa->roots);
	pst_vec_free(&nfa->memos);
	pst_intern_fini(&nfa->node_index);
	pst_intern_fini(&nfa->set_index);
	pst_intern_fini(&nfa->memo_index);
	pst_classes_fini(&nfa->classes);
}
