// SPDX-License-Identifier: Apache-2.0
#include "compiler/regex.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "compiler/regex_lex.h"
#include "compiler/regex_tree.h"

#define NO_REPEAT SIZE_MAX

struct parser {
	struct pst_re_lexer lx;
	struct pst_re_grower grower;
	/* Where the repetition operator began that the last token, or this one, is; NO_REPEAT. */
	size_t last_repeat, this_repeat;
};

static int push_literal(struct parser *p, size_t from, uint32_t rune)
{
	struct pst_charclass c = {0};
	int r = pst_re_add_range(&p->lx, from, (struct pst_rune_range){rune, rune}, &c);

	return pst_re_grow_class(&p->grower, &c, r);
}

static int open_group(struct parser *p, size_t open, bool capturing, unsigned int inner_flags)
{
	unsigned int outer_flags = p->lx.flags;

	p->lx.flags = inner_flags;
	return pst_re_grow_open(&p->grower, open, outer_flags, capturing);
}

static int parse_close(struct parser *p)
{
	struct pst_re_group group;
	int r;

	if (p->grower.groups.n == 1)
		return pst_re_error(&p->lx, p->lx.at, p->lx.at + 1,
				    "found ')', but no group is open here");
	r = pst_re_grow_close(&p->grower, &group);
	if (r)
		return r;
	p->lx.flags = group.flags;
	p->lx.at++;
	return 0;
}

static int parse_bar(struct parser *p)
{
	p->lx.at++;
	return pst_re_grow_bar(&p->grower);
}

/* (?P<name> or (?<name>; SKIP bytes up to and with the '<'. */
static int parse_named_group(struct parser *p, size_t skip)
{
	size_t open = p->lx.at;
	int r;

	p->lx.at += skip;
	r = pst_re_read_group_name(&p->lx, open);
	return r ? r : open_group(p, open, true, p->lx.flags);
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
	if (!pst_re_last_piece(&p->grower))
		return pst_re_error(&p->lx, from, p->lx.at,
				    "expected something to repeat before '%.*s', found nothing",
				    (int)(p->lx.at - from), re + from);
	return 0;
}

/* Applies the operator that began at FROM; a '?' behind it makes it non-greedy. */
static int apply_repeat(struct parser *p, size_t from, uint32_t min, uint32_t max)
{
	uint32_t times = max == PST_RE_UNLIMITED ? min : max, copies;
	int r;

	if (pst_re_peek(&p->lx, 0) == '?')
		p->lx.at++;
	r = check_repeatable(p, from);
	if (r)
		return r;
	copies = times * pst_re_last_piece(&p->grower)->copies;
	if (copies > PST_RE_MAX_REPEAT)
		return pst_re_error_budget(&p->lx, from, p->lx.at,
					   "counted repetitions multiply to %u here, RE2's limit "
					   "is %d",
					   copies, PST_RE_MAX_REPEAT);
	p->this_repeat = from;
	return pst_re_grow_repeat(&p->grower, min, max);
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
	return pst_re_grow_assertion(
		&p->grower, p->lx.flags & PST_RE_MULTILINE ? PST_RE_BEGIN_LINE : PST_RE_BEGIN_TEXT);
}

static int parse_dollar(struct parser *p)
{
	p->lx.at++;
	return pst_re_grow_assertion(&p->grower, p->lx.flags & PST_RE_MULTILINE ? PST_RE_END_LINE
										: PST_RE_END_TEXT);
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
	return pst_re_grow_class(&p->grower, &c, r);
}

static int parse_class(struct parser *p)
{
	struct pst_charclass c = {0};
	int r = pst_re_read_class(&p->lx, &c);

	return pst_re_grow_class(&p->grower, &c, r);
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
		return letter == 'C'
			       ? pst_re_grow_any_byte(&p->grower)
			       : pst_re_grow_assertion(&p->grower, (enum pst_re_assert)assertion);
	}
	if (letter == 'Q')
		return parse_quoted(p);
	if (pst_re_read_escaped_class(&p->lx, &c, &r))
		return pst_re_grow_class(&p->grower, &c, r);
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

static int parse_tokens(struct parser *p)
{
	struct pst_re_group whole;
	int r = open_group(p, 0, false, 0);

	while (!r && pst_re_left(&p->lx)) {
		token_fn token = tokens[pst_re_peek(&p->lx, 0)];

		p->last_repeat = p->this_repeat;
		p->this_repeat = NO_REPEAT;
		r = token ? token(p) : parse_literal(p);
	}
	if (r)
		return r;
	if (p->grower.groups.n > 1)
		return pst_re_error(&p->lx, pst_re_innermost(&p->grower)->open, p->lx.at,
				    "expected ')' for this '(', found the end of the pattern");
	return pst_re_grow_close(&p->grower, &whole);
}

int pst_re_parse(const struct pst_pattern *pattern, struct pst_classes *classes,
		 struct pst_diags *diags, struct pst_re_tree *tree)
{
	struct parser p = {
		.lx = {.pattern = pattern, .diags = diags},
		.grower = {.tree = tree, .classes = classes},
		.last_repeat = NO_REPEAT,
		.this_repeat = NO_REPEAT,
	};
	int r;

	tree->nodes.n = 0;
	r = parse_tokens(&p);
	if (r == -EOVERFLOW)
		r = pst_re_error_budget(&p.lx, p.lx.at, p.lx.at,
					"the pattern nests more than %d deep", PST_RE_MAX_HEIGHT);
	if (r == -ENOSPC)
		r = pst_re_error_budget(&p.lx, p.lx.at, p.lx.at,
					"the classes of the patterns up to here hold more than %d "
					"ranges of characters",
					PST_CLASSES_MAX_RANGES);
	pst_re_grower_fini(&p.grower);
	return r;
}

void pst_re_tree_fini(struct pst_re_tree *tree)
{
	pst_vec_free(&tree->nodes);
}
