// SPDX-License-Identifier: Apache-2.0
#include "compiler/offer.h"

#include <string.h>
#include <strings.h>

struct text {
	const char *v;
	size_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim(const char *v, size_t n)
{
	while (n && is_blank(v[n - 1]))
		n--;
	while (n && is_blank(*v)) {
		v++;
		n--;
	}
	return (struct text){.v = v, .n = n};
}

static bool is_word(struct text t, const char *word)
{
	return t.n == strlen(word) && !strncasecmp(t.v, word, t.n);
}

/* The name of the field that LINE is; nothing of a request line has a colon behind a token. */
static struct text name_of(struct text line)
{
	const char *colon = memchr(line.v, ':', line.n);

	return (struct text){.v = line.v, .n = colon ? (size_t)(colon - line.v) : 0};
}

/* Puts N bytes before TO, where they may lie already. */
static char *put_before(char *to, const char *bytes, size_t n)
{
	memmove(to - n, bytes, n);
	return to - n;
}

/*
 * Puts the Connection field LINE before TO without the options of an offer, or nothing if there is
 * no other. From the last one on they move towards the end, and are never longer than what was
 * there: nothing is overwritten before it is read.
 */
static char *put_connection(char *to, struct text line, size_t n_name)
{
	const char *value = line.v + n_name + 1, *end = line.v + line.n, *comma;
	char *eol = put_before(to, "\r\n", 2), *at = eol;

	do {
		struct text option;

		comma = memrchr(value, ',', (size_t)(end - value));
		option = comma ? trim(comma + 1, (size_t)(end - comma) - 1)
			       : trim(value, (size_t)(end - value));
		end = comma;
		if (is_word(option, "upgrade") || is_word(option, "http2-settings"))
			continue;
		if (at != eol)
			at = put_before(at, ",", 1);
		at = put_before(at, option.v, option.n);
	} while (comma);
	return at == eol ? to : put_before(at, line.v, n_name + 1);
}

/* LINE is without its CRLF. */
static char *put_line(char *to, struct text line)
{
	struct text name = name_of(line);

	if (is_word(name, "upgrade") || is_word(name, "http2-settings"))
		return to;
	if (is_word(name, "connection"))
		return put_connection(to, line, name.n);
	return put_before(to, line.v, line.n + 2);
}

size_t pst_offer_take(char *bytes, size_t len)
{
	char *to = bytes + len;

	for (char *at = to; at > bytes;) {
		const char *before = memrchr(bytes, '\n', (size_t)(at - 1 - bytes));
		char *line = before ? bytes + (before + 1 - bytes) : bytes;

		to = put_line(to, (struct text){.v = line, .n = (size_t)(at - line) - 2});
		at = line;
	}
	return (size_t)(to - bytes);
}
