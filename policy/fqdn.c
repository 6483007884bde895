// SPDX-License-Identifier: Apache-2.0
#include "policy/fqdn.h"

#include <ctype.h>
#include <string.h>

/* Part of a name or a pattern. */
struct part {
	const char *s;
	size_t len;
};

static struct part without_last_dot(const char *s)
{
	struct part p = {.s = s, .len = strlen(s)};

	if (p.len && s[p.len - 1] == '.')
		p.len--;
	return p;
}

static bool same_char(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static bool same(struct part a, struct part b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (!same_char(a.s[i], b.s[i]))
			return false;
	}
	return true;
}

/* May a star stand for this character? */
static bool is_starred(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/*
 * The usual walk: a star takes as little as possible, and the last one takes more when the rest
 * does not fit. What an earlier star could take instead, the last one can take as well, because no
 * star passes a dot; and dots stand in both or in none.
 */
static bool matches(struct part pattern, struct part name)
{
	size_t p = 0, n = 0, star = SIZE_MAX, from = 0;

	while (n < name.len) {
		if (p < pattern.len && pattern.s[p] == '*') {
			star = p++;
			from = n;
		} else if (p < pattern.len && same_char(pattern.s[p], name.s[n])) {
			p++;
			n++;
		} else if (star != SIZE_MAX && is_starred(name.s[from])) {
			p = star + 1;
			n = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.s[p] == '*')
		p++;
	return p == pattern.len;
}

/* "**." has been cut off PATTERN: labels stand before what it means. */
static bool matches_below(struct part pattern, struct part name)
{
	for (size_t i = 0; i < name.len; i++) {
		struct part rest = {.s = name.s + i + 1, .len = name.len - i - 1};

		if (name.s[i] == '.' && i > 0 && name.s[i - 1] != '.' && matches(pattern, rest))
			return true;
	}
	return false;
}

bool pst_fqdn_matches(const struct pst_fqdn *f, const char *name)
{
	struct part whole = without_last_dot(name);
	struct part pattern;

	if (f->name.s)
		return same(without_last_dot(f->name.s), whole);
	pattern = without_last_dot(f->pattern.s);
	if (pattern.len == 1 && pattern.s[0] == '*')
		return true;
	if (pattern.len > 3 && !strncmp(pattern.s, "**.", 3)) {
		pattern.s += 3;
		pattern.len -= 3;
		return matches_below(pattern, whole);
	}
	return matches(pattern, whole);
}
