// SPDX-License-Identifier: Apache-2.0
#include "proxy/normal.h"

#include "bpf/abi.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST_LINE = PST_MAX_TARGET + 64 };

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at S stands for; -1: it is none. */
static int escaped(const char *s, const char *end)
{
	if (end - s < 3 || hex(s[1]) < 0 || hex(s[2]) < 0)
		return -1;
	return hex(s[1]) * 16 + hex(s[2]);
}

/* RFC 3986 section 2.3. */
static bool is_unreserved(int c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

static bool is_slash(int c)
{
	return c == '/' || c == '\\';
}

/* Is there something to do? Nearly always not. */
static bool is_plain(const char *path, const char *end)
{
	for (const char *s = path; s < end; s++) {
		if (*s == '%' || *s == '\\' ||
		    (*s == '/' && s + 1 < end && (s[1] == '/' || s[1] == '.')))
			return false;
	}
	return true;
}

/* Does it hold what the core refuses in every form? Then nothing is done to it. */
static bool is_hopeless(const char *path, const char *end)
{
	for (const char *s = path; s < end; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c >= 0x7f || c == '#' || (c == '%' && escaped(s, end) <= 0))
			return true;
	}
	return false;
}

/* Writes plainly what needs no escape. The new end. */
static char *decode(enum pst_normal mode, char *path, const char *end,
		    struct pst_normal_result *ret)
{
	char *to = path;

	for (const char *s = path; s < end; s++) {
		int c = *s == '%' ? escaped(s, end) : -1;

		if (c < 0) {
			*to++ = *s == '\\' ? '/' : *s;
			continue;
		}
		if (is_slash(c) && mode == PST_NORMAL_REDIRECT)
			ret->redirect = true;
		else if (is_slash(c))
			ret->kept = true;
		if (is_unreserved(c) || (is_slash(c) && mode == PST_NORMAL_REDIRECT)) {
			*to++ = is_slash(c) ? '/' : (char)c;
		} else {
			*to++ = s[0];
			*to++ = s[1];
			*to++ = s[2];
		}
		s += 2;
	}
	return to;
}

/* How many dots the segment S .. END is made of; 0: it is another one. */
static size_t dots(const char *s, const char *end)
{
	size_t n = (size_t)(end - s);

	return (n == 1 || n == 2) && s[0] == '.' && s[n - 1] == '.' ? n : 0;
}

/* Resolves dot segments. The new end. */
static char *resolve(char *path, const char *end)
{
	char *to = path; /* behind the slash, or the segment, that was written last */
	const char *s = path;

	while (s < end) {
		const char *name = s + 1, *next = memchr(name, '/', (size_t)(end - name));
		size_t n;

		next = next ? next : end;
		n = dots(name, next);
		if (n == 2) {
			while (to > path && *--to != '/')
				;
		}
		if (!n) {
			memmove(to, s, (size_t)(next - s));
			to += next - s;
		} else if (next == end) {
			*to++ = '/'; /* what a dot segment ends with is a directory */
		}
		s = next;
	}
	return to;
}

static char *merge(char *path, const char *end)
{
	char *to = path;

	for (const char *s = path; s < end; s++) {
		if (*s != '/' || to == path || to[-1] != '/')
			*to++ = *s;
	}
	return to;
}

/* The length of what ends a segment at S for a server that decodes slashes; 0: nothing does. */
static size_t separator(const char *s, const char *end)
{
	if (*s == '/')
		return 1;
	return *s == '%' && is_slash(escaped(s, end)) ? 3 : 0;
}

/*
 * Does such a server find a dot segment, or one that is empty but for path parameters, which are
 * cut off where they are known?
 */
static bool hides_dots(const char *path, const char *end)
{
	while (path < end) {
		const char *name = path + separator(path, end), *next = name, *cut;

		while (next < end && !separator(next, end))
			next++;
		cut = memchr(name, ';', (size_t)(next - name));
		if (dots(name, cut ? cut : next) || cut == name)
			return true;
		path = next;
	}
	return false;
}

struct pst_normal_result pst_normal_target(enum pst_normal mode, char *target, size_t len)
{
	struct pst_normal_result r = {.cut = 0};
	char *query = memchr(target, '?', len);
	char *path_end = query ? query : target + len, *end;

	if (mode == PST_NORMAL_OFF || !len || target[0] != '/' || is_plain(target, path_end) ||
	    is_hopeless(target, path_end))
		return r;
	end = decode(mode, target, path_end, &r);
	end = resolve(target, end);
	end = merge(target, end);
	memmove(end, path_end, len - (size_t)(path_end - target));
	r.cut = (size_t)(path_end - end);
	r.kept = r.kept && mode == PST_NORMAL_KEEP && !hides_dots(target, end);
	return r;
}

/* May a request begin with C? The core refuses small letters at once. */
static bool begins_method(char c)
{
	return isupper((unsigned char)c) || isdigit((unsigned char)c) ||
	       (c && strchr("-!#$%&'*+.^_`|~", c));
}

/*
 * The line that BYTES begin with, up to its LF; NULL: there is none, or not yet. It is found by the
 * bytes of the line alone: however many come at once, the same becomes of it.
 */
static const char *find_line_end(const char *bytes, size_t len)
{
	if (!len || !begins_method(bytes[0]))
		return NULL;
	return memchr(bytes, '\n', len < LONGEST_LINE ? len : LONGEST_LINE);
}

/* The target of the line that BYTES begin with; NULL: there is none. */
static char *find_target(char *bytes, size_t len, size_t *ret_len)
{
	const char *lf = find_line_end(bytes, len);
	char *line_end = lf ? memchr(bytes, '\r', (size_t)(lf - bytes)) : NULL, *target, *end;

	if (!line_end)
		return NULL;
	target = memchr(bytes, ' ', (size_t)(line_end - bytes));
	if (!target)
		return NULL;
	target++;
	end = memchr(target, ' ', (size_t)(line_end - target));
	*ret_len = (size_t)((end ? end : line_end) - target);
	return target;
}

struct pst_normal_result pst_normal_line(enum pst_normal mode, char *bytes, size_t len)
{
	struct pst_normal_result r = {.cut = 0};
	size_t target_len;
	char *target = find_target(bytes, len, &target_len);

	if (!target)
		return r;
	r = pst_normal_target(mode, target, target_len);
	if (r.cut)
		memmove(bytes + r.cut, bytes, (size_t)(target - bytes) + target_len - r.cut);
	return r;
}

bool pst_normal_is_ready(const char *bytes, size_t len)
{
	return len > LONGEST_LINE || find_line_end(bytes, len) || !begins_method(bytes[0]);
}

const char *pst_normal_location(const char *bytes, size_t len, size_t *ret_len)
{
	/* The bytes are not changed: the search is shared with what does. */
	return find_target((char *)(uintptr_t)bytes, len, ret_len);
}

static int append(struct pst_text_vec *out, const char *s, size_t len)
{
	if (pst_vec_reserve(out, out->n + len))
		return -ENOMEM;
	memcpy(out->v + out->n, s, len);
	out->n += len;
	return 0;
}

int pst_normal_answer(const char *bytes, size_t len, bool close, struct pst_text_vec *out)
{
	static const char begin[] = "HTTP/1.1 307 Temporary Redirect\r\nlocation: ";
	static const char stays[] = "\r\ncontent-length: 0\r\n\r\n";
	static const char closes[] = "\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
	const char *end = close ? closes : stays;
	size_t target_len = 0;
	const char *target = pst_normal_location(bytes, len, &target_len);

	if (!target || append(out, begin, sizeof(begin) - 1) || append(out, target, target_len))
		return -ENOMEM;
	return append(out, end, strlen(end));
}
