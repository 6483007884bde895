// SPDX-License-Identifier: Apache-2.0
#include "proxy/offer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The fields of an offer; each comes once. */
enum {
	UPGRADE = 1,
	SETTINGS = 2,
	CONNECTION = 4,
	ALL = UPGRADE | SETTINGS | CONNECTION,
};

/* What Connection may name. */
static const char *const options[] = {"upgrade", "http2-settings", "keep-alive", "close"};

enum {
	N_OPTIONS = sizeof(options) / sizeof(*options),
	OFFERED = 1 | 2, /* the first two: they go with the offer, and must be there */
};

struct text {
	const char *v;
	size_t n;
};

struct offer {
	unsigned int fields;
	unsigned int options; /* bit per option */
	bool bad;
};

enum pst_offer_end pst_offer_find(const char *bytes, size_t len, uint64_t *seen)
{
	const char *lf;

	while ((lf = memchr(bytes + *seen, '\n', len - *seen))) {
		size_t at = (size_t)(lf - bytes);

		*seen = at + 1;
		if (!at || bytes[at - 1] != '\r')
			return PST_OFFER_BAD;
		if (at >= 3 && bytes[at - 2] == '\n')
			return PST_OFFER_HEAD;
	}
	*seen = len;
	return PST_OFFER_MORE;
}

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

/* Which field of an offer LINE is, with its value; 0: none. */
static unsigned int field_of(struct text line, struct text *ret_value)
{
	const char *colon = memchr(line.v, ':', line.n);
	struct text name = {.v = line.v};

	if (!colon)
		return 0;
	name.n = (size_t)(colon - line.v);
	*ret_value = trim(colon + 1, line.n - name.n - 1);
	if (is_word(name, "upgrade"))
		return UPGRADE;
	if (is_word(name, "http2-settings"))
		return SETTINGS;
	return is_word(name, "connection") ? CONNECTION : 0;
}

/* Base64url, RFC 7540 section 3.2.1. */
static bool is_settings(struct text value)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < value.n; i++) {
		if (!memchr(alphabet, value.v[i], sizeof(alphabet) - 1))
			return false;
	}
	return value.n;
}

/* False: none that an offer may name, or twice. */
static bool add_option(struct offer *o, struct text word)
{
	for (unsigned int i = 0; i < N_OPTIONS; i++) {
		if (!is_word(word, options[i]))
			continue;
		if (o->options >> i & 1)
			return false;
		o->options |= 1U << i;
		return true;
	}
	return false;
}

static bool add_options(struct offer *o, struct text value)
{
	for (;;) {
		const char *comma = memchr(value.v, ',', value.n);
		size_t n = comma ? (size_t)(comma - value.v) : value.n;

		if (!add_option(o, trim(value.v, n)))
			return false;
		if (!comma)
			return true;
		value.v += n + 1;
		value.n -= n + 1;
	}
}

static void look_at(struct offer *o, struct text line)
{
	struct text value;
	unsigned int field = field_of(line, &value);

	if ((field & o->fields) || (field == UPGRADE && !is_word(value, "h2c")) ||
	    (field == SETTINGS && !is_settings(value)) ||
	    (field == CONNECTION && !add_options(o, value)))
		o->bad = true;
	o->fields |= field;
}

/* Without its CRLF. The head ends with an empty one. */
static struct text line_at(const char *at, const char *end)
{
	const char *lf = memchr(at, '\n', (size_t)(end - at));

	return (struct text){.v = at, .n = (size_t)(lf - at) - 1};
}

static bool is_version_11(struct text line)
{
	static const char version[] = " HTTP/1.1";
	size_t n = sizeof(version) - 1;

	return line.n > n && !memcmp(line.v + line.n - n, version, n);
}

/* Is the head's offer well-formed? Which options there are, in *RET_OPTIONS. */
static bool is_well_formed(const char *bytes, size_t len, unsigned int *ret_options)
{
	const char *end = bytes + len;
	struct text line = line_at(bytes, end);
	struct offer o = {.bad = !is_version_11(line)};

	do {
		line = line_at(line.v + line.n + 2, end);
		look_at(&o, line);
	} while (line.n && !o.bad);
	*ret_options = o.options;
	return !o.bad && o.fields == ALL && (o.options & OFFERED) == OFFERED;
}

/* The Connection field that is left, shorter than the one that it stands for: its length. */
static size_t write_options(unsigned int which, char *buf, size_t size)
{
	bool keep = which >> 2 & 1, close = which >> 3 & 1;

	if (!keep && !close)
		return 0;
	return (size_t)snprintf(buf, size, "Connection: %s%s%s\r\n", keep ? options[2] : "",
				keep && close ? ", " : "", close ? options[3] : "");
}

/* Puts N bytes before TO. */
static char *put_before(char *to, const char *bytes, size_t n)
{
	if (n)
		memmove(to - n, bytes, n);
	return to - n;
}

size_t pst_offer_take(char *bytes, size_t len)
{
	char left[48], *to = bytes + len, *at = to;
	unsigned int which;
	size_t n_left;

	if (!is_well_formed(bytes, len, &which))
		return 0;
	n_left = write_options(which, left, sizeof(left));
	/* The last line first: what has moved along is not in the way. */
	while (at > bytes) {
		const char *before = memrchr(bytes, '\n', (size_t)(at - 1 - bytes));
		char *line = before ? bytes + (before + 1 - bytes) : bytes;
		struct text value, text = {.v = line, .n = (size_t)(at - line) - 2};
		unsigned int field = field_of(text, &value);

		if (!field)
			to = put_before(to, line, (size_t)(at - line));
		else if (field == CONNECTION)
			to = put_before(to, left, n_left);
		at = line;
	}
	return (size_t)(to - bytes);
}
