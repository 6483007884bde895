// SPDX-License-Identifier: Apache-2.0
#include "compiler/regex.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "compiler/regex_lex.h"

/* The whole pattern, or an open group: where its operands begin and what to restore when it ends.
 */
struct frame {
	size_t open;	    /* offset of the '(' */
	size_t first_alt;   /* operands: finished alternatives ... */
	size_t first_piece; /* ... and behind them the pieces of the current one */
	unsigned int flags; /* outside */
	bool capturing;
};

#define NO_REPEAT SIZE_MAX

struct parser {
	struct pst_re_lexer lx;
	struct pst_classes *classes;
	struct pst_re_tree *tree;
	struct PST_VEC(uint32_t) operands;
	struct PST_VEC(struct frame) frames;
	/* Where the repetition operator began that the last token, or this one, is; NO_REPEAT. */
	size_t last_repeat, this_repeat;
};

static struct pst_re_node *node_at(struct parser *p, uint32_t id)
{
	return &p->tree->nodes.v[id];
}

static struct frame *top_frame(struct parser *p)
{
	return &p->frames.v[p->frames.n - 1];
}

/* Appends NODE to the tree, its height and copies already right. */
static int add_node(struct parser *p, struct pst_re_node node, uint32_t *ret_id)
{
	int r;

	if (node.height > PST_RE_MAX_HEIGHT)
		return pst_re_error_budget(&p->lx, p->lx.at, p->lx.at,
					   "the pattern nests more than %d deep",
					   PST_RE_MAX_HEIGHT);
	r = pst_vec_push(&p->tree->nodes, node);
	if (r)
		return r;
	*ret_id = (uint32_t)p->tree->nodes.n - 1;
	return 0;
}

static int push_operand(struct parser *p, struct pst_re_node node)
{
	uint32_t id = 0;
	int r = add_node(p, node, &id);

	return r ? r : pst_vec_push(&p->operands, id);
}

static struct pst_re_node leaf(enum pst_re_op op)
{
	return (struct pst_re_node){
		.op = op, .height = 1, .copies = 1, .child = PST_RE_NONE, .next = PST_RE_NONE};
}

/* Pushes the class C, whatever R says happened while it was read; C is released. */
static int push_class(struct parser *p, struct pst_charclass *c, int r)
{
	struct pst_re_node node = leaf(PST_RE_CLASS);

	if (!r)
		r = pst_classes_get(p->classes, c, &node.class_id);
	pst_vec_free(c);
	return r ? r : push_operand(p, node);
}

static int push_literal(struct parser *p, size_t from, uint32_t rune)
{
	struct pst_charclass c = {0};
	int r = pst_re_add_range(&p->lx, from, (struct pst_rune_range){rune, rune}, &c);

	return push_class(p, &c, r);
}

static int push_assertion(struct parser *p, enum pst_re_assert assertion)
{
	struct pst_re_node node = leaf(PST_RE_ASSERT);

	node.assertion = assertion;
	return push_operand(p, node);
}

/* Replaces the operands from FIRST on by one node that has them as children. */
static int join_operands(struct parser *p, size_t first, enum pst_re_op op)
{
	struct pst_re_node node = leaf(op);

	for (size_t i = first; i < p->operands.n; i++) {
		struct pst_re_node *child = node_at(p, p->operands.v[i]);

		child->next = node.child;
		node.child = p->operands.v[i];
		if (node.height <= child->height)
			node.height = child->height + 1;
		if (node.copies < child->copies)
			node.copies = child->copies;
	}
	p->operands.n = first;
	return push_operand(p, node);
}

/* Ends the current alternative: its pieces become one operand. */
static int reduce_pieces(struct parser *p)
{
	size_t first = top_frame(p)->first_piece;

	if (p->operands.n == first)
		return push_operand(p, leaf(PST_RE_EMPTY));
	if (p->operands.n == first + 1)
		return 0;
	return join_operands(p, first, PST_RE_CONCAT);
}

/* Takes the alternatives of uncaptured groups up into the group around them, so that neighbours
 * meet. */
static int flatten_alternatives(struct parser *p, size_t first)
{
	size_t n = p->operands.n;
	int r = 0;

	for (size_t i = first; !r && i < n; i++) {
		uint32_t id = p->operands.v[i], child = node_at(p, id)->child;
		size_t from = p->operands.n;

		if (node_at(p, id)->op != PST_RE_ALTERNATE || node_at(p, id)->captured) {
			r = pst_vec_push(&p->operands, id);
			continue;
		}
		for (; !r && child != PST_RE_NONE; child = node_at(p, child)->next)
			r = pst_vec_push(&p->operands, child);
		for (size_t to = p->operands.n; from + 1 < to; from++) {
			uint32_t swapped = p->operands.v[from];

			p->operands.v[from] = p->operands.v[--to];
			p->operands.v[to] = swapped;
		}
	}
	if (r)
		return r;
	memmove(p->operands.v + first, p->operands.v + n,
		(p->operands.n - n) * sizeof(*p->operands.v));
	p->operands.n -= n - first;
	return 0;
}

static bool is_joinable(const struct pst_re_node *node)
{
	return node->op == PST_RE_CLASS && !node->captured;
}

/* Makes the class node ID the union of the operands FROM..TO. */
static int unite_classes(struct parser *p, size_t from, size_t to, uint32_t id)
{
	struct pst_charclass all = {0};
	int r = 0;

	for (size_t i = from; !r && i < to; i++) {
		size_t n;
		uint32_t class_id = node_at(p, p->operands.v[i])->class_id;
		const struct pst_rune_range *ranges = pst_classes_ranges(p->classes, class_id, &n);

		r = pst_charclass_add_ranges(&all, ranges, n);
	}
	if (!r)
		r = pst_classes_get(p->classes, &all, &node_at(p, id)->class_id);
	pst_vec_free(&all);
	return r;
}

/* Runs of one-character alternatives become one class. */
static int join_classes(struct parser *p, size_t first)
{
	size_t kept = first, i = first;

	while (i < p->operands.n) {
		uint32_t id = p->operands.v[i];
		size_t end = i + 1;

		while (end < p->operands.n && is_joinable(node_at(p, id)) &&
		       is_joinable(node_at(p, p->operands.v[end])))
			end++;
		if (end > i + 1) {
			int r = unite_classes(p, i, end, id);

			if (r)
				return r;
		}
		p->operands.v[kept++] = id;
		i = end;
	}
	p->operands.n = kept;
	return 0;
}

/* Ends the group: all its alternatives become one operand. */
static int reduce_alternatives(struct parser *p)
{
	size_t first = top_frame(p)->first_alt;
	int r = reduce_pieces(p);

	if (r || p->operands.n == first + 1)
		return r;
	r = flatten_alternatives(p, first);
	if (!r)
		r = join_classes(p, first);
	if (r || p->operands.n == first + 1)
		return r;
	return join_operands(p, first, PST_RE_ALTERNATE);
}

static int open_group(struct parser *p, size_t open, bool capturing, unsigned int inner_flags)
{
	const struct frame f = {
		.open = open,
		.first_alt = p->operands.n,
		.first_piece = p->operands.n,
		.flags = p->lx.flags,
		.capturing = capturing,
	};

	if (p->frames.n > PST_RE_MAX_HEIGHT)
		return pst_re_error_budget(&p->lx, open, p->lx.at, "groups nest more than %d deep",
					   PST_RE_MAX_HEIGHT);
	p->lx.flags = inner_flags;
	return pst_vec_push(&p->frames, f);
}

static int parse_close(struct parser *p)
{
	struct frame f;
	int r;

	if (p->frames.n == 1)
		return pst_re_error(&p->lx, p->lx.at, p->lx.at + 1,
				    "found ')', but no group is open here");
	r = reduce_alternatives(p);
	if (r)
		return r;
	f = p->frames.v[--p->frames.n];
	if (f.capturing)
		node_at(p, p->operands.v[p->operands.n - 1])->captured = true;
	p->lx.flags = f.flags;
	p->lx.at++;
	return 0;
}

static int parse_bar(struct parser *p)
{
	int r = reduce_pieces(p);

	top_frame(p)->first_piece = p->operands.n;
	p->lx.at++;
	return r;
}

static bool is_name_byte(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_';
}

/* (?P<name> or (?<name>; SKIP bytes up to and with the '<'. */
static int parse_named_group(struct parser *p, size_t skip)
{
	size_t open = p->lx.at, name;

	p->lx.at += skip;
	name = p->lx.at;
	while (is_name_byte(pst_re_peek(&p->lx, 0)))
		p->lx.at++;
	if (pst_re_peek(&p->lx, 0) >= 0x80)
		return pst_re_error(&p->lx, p->lx.at, p->lx.at + 1,
				    "group names beyond ASCII are not supported yet");
	if (p->lx.at == name || pst_re_peek(&p->lx, 0) != '>')
		return pst_re_error(&p->lx, open, p->lx.at,
				    "expected a group name of letters, digits and '_', then '>'");
	p->lx.at++;
	return open_group(p, open, true, p->lx.flags);
}

/* Beginnings of groups that other engines have. */
static const struct foreign_group {
	const char *begin, *what;
} foreign_groups[] = {
	{"(?<=", "look-behind: RE2 has no look-around"},
	{"(?<!", "negative look-behind: RE2 has no look-around"},
	{"(?=", "look-ahead: RE2 has no look-around"},
	{"(?!", "negative look-ahead: RE2 has no look-around"},
	{"(?P=", "a back-reference: RE2 has none"},
	{"(?P>", "a subroutine call: RE2 has none"},
	{"(?>", "an atomic group: RE2 has none"},
	{"(?#", "a comment: RE2 has none"},
	{"(?(", "a conditional group: RE2 has none"},
	{"(?|", "a branch reset group: RE2 has none"},
	{"(?R", "recursion: RE2 has none"},
};

static bool begins_with(const struct pst_re_lexer *lx, const char *text)
{
	size_t len = strlen(text);

	return pst_re_left(lx) >= len && !memcmp(lx->pattern->re + lx->at, text, len);
}

static unsigned int flag_of(int c)
{
	static const struct {
		char letter;
		unsigned int flag;
	} letters[] = {
		{'i', PST_RE_FOLD},
		{'s', PST_RE_DOT_NL},
		{'m', PST_RE_MULTILINE},
		{'U', PST_RE_UNGREEDY},
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
		if (c == letters[i].letter)
			return letters[i].flag;
	}
	return 0;
}

/* (?flags) and (?flags: with flags as in "im-s"; at '('. */
static int parse_flags(struct parser *p)
{
	size_t open = p->lx.at;
	unsigned int flags = p->lx.flags;
	bool negative = false, wanted = false;
	int c;

	for (p->lx.at += 2;; p->lx.at++) {
		unsigned int flag;

		c = pst_re_peek(&p->lx, 0);
		flag = flag_of(c);
		if (c == '-' && !negative)
			negative = wanted = true;
		else if (!flag)
			break;
		else
			wanted = false;
		flags = negative ? flags & ~flag : flags | flag;
	}
	if ((c != ':' && c != ')') || wanted)
		return pst_re_error(&p->lx, open, p->lx.at + (c >= 0),
				    "expected flags (i, s, m, U), '-', ':' or ')' behind '(?', "
				    "found '%.*s'",
				    (int)(p->lx.at - open) + (c >= 0), p->lx.pattern->re + open);
	p->lx.at++;
	if (c == ':')
		return open_group(p, open, false, flags);
	p->lx.flags = flags;
	return 0;
}

static int parse_open(struct parser *p)
{
	size_t open = p->lx.at;

	for (size_t i = 0; i < sizeof(foreign_groups) / sizeof(*foreign_groups); i++) {
		if (begins_with(&p->lx, foreign_groups[i].begin))
			return pst_re_error(&p->lx, open, open + strlen(foreign_groups[i].begin),
					    "'%s' is %s", foreign_groups[i].begin,
					    foreign_groups[i].what);
	}
	if (begins_with(&p->lx, "(?P<"))
		return parse_named_group(p, strlen("(?P<"));
	if (begins_with(&p->lx, "(?<"))
		return parse_named_group(p, strlen("(?<"));
	if (begins_with(&p->lx, "(?"))
		return parse_flags(p);
	p->lx.at++;
	return open_group(p, open, true, p->lx.flags);
}

/* Checks that the repetition operator from FROM up to here has something to repeat. */
static int check_repeatable(struct parser *p, size_t from)
{
	const char *re = p->lx.pattern->re;

	if (p->last_repeat != NO_REPEAT)
		return pst_re_error(&p->lx, p->last_repeat, p->lx.at,
				    "found '%.*s': one repetition cannot follow another; put the "
				    "first into a group",
				    (int)(p->lx.at - p->last_repeat), re + p->last_repeat);
	if (p->operands.n == top_frame(p)->first_piece)
		return pst_re_error(&p->lx, from, p->lx.at,
				    "expected something to repeat before '%.*s', found nothing",
				    (int)(p->lx.at - from), re + from);
	return 0;
}

/* Applies the operator that began at FROM; a '?' behind it makes it non-greedy. */
static int apply_repeat(struct parser *p, size_t from, uint32_t min, uint32_t max)
{
	uint32_t child, times = max == PST_RE_UNLIMITED ? min : max;
	struct pst_re_node node = leaf(PST_RE_REPEAT);
	int r;

	if (pst_re_peek(&p->lx, 0) == '?')
		p->lx.at++;
	r = check_repeatable(p, from);
	if (r)
		return r;
	child = p->operands.v[p->operands.n - 1];
	if (times * node_at(p, child)->copies > PST_RE_MAX_REPEAT && times >= 2)
		return pst_re_error_budget(&p->lx, from, p->lx.at,
					   "counted repetitions multiply to %u here, RE2's limit "
					   "is %d",
					   times * node_at(p, child)->copies, PST_RE_MAX_REPEAT);
	node.min = (uint16_t)min;
	node.max = max;
	node.child = child;
	node.height = node_at(p, child)->height + 1;
	node.copies = node_at(p, child)->copies;
	if (times >= 2)
		node.copies = (uint16_t)(times * node.copies);
	p->this_repeat = from;
	p->operands.n--;
	return push_operand(p, node);
}

static int parse_star(struct parser *p)
{
	return apply_repeat(p, p->lx.at++, 0, PST_RE_UNLIMITED);
}

static int parse_plus(struct parser *p)
{
	return apply_repeat(p, p->lx.at++, 1, PST_RE_UNLIMITED);
}

static int parse_question(struct parser *p)
{
	return apply_repeat(p, p->lx.at++, 0, 1);
}

/* A count without leading zeros, cut off at a value that is over every limit. */
static bool read_count(struct pst_re_lexer *lx, uint32_t *ret_count)
{
	size_t first = lx->at;
	uint32_t count = 0;
	int c;

	while ((c = pst_re_peek(lx, 0)) >= '0' && c <= '9') {
		if (count <= PST_RE_MAX_REPEAT)
			count = count * 10 + (uint32_t)(c - '0');
		lx->at++;
	}
	if (lx->at == first || (lx->pattern->re[first] == '0' && lx->at > first + 1))
		return false;
	/* RE2 reads a number of more than nine digits as no number at all. */
	if (lx->at - first > 9)
		return false;
	*ret_count = count;
	return true;
}

/* {n}, {n,} or {n,m}; the brace is next. False, and nothing read, when it is something else. */
static bool read_counts(struct pst_re_lexer *lx, uint32_t *ret_min, uint32_t *ret_max)
{
	size_t open = lx->at++;
	uint32_t min = 0, max = 0;
	bool ok = read_count(lx, &min);

	max = min;
	if (ok && pst_re_peek(lx, 0) == ',') {
		lx->at++;
		max = PST_RE_UNLIMITED;
		if (pst_re_peek(lx, 0) != '}')
			ok = read_count(lx, &max);
	}
	if (!ok || pst_re_peek(lx, 0) != '}') {
		lx->at = open;
		return false;
	}
	lx->at++;
	*ret_min = min;
	*ret_max = max;
	return true;
}

static int parse_literal(struct parser *p)
{
	size_t from = p->lx.at;
	uint32_t rune;
	int r = pst_re_read_rune(&p->lx, &rune);

	return r ? r : push_literal(p, from, rune);
}

static int parse_brace(struct parser *p)
{
	size_t from = p->lx.at;
	uint32_t min, max;

	/* Like RE2, a brace that does not begin a count is an ordinary character. */
	if (!read_counts(&p->lx, &min, &max))
		return parse_literal(p);
	if (min > PST_RE_MAX_REPEAT || (max > PST_RE_MAX_REPEAT && max != PST_RE_UNLIMITED))
		return pst_re_error(
			&p->lx, from, p->lx.at, "expected counts of at most %d, found '%.*s'",
			PST_RE_MAX_REPEAT, (int)(p->lx.at - from), p->lx.pattern->re + from);
	if (max < min)
		return pst_re_error(&p->lx, from, p->lx.at,
				    "expected a second count not less than the first, found "
				    "'%.*s'",
				    (int)(p->lx.at - from), p->lx.pattern->re + from);
	return apply_repeat(p, from, min, max);
}

static int parse_caret(struct parser *p)
{
	p->lx.at++;
	return push_assertion(p, p->lx.flags & PST_RE_MULTILINE ? PST_RE_BEGIN_LINE
								: PST_RE_BEGIN_TEXT);
}

static int parse_dollar(struct parser *p)
{
	p->lx.at++;
	return push_assertion(p,
			      p->lx.flags & PST_RE_MULTILINE ? PST_RE_END_LINE : PST_RE_END_TEXT);
}

static int parse_dot(struct parser *p)
{
	struct pst_charclass c = {0};
	int r = 0;

	p->lx.at++;
	if (!(p->lx.flags & PST_RE_DOT_NL))
		r = pst_charclass_add(&c, '\n', '\n');
	if (!r)
		r = pst_charclass_negate(&c);
	return push_class(p, &c, r);
}

static int parse_class(struct parser *p)
{
	struct pst_charclass c = {0};
	int r = pst_re_read_class(&p->lx, &c);

	return push_class(p, &c, r);
}

/* \Q...\E; without \E up to the end. */
static int parse_quoted(struct parser *p)
{
	int r = 0;

	p->lx.at += 2;
	while (!r && pst_re_left(&p->lx) && !begins_with(&p->lx, "\\E"))
		r = parse_literal(p);
	if (!r && pst_re_left(&p->lx))
		p->lx.at += 2;
	return r;
}

/* Escapes that mean a place; -1 for others. */
static int assertion_of(int letter)
{
	switch (letter) {
	case 'A':
		return PST_RE_BEGIN_TEXT;
	case 'z':
		return PST_RE_END_TEXT;
	case 'b':
		return PST_RE_WORD;
	case 'B':
		return PST_RE_NOT_WORD;
	default:
		return -1;
	}
}

static int parse_backslash(struct parser *p)
{
	int letter = pst_re_peek(&p->lx, 1), assertion = assertion_of(letter), r;
	struct pst_charclass c = {0};
	size_t from = p->lx.at;
	uint32_t rune;

	if (assertion >= 0 || letter == 'C') {
		p->lx.at += 2;
		return letter == 'C' ? push_operand(p, leaf(PST_RE_ANY_BYTE))
				     : push_assertion(p, (enum pst_re_assert)assertion);
	}
	if (letter == 'Q')
		return parse_quoted(p);
	if (letter == 'p' || letter == 'P')
		return pst_re_refuse_unicode_class(&p->lx);
	if (pst_re_read_perl_class(&p->lx, &c, &r))
		return push_class(p, &c, r);
	r = pst_re_read_escape(&p->lx, &rune);
	return r ? r : push_literal(p, from, rune);
}

typedef int (*token_fn)(struct parser *p);

/* What each byte begins; all others are literals. */
static const token_fn tokens[256] = {
	['('] = parse_open,   [')'] = parse_close,    ['|'] = parse_bar,   ['*'] = parse_star,
	['+'] = parse_plus,   ['?'] = parse_question, ['{'] = parse_brace, ['^'] = parse_caret,
	['$'] = parse_dollar, ['.'] = parse_dot,      ['['] = parse_class, ['\\'] = parse_backslash,
};

static int parse(struct parser *p)
{
	int r = open_group(p, 0, false, 0);

	p->last_repeat = p->this_repeat = NO_REPEAT;
	while (!r && pst_re_left(&p->lx)) {
		token_fn token = tokens[pst_re_peek(&p->lx, 0)];

		p->last_repeat = p->this_repeat;
		p->this_repeat = NO_REPEAT;
		r = token ? token(p) : parse_literal(p);
	}
	if (r)
		return r;
	if (p->frames.n > 1)
		return pst_re_error(&p->lx, top_frame(p)->open, p->lx.at,
				    "expected ')' for this '(', found the end of the pattern");
	r = reduce_alternatives(p);
	if (!r)
		p->tree->root = p->operands.v[0];
	return r;
}

int pst_re_parse(const struct pst_pattern *pattern, struct pst_classes *classes,
		 struct pst_diags *diags, struct pst_re_tree *tree)
{
	struct parser p = {
		.lx = {.pattern = pattern, .diags = diags},
		.classes = classes,
		.tree = tree,
	};
	int r;

	tree->nodes.n = 0;
	r = parse(&p);
	pst_vec_free(&p.operands);
	pst_vec_free(&p.frames);
	return r;
}

void pst_re_tree_fini(struct pst_re_tree *tree)
{
	pst_vec_free(&tree->nodes);
}
