// SPDX-License-Identifier: Apache-2.0
#include "compiler/regex_tree.h"

#include <errno.h>
#include <string.h>

static struct pst_re_node *node_at(struct pst_re_grower *g, uint32_t id)
{
	return &g->tree->nodes.v[id];
}

static struct pst_re_group *innermost(struct pst_re_grower *g)
{
	return &g->groups.v[g->groups.n - 1];
}

const struct pst_re_group *pst_re_innermost(const struct pst_re_grower *g)
{
	return &g->groups.v[g->groups.n - 1];
}

/* Appends NODE to the tree, its height and copies already right. */
static int add_node(struct pst_re_grower *g, struct pst_re_node node, uint32_t *ret_id)
{
	int r;

	if (node.height > PST_RE_MAX_HEIGHT)
		return -EOVERFLOW;
	r = pst_vec_push(&g->tree->nodes, node);
	if (r)
		return r;
	*ret_id = (uint32_t)g->tree->nodes.n - 1;
	return 0;
}

static int push_operand(struct pst_re_grower *g, struct pst_re_node node)
{
	uint32_t id = 0;
	int r = add_node(g, node, &id);

	return r ? r : pst_vec_push(&g->operands, id);
}

static struct pst_re_node leaf(enum pst_re_op op)
{
	return (struct pst_re_node){
		.op = op, .height = 1, .copies = 1, .child = PST_RE_NONE, .next = PST_RE_NONE};
}

int pst_re_grow_any_byte(struct pst_re_grower *g)
{
	return push_operand(g, leaf(PST_RE_ANY_BYTE));
}

int pst_re_grow_assertion(struct pst_re_grower *g, enum pst_re_assert assertion)
{
	struct pst_re_node node = leaf(PST_RE_ASSERT);

	node.assertion = assertion;
	return push_operand(g, node);
}

int pst_re_grow_class(struct pst_re_grower *g, struct pst_charclass *c, int r)
{
	struct pst_re_node node = leaf(PST_RE_CLASS);

	if (!r)
		r = pst_classes_get(g->classes, c, &node.class_id);
	pst_vec_free(c);
	return r ? r : push_operand(g, node);
}

const struct pst_re_node *pst_re_last_piece(const struct pst_re_grower *g)
{
	if (g->operands.n == pst_re_innermost(g)->first_piece)
		return NULL;
	return &g->tree->nodes.v[g->operands.v[g->operands.n - 1]];
}

int pst_re_grow_repeat(struct pst_re_grower *g, uint32_t min, uint32_t max)
{
	uint32_t child = g->operands.v[g->operands.n - 1];
	uint32_t times = max == PST_RE_UNLIMITED ? min : max;
	struct pst_re_node node = leaf(PST_RE_REPEAT);

	node.min = (uint16_t)min;
	node.max = max;
	node.child = child;
	node.height = node_at(g, child)->height + 1;
	node.copies = (uint16_t)(node_at(g, child)->copies * (times ? times : 1));
	g->operands.n--;
	return push_operand(g, node);
}

/* Replaces the operands from FIRST on by one node that has them as children. */
static int join_operands(struct pst_re_grower *g, size_t first, enum pst_re_op op)
{
	struct pst_re_node node = leaf(op);

	for (size_t i = first; i < g->operands.n; i++) {
		struct pst_re_node *child = node_at(g, g->operands.v[i]);

		child->next = node.child;
		node.child = g->operands.v[i];
		if (node.height <= child->height)
			node.height = child->height + 1;
		if (node.copies < child->copies)
			node.copies = child->copies;
	}
	g->operands.n = first;
	return push_operand(g, node);
}

/* Ends the current alternative: its pieces become one operand. */
static int reduce_pieces(struct pst_re_grower *g)
{
	size_t first = innermost(g)->first_piece;

	if (g->operands.n == first)
		return push_operand(g, leaf(PST_RE_EMPTY));
	if (g->operands.n == first + 1)
		return 0;
	return join_operands(g, first, PST_RE_CONCAT);
}

/* Takes the alternatives of uncaptured groups up into the group around them, so that neighbours
 * meet. */
static int flatten_alternatives(struct pst_re_grower *g, size_t first)
{
	size_t n = g->operands.n;
	int r = 0;

	for (size_t i = first; !r && i < n; i++) {
		uint32_t id = g->operands.v[i], child = node_at(g, id)->child;
		size_t from = g->operands.n;

		if (node_at(g, id)->op != PST_RE_ALTERNATE || node_at(g, id)->captured) {
			r = pst_vec_push(&g->operands, id);
			continue;
		}
		for (; !r && child != PST_RE_NONE; child = node_at(g, child)->next)
			r = pst_vec_push(&g->operands, child);
		for (size_t to = g->operands.n; from + 1 < to; from++) {
			uint32_t swapped = g->operands.v[from];

			g->operands.v[from] = g->operands.v[--to];
			g->operands.v[to] = swapped;
		}
	}
	if (r)
		return r;
	memmove(g->operands.v + first, g->operands.v + n,
		(g->operands.n - n) * sizeof(*g->operands.v));
	g->operands.n -= n - first;
	return 0;
}

static bool is_joinable(const struct pst_re_node *node)
{
	return node->op == PST_RE_CLASS && !node->captured;
}

/* Makes the class node ID the union of the operands FROM..TO. */
static int unite_classes(struct pst_re_grower *g, size_t from, size_t to, uint32_t id)
{
	struct pst_charclass all = {0};
	int r = 0;

	for (size_t i = from; !r && i < to; i++) {
		size_t n;
		uint32_t class_id = node_at(g, g->operands.v[i])->class_id;
		const struct pst_rune_range *ranges = pst_classes_ranges(g->classes, class_id, &n);

		r = pst_charclass_add_ranges(&all, ranges, n);
	}
	if (!r)
		r = pst_classes_get(g->classes, &all, &node_at(g, id)->class_id);
	pst_vec_free(&all);
	return r;
}

/* Runs of one-character alternatives become one class. */
static int join_classes(struct pst_re_grower *g, size_t first)
{
	size_t kept = first, i = first;

	while (i < g->operands.n) {
		uint32_t id = g->operands.v[i];
		size_t end = i + 1;

		while (end < g->operands.n && is_joinable(node_at(g, id)) &&
		       is_joinable(node_at(g, g->operands.v[end])))
			end++;
		if (end > i + 1) {
			int r = unite_classes(g, i, end, id);

			if (r)
				return r;
		}
		g->operands.v[kept++] = id;
		i = end;
	}
	g->operands.n = kept;
	return 0;
}

/* Ends the group: all its alternatives become one operand. */
static int reduce_alternatives(struct pst_re_grower *g)
{
	size_t first = innermost(g)->first_alt;
	int r = reduce_pieces(g);

	if (r || g->operands.n == first + 1)
		return r;
	r = flatten_alternatives(g, first);
	if (!r)
		r = join_classes(g, first);
	if (r || g->operands.n == first + 1)
		return r;
	return join_operands(g, first, PST_RE_ALTERNATE);
}

int pst_re_grow_bar(struct pst_re_grower *g)
{
	int r = reduce_pieces(g);

	innermost(g)->first_piece = g->operands.n;
	return r;
}

int pst_re_grow_open(struct pst_re_grower *g, size_t open, unsigned int flags, bool capturing)
{
	const struct pst_re_group group = {
		.open = open,
		.flags = flags,
		.capturing = capturing,
		.first_alt = g->operands.n,
		.first_piece = g->operands.n,
	};

	if (g->groups.n > PST_RE_MAX_HEIGHT)
		return -EOVERFLOW;
	return pst_vec_push(&g->groups, group);
}

int pst_re_grow_close(struct pst_re_grower *g, struct pst_re_group *ret_group)
{
	uint32_t whole;
	int r = reduce_alternatives(g);

	if (r)
		return r;
	*ret_group = g->groups.v[--g->groups.n];
	whole = g->operands.v[g->operands.n - 1];
	node_at(g, whole)->captured |= ret_group->capturing;
	g->tree->root = whole;
	return 0;
}

void pst_re_grower_fini(struct pst_re_grower *g)
{
	pst_vec_free(&g->operands);
	pst_vec_free(&g->groups);
}
