// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lint/neighbor.h"
#include "lint/never.h"
#include "lint/pattern_scan.h"
#include "lint/walk.h"

/*
 * Paths that do not match what they seem to: the pattern must match all of the target, query
 * included (policy-semantics 4.1), and a target out of normal form is denied before any pattern is
 * looked at (4.5).
 */

/* One alternative of a pattern. */
struct path {
	const struct pst_lint_env *env;
	const struct pst_scan *scan;
	struct pst_branch b;
	bool has_neighbor; /* and it was told what the neighbour does not let in */
};

static bool is_letter(const struct pst_token *t)
{
	return t && t->kind == PST_TOKEN_LITERAL && isalnum(t->byte);
}

static bool is_any_star(const struct pst_token *t)
{
	return t && t->kind == PST_TOKEN_ANY && t->repeat == '*';
}

/* Token I of the branch, or NULL outside of it. */
static const struct pst_token *at(const struct path *p, size_t i)
{
	return i >= p->b.from && i < p->b.to ? &p->scan->v[i] : NULL;
}

static bool is_star(const struct path *p)
{
	return p->b.to - p->b.from == 1 && pst_token_is(at(p, p->b.from), '*');
}

/* True when it is to blame, as with check_normal_form(). */
static bool check_start(const struct path *p)
{
	const struct pst_token *t = at(p, p->b.from);
	struct pst_pos pos;

	if (!pst_token_is_plain(t) || t->byte == '/')
		return false;
	pos = pst_scan_pos(p->scan, p->b.from, p->b.from + 1);
	pst_diags_add(
		p->env->diags, PST_SEVERITY_ERROR, "path-without-slash", &pos,
		"this path matches no request: a request target begins with \"/\", and the pattern with \"%c\"",
		isprint(t->byte) ? t->byte : '?');
	return true;
}

static void check_any_prefix(const struct path *p)
{
	struct pst_pos pos;

	if (!is_any_star(at(p, p->b.from)) || p->b.to - p->b.from < 3)
		return;
	pos = pst_scan_pos(p->scan, p->b.from, p->b.from + 2);
	pst_diags_add(p->env->diags, PST_SEVERITY_WARNING, "path-any-prefix", &pos,
		      "\".*\" at the start lets through every path that ends so, under any folder");
}

static void check_glob(const struct path *p)
{
	for (size_t i = p->b.from; i + 1 < p->b.to; i++) {
		const struct pst_token *t = at(p, i);
		struct pst_pos pos;

		if (t->kind != PST_TOKEN_LITERAL || t->byte != '/' || t->repeat != '*')
			continue;
		pos = pst_scan_pos(p->scan, i, i + 2);
		pst_diags_add(
			p->env->diags, PST_SEVERITY_WARNING, "path-glob", &pos,
			"\"/*\" means any number of slashes, not anything behind one; write \"/.*\"");
	}
}

/* "?name=": somebody thought of a query. */
static void check_question_mark(const struct path *p)
{
	for (size_t i = p->b.from; i + 1 < p->b.to; i++) {
		const struct pst_token *t = at(p, i);
		struct pst_pos pos;
		size_t k = i + 1;

		if (t->kind != PST_TOKEN_REPEAT || t->byte != '?' || t->len != 1)
			continue;
		while (is_letter(at(p, k)) || pst_token_is(at(p, k), '_') ||
		       pst_token_is(at(p, k), '-'))
			k++;
		if (k == i + 1 || !pst_token_is(at(p, k), '='))
			continue;
		pos = pst_scan_pos(p->scan, i, i + 1);
		pst_diags_add(
			p->env->diags, PST_SEVERITY_WARNING, "path-question-mark", &pos,
			"\"?\" makes the character before it optional; the one before a query is written \"\\?\"");
	}
}

static void check_open_end(const struct path *p)
{
	const struct pst_token *before = p->b.to < 3 ? NULL : at(p, p->b.to - 3);
	struct pst_pos pos;

	if (p->has_neighbor || !before || !is_any_star(at(p, p->b.to - 2)) || !is_letter(before) ||
	    before->repeat)
		return;
	pos = pst_scan_pos(p->scan, p->b.to - 3, p->b.to);
	pst_diags_add(
		p->env->diags, PST_SEVERITY_WARNING, "path-prefix-open", &pos,
		"this also matches names that only begin so, such as \"...%cx\"; write \"(/.*)?\" for what lies below",
		before->byte);
}

/* A dot between letters, as in a file's name. */
static void check_dot(const struct path *p)
{
	for (size_t i = p->b.from + 1; i + 1 < p->b.to; i++) {
		const struct pst_token *t = at(p, i);
		struct pst_pos pos;

		if (t->kind != PST_TOKEN_ANY || t->repeat || !is_letter(at(p, i - 1)) ||
		    !is_letter(at(p, i + 1)))
			continue;
		pos = pst_scan_pos(p->scan, i, i + 1);
		pst_diags_add(p->env->diags, PST_SEVERITY_INFO, "path-dot", &pos,
			      "\".\" is any character here; the dot itself is written \"\\.\"");
		return;
	}
}

static void check_query(const struct path *p)
{
	const struct pst_token *last = at(p, p->b.to - 1);
	struct pst_pos pos;

	if (!pst_token_is_plain(last))
		return;
	for (size_t i = p->b.from; i < p->b.to; i++) {
		if (pst_token_is(at(p, i), '?'))
			return;
	}
	pos = pst_scan_pos(p->scan, p->b.to - 1, p->b.to);
	pst_diags_add(
		p->env->diags, PST_SEVERITY_INFO, "path-without-query", &pos,
		"a request with a query (\"?x=1\") does not match; allow it with \"(\\?.*)?\"");
}

/* What only a target out of normal form contains. A literal '?' ends the part where they count. */
static const struct {
	const char *text;
	bool at_end; /* of the pattern only */
} strange[] = {
	{"//", false},	{"/./", false}, {"/../", false}, {"/.", true},	 {"/..", true},
	{"\\", false},	{"#", false},	{"%2f", false},	 {"%5c", false}, {"%2e", false},
	{"%00", false}, {"%2d", false}, {"%5f", false},	 {"%7e", false},
};

/* Letters and digits that are written as escapes: 0-9, A-Z, a-z. */
static bool is_escaped_letter(const char *s)
{
	char digits[3];
	unsigned int byte = 0;

	if (s[0] != '%' || !isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
		return false;
	memcpy(digits, s + 1, 2);
	digits[2] = '\0';
	for (size_t i = 0; i < 2; i++) {
		int c = tolower((unsigned char)digits[i]);

		byte = byte * 16 + (unsigned int)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	return byte < 128 && isalnum((int)byte);
}

/* The length of what is strange at S, or 0. */
static size_t strange_len(const char *s, bool whole)
{
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		size_t len = strlen(strange[i].text);

		if (!strncasecmp(s, strange[i].text, len) &&
		    (!strange[i].at_end || (whole && !s[len])))
			return len;
	}
	if (is_escaped_letter(s))
		return 3;
	return (unsigned char)*s >= 128 || iscntrl((unsigned char)*s) ? 1 : 0;
}

/* Only what stands before the first thing that varies: that may contain a "?". */
static bool check_normal_form(const struct path *p)
{
	char text[PST_SCAN_MAX + 1];
	size_t n = 0, len = 0;

	while (pst_token_is_plain(at(p, p->b.from + n)) && at(p, p->b.from + n)->byte != '?') {
		text[n] = (char)at(p, p->b.from + n)->byte;
		n++;
	}
	text[n] = '\0';
	for (size_t i = 0; i < n; i++) {
		struct pst_pos pos;

		len = strange_len(text + i, p->b.from + n == p->b.to);
		if (!len)
			continue;
		pos = pst_scan_pos(p->scan, p->b.from + i, p->b.from + i + len);
		pst_diags_add(
			p->env->diags, PST_SEVERITY_WARNING, "path-not-normal", &pos,
			"only a request target out of normal form can match this, and such targets are denied");
		return true;
	}
	return false;
}

/* Full match: anchors at the ends say what is so anyway. */
static void check_anchors(const struct pst_lint_env *env, const struct pst_scan *scan)
{
	const struct pst_token *first = &scan->v[0], *last = &scan->v[scan->n - 1];
	struct pst_pos pos;

	if (first->kind != PST_TOKEN_BEGIN && last->kind != PST_TOKEN_END)
		return;
	pos = first->kind == PST_TOKEN_BEGIN ? pst_scan_pos(scan, 0, 1)
					     : pst_scan_pos(scan, scan->n - 1, scan->n);
	pst_diags_add(env->diags, PST_SEVERITY_INFO, "anchor-needless", &pos,
		      "a pattern must match the whole text anyway; \"%c\" changes nothing",
		      first->kind == PST_TOKEN_BEGIN ? '^' : '$');
}

static void (*const checks[])(const struct path *p) = {
	check_any_prefix, check_glob, check_question_mark, check_dot, check_open_end, check_query,
};

static int check_branch(const struct path *p)
{
	if (p->b.from >= p->b.to)
		return 0;
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](p);
	/* "OPTIONS *" is no target that a rule could allow, but no mistake either. */
	if (is_star(p) || check_start(p) || check_normal_form(p))
		return 0;
	return pst_never_check_branch(p->env, PST_FIELD_PATH, p->scan, &p->b);
}

static int check_path(const struct pst_lint_env *env, const struct pst_port_rule *entry,
		      const struct pst_text *text)
{
	struct pst_scan scan;
	struct path p = {.env = env, .scan = &scan};
	int r;

	if (!text->len)
		return 0;
	if (!pst_scan_pattern(text, &scan))
		return pst_never_check(env, PST_FIELD_PATH, text);
	check_anchors(env, &scan);
	r = pst_neighbor_check(env, entry, text);
	p.has_neighbor = r > 0;
	while (r >= 0 && pst_scan_next_branch(&scan, &p.b))
		r = check_branch(&p);
	return r < 0 ? r : 0;
}

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	int *r = ctx;

	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		const struct pst_port_rule *entry = &ref->rule->ports[i];

		for (size_t k = 0; !*r && k < entry->n_http; k++)
			*r = check_path(env, entry, &entry->http[k].path);
	}
}

int pst_check_path(const struct pst_lint_env *env)
{
	int r = 0;

	pst_lint_each_rule(env, check_rule, &r);
	return r;
}
