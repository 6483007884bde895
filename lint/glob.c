// SPDX-License-Identifier: Apache-2.0
#include "lint/glob.h"

#include <stddef.h>
#include <string.h>

static size_t name_len(const char *s)
{
	return strcspn(s, "/");
}

/* The name behind this one; "" at the end. */
static const char *skip_name(const char *s)
{
	s += name_len(s);
	return s + strspn(s, "/");
}

/* The length of the set that P starts, "[...]", or 0 when it is not closed within LEFT bytes. */
static size_t set_len(const char *p, size_t left)
{
	size_t i = 1;

	if (i < left && (p[i] == '!' || p[i] == '^'))
		i++;
	if (i < left && p[i] == ']')
		i++; /* a bracket in the first place is a member */
	while (i < left && p[i] != ']')
		i++;
	return i < left ? i + 1 : 0;
}

static bool set_has(const char *p, size_t len, char c)
{
	bool negated = p[1] == '!' || p[1] == '^', found = false;
	size_t i = negated ? 2 : 1;

	while (i < len - 1) {
		if (i + 3 < len && p[i + 1] == '-') {
			found |= (unsigned char)c >= (unsigned char)p[i] &&
				 (unsigned char)c <= (unsigned char)p[i + 2];
			i += 3;
		} else {
			found |= p[i++] == c;
		}
	}
	return found != negated;
}

/* How many bytes of pattern P match the byte C; 0: it does not. P is no star. */
static size_t match_one(const char *p, size_t left, char c)
{
	size_t set;

	if (!left)
		return 0;
	set = *p == '[' ? set_len(p, left) : 0;
	if (set)
		return set_has(p, set, c) ? set : 0;
	return *p == '?' || *p == c;
}

/* One name. On a mismatch the last star takes one more byte: earlier ones need not be tried again.
 */
static bool match_name(const char *p, const char *s)
{
	size_t lp = name_len(p), ls = name_len(s), i = 0, k = 0;
	size_t star = lp, star_at = 0; /* lp: there was none */

	while (k < ls) {
		size_t n;

		if (i < lp && p[i] == '*') {
			star = i++;
			star_at = k;
			continue;
		}
		n = match_one(p + i, lp - i, s[k]);
		if (n) {
			i += n;
			k++;
		} else if (star < lp) {
			i = star + 1;
			k = ++star_at;
		} else {
			return false;
		}
	}
	while (i < lp && p[i] == '*')
		i++;
	return i == lp;
}

static bool is_any_depth(const char *p)
{
	return name_len(p) == 2 && !memcmp(p, "**", 2);
}

/* The same one level up: names in place of bytes, `**` in place of the star. */
bool pst_glob_matches(const char *pattern, const char *path)
{
	const char *star = NULL, *star_at = NULL;

	while (!strncmp(pattern, "./", 2))
		pattern += 2;
	if (!*pattern)
		return false;
	while (*path) {
		if (!*pattern)
			return true; /* a directory above PATH */
		if (is_any_depth(pattern)) {
			star = pattern = skip_name(pattern);
			star_at = path;
			if (!*pattern)
				return true;
		} else if (match_name(pattern, path)) {
			pattern = skip_name(pattern);
			path = skip_name(path);
		} else if (star) {
			pattern = star;
			path = star_at = skip_name(star_at);
		} else {
			return false;
		}
	}
	return !*pattern;
}
