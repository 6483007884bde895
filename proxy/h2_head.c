// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2_head.h"

#include "bpf/abi.h"
#include "compiler/head.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
	KEEP = 4096, /* of a buffer, between blocks */
	SLACK = 64,  /* names that are not in the text: the exact limit is the text's own */
};

static const char *const part_names[PST_H2_PARTS] = {
	[PST_H2_METHOD] = ":method", [PST_H2_SCHEME] = ":scheme", [PST_H2_AUTHORITY] = ":authority",
	[PST_H2_PATH] = ":path",     [PST_H2_STATUS] = ":status",
};

/* There is room. */
static inline void put(struct pst_text_vec *out, const char *s, size_t len)
{
	if (len)
		memcpy(out->v + out->n, s, len);
	out->n += len;
}

int pst_text_append(struct pst_text_vec *out, const char *s, size_t len)
{
	if (pst_vec_reserve(out, out->n + len))
		return -ENOMEM;
	put(out, s, len);
	return 0;
}

static void clear_text(struct pst_text_vec *text)
{
	text->n = 0;
	if (text->cap > KEEP)
		pst_vec_free(text);
}

void pst_h2_head_clear(struct pst_h2_head *h)
{
	for (int i = 0; i < PST_H2_PARTS; i++) {
		clear_text(&h->part[i]);
		h->came[i] = false;
	}
	clear_text(&h->lines);
	clear_text(&h->cookie);
	clear_text(&h->hidden);
	h->reason = PST_REASON_NONE;
	h->trailers = h->has_host = false;
	h->offered = h->n_offered = 0;
}

void pst_h2_head_free(struct pst_h2_head *h)
{
	for (int i = 0; i < PST_H2_PARTS; i++)
		pst_vec_free(&h->part[i]);
	pst_vec_free(&h->lines);
	pst_vec_free(&h->cookie);
	pst_vec_free(&h->hidden);
}

size_t pst_h2_head_size(const struct pst_h2_head *h)
{
	size_t n = h->lines.cap + h->cookie.cap + h->hidden.cap;

	for (int i = 0; i < PST_H2_PARTS; i++)
		n += h->part[i].cap;
	return n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A name of HTTP/2 is a token without capitals. */
static bool is_name(const char *s, size_t len)
{
	static const bool fits[UCHAR_MAX + 1] = {
		['!'] = true,	      ['#'] = true,  ['$'] = true, ['%'] = true,
		['&'] = true,	      ['\''] = true, ['*'] = true, ['+'] = true,
		['-'] = true,	      ['.'] = true,  ['^'] = true, ['_'] = true,
		['`'] = true,	      ['|'] = true,  ['~'] = true, ['0' ... '9'] = true,
		['a' ... 'z'] = true,
	};

	for (size_t i = 0; i < len; i++) {
		if (!fits[(unsigned char)s[i]])
			return false;
	}
	return len;
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static bool is_value(const char *s, size_t len)
{
	if (len && (is_blank(s[0]) || is_blank(s[len - 1])))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (is_control(s[i]))
			return false;
	}
	return true;
}

/* Nothing in it ends the place that it has in a request line or a Host. */
static bool is_word(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f)
			return false;
	}
	return len;
}

static inline bool is_text(const char *s, size_t len, const char *text)
{
	return len == strlen(text) && !memcmp(s, text, len);
}

/* Fields about the connection, which HTTP/2 does not have (RFC 9113 section 8.2.2). */
static bool is_of_connection(const char *name, size_t len)
{
	/* Each a text of its own, whose length is known here. */
	return is_text(name, len, "connection") || is_text(name, len, "keep-alive") ||
	       is_text(name, len, "proxy-connection") || is_text(name, len, "transfer-encoding") ||
	       is_text(name, len, "upgrade");
}

/* Why the field cannot be one of HTTP/2. */
static enum pst_reason field_reason(const struct pst_h2_field *f)
{
	if (!is_name(f->name, f->name_len))
		return PST_REASON_FIELD_NAME;
	if (!is_value(f->value, f->value_len))
		return PST_REASON_FIELD_VALUE;
	if (is_of_connection(f->name, f->name_len))
		return PST_REASON_H2_MALFORMED;
	if (is_text(f->name, f->name_len, "te") && !is_text(f->value, f->value_len, "trailers"))
		return PST_REASON_H2_MALFORMED;
	return PST_REASON_NONE;
}

static void refuse(struct pst_h2_head *h, enum pst_reason reason)
{
	if (!h->reason)
		h->reason = reason;
}

static bool is_scheme(const struct pst_h2_field *f)
{
	return is_text(f->value, f->value_len, "http") || is_text(f->value, f->value_len, "https");
}

static enum pst_reason part_reason(const struct pst_h2_field *f, enum pst_h2_part part)
{
	static const enum pst_reason reasons[PST_H2_PARTS] = {
		[PST_H2_METHOD] = PST_REASON_METHOD,	   [PST_H2_SCHEME] = PST_REASON_TARGET_FORM,
		[PST_H2_AUTHORITY] = PST_REASON_HOST_BAD,  [PST_H2_PATH] = PST_REASON_TARGET_BYTE,
		[PST_H2_STATUS] = PST_REASON_H2_MALFORMED,
	};
	bool good = is_word(f->value, f->value_len);

	if (part == PST_H2_SCHEME)
		good = is_scheme(f);
	if (part == PST_H2_PATH && !f->value_len)
		return PST_REASON_TARGET_FORM;
	return good ? PST_REASON_NONE : reasons[part];
}

static int add_part(struct pst_h2_head *h, const struct pst_h2_field *f)
{
	int part = 0;

	while (part < PST_H2_PARTS && !is_text(f->name, f->name_len, part_names[part]))
		part++;
	if (part == PST_H2_PARTS || h->trailers || h->came[part] || h->lines.n || h->cookie.n) {
		refuse(h, PST_REASON_H2_MALFORMED);
		return 0;
	}
	h->came[part] = true;
	refuse(h, part_reason(f, (enum pst_h2_part)part));
	return h->reason ? 0 : pst_text_append(&h->part[part], f->value, f->value_len);
}

static int add_line(struct pst_h2_head *h, const struct pst_h2_field *f)
{
	int r = pst_vec_reserve(&h->lines, h->lines.n + f->name_len + f->value_len + 4);

	if (r)
		return r;
	put(&h->lines, f->name, f->name_len);
	put(&h->lines, ": ", 2);
	put(&h->lines, f->value, f->value_len);
	put(&h->lines, "\r\n", 2);
	return 0;
}

/* Behind an equal :authority it says nothing; behind another one it says something else. */
static int add_host(struct pst_h2_head *h, const struct pst_h2_field *f)
{
	const struct pst_text_vec *authority = &h->part[PST_H2_AUTHORITY];

	if (h->has_host || (h->came[PST_H2_AUTHORITY] &&
			    (authority->n != f->value_len ||
			     (authority->n && memcmp(authority->v, f->value, authority->n) != 0))))
		refuse(h, PST_REASON_HOST_REPEATED);
	else if (h->came[PST_H2_AUTHORITY])
		return 0;
	h->has_host = true;
	return add_line(h, f);
}

static int add_crumb(struct pst_h2_head *h, const struct pst_h2_field *f)
{
	int r = h->cookie.n ? pst_text_append(&h->cookie, "; ", 2)
			    : pst_text_append(&h->cookie, "cookie: ", 8);

	return r ? r : pst_text_append(&h->cookie, f->value, f->value_len);
}

static bool is_hidden(const struct pst_text_vec *hidden, const char *name, size_t len)
{
	for (size_t at = 0; at < hidden->n; at += strlen(hidden->v + at) + 1) {
		if (is_text(name, len, hidden->v + at))
			return true;
	}
	return false;
}

static int hide(struct pst_h2_head *h, const struct pst_h2_field *f)
{
	int r = 0;

	if (is_hidden(&h->hidden, f->name, f->name_len))
		return 0;
	r = pst_text_append(&h->hidden, f->name, f->name_len);
	return r ? r : pst_text_append(&h->hidden, "", 1);
}

static size_t stored(const struct pst_h2_head *h)
{
	size_t n = h->lines.n + h->cookie.n;

	for (int i = 0; i < PST_H2_PARTS; i++)
		n += h->part[i].n;
	return n;
}

int pst_h2_head_add(struct pst_h2_head *h, const struct pst_h2_field *f)
{
	int r = 0;

	h->offered += f->name_len + f->value_len;
	h->n_offered++;
	if (stored(h) + f->name_len + f->value_len > PST_MAX_HEAD + SLACK)
		refuse(h, PST_REASON_HEAD_LONG);
	else if (h->n_offered > PST_MAX_FIELDS + PST_H2_PARTS)
		refuse(h, PST_REASON_FIELD_COUNT);
	if (h->reason)
		return 0;
	if (f->name_len && f->name[0] == ':')
		return add_part(h, f);
	refuse(h, field_reason(f));
	if (h->reason)
		return 0;
	if (f->hidden)
		r = hide(h, f);
	if (r)
		return r;
	if (is_text(f->name, f->name_len, "host") && !h->trailers && !h->came[PST_H2_STATUS])
		return add_host(h, f);
	if (is_text(f->name, f->name_len, "cookie") && !h->trailers)
		return add_crumb(h, f);
	return add_line(h, f);
}

int pst_h2_head_request(const struct pst_h2_head *h, struct pst_text_vec *out)
{
	const struct {
		const char *s;
		const struct pst_text_vec *text;
		bool left_out;
	} pieces[] = {
		{"", &h->part[PST_H2_METHOD], false},
		{" ", &h->part[PST_H2_PATH], false},
		{" HTTP/1.1\r\n", NULL, false},
		{"host: ", &h->part[PST_H2_AUTHORITY], !h->came[PST_H2_AUTHORITY]},
		{"\r\n", NULL, !h->came[PST_H2_AUTHORITY]},
		{"", &h->lines, false},
		{"", &h->cookie, false},
		{"\r\n", NULL, !h->cookie.n},
		{"\r\n", NULL, false},
	};
	int r = pst_vec_reserve(out, stored(h) + SLACK);

	out->n = 0;
	for (size_t i = 0; !r && i < sizeof(pieces) / sizeof(*pieces); i++) {
		if (pieces[i].left_out)
			continue;
		r = pst_text_append(out, pieces[i].s, strlen(pieces[i].s));
		if (!r && pieces[i].text)
			r = pst_text_append(out, pieces[i].text->v, pieces[i].text->n);
	}
	return r;
}

int pst_h2_fields_add(struct pst_h2_fields *out, const struct pst_h2_field *f)
{
	const nghttp2_nv nv = {
		/* nghttp2 wants pointers to what it never changes. */
		.name = (uint8_t *)(uintptr_t)f->name,
		.namelen = f->name_len,
		.value = (uint8_t *)(uintptr_t)f->value,
		.valuelen = f->value_len,
		.flags = f->hidden ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE,
	};

	return pst_vec_push(out, nv);
}

/* Reads one line. The core allows blanks around a value, so that actions may have written some. */
static bool read_line(char *line, size_t len, struct pst_h2_field *ret_field)
{
	char *colon = memchr(line, ':', len);
	struct pst_h2_field f = {.name = line};

	if (!colon)
		return false;
	f.name_len = (size_t)(colon - line);
	f.value = colon + 1;
	f.value_len = len - f.name_len - 1;
	while (f.value_len && is_blank(f.value[0])) {
		f.value++;
		f.value_len--;
	}
	while (f.value_len && is_blank(f.value[f.value_len - 1]))
		f.value_len--;
	for (size_t i = 0; i < f.name_len; i++)
		line[i] = (char)tolower((unsigned char)line[i]);
	*ret_field = f;
	return true;
}

int pst_h2_fields_lines(struct pst_h2_fields *out, char *lines, size_t len,
			const struct pst_text_vec *hidden)
{
	for (size_t at = 0; at < len;) {
		char *end = memmem(lines + at, len - at, "\r\n", 2);
		size_t n = end ? (size_t)(end - lines) - at : 0;
		struct pst_h2_field f;

		if (!end || !read_line(lines + at, n, &f) || field_reason(&f))
			return -EINVAL;
		f.hidden = hidden && is_hidden(hidden, f.name, f.name_len);
		if (!is_text(f.name, f.name_len, "host") && pst_h2_fields_add(out, &f))
			return -ENOMEM;
		at += n + 2;
	}
	return 0;
}

static int add_word(struct pst_h2_fields *out, enum pst_h2_part part, const char *s, size_t len)
{
	const struct pst_h2_field f = {.name = part_names[part],
				       .name_len = strlen(part_names[part]),
				       .value = s,
				       .value_len = len};

	return len ? pst_h2_fields_add(out, &f) : 0;
}

int pst_h2_fields_request(struct pst_h2_fields *out, struct pst_text_vec *text,
			  const struct pst_h2_head *from)
{
	const struct pst_text_vec *scheme = &from->part[PST_H2_SCHEME];
	char *lines = memmem(text->v, text->n, "\r\n", 2);
	struct pst_head head;
	int r = pst_vec_reserve(out, from->n_offered + 1);

	if (r)
		return r;
	if (!lines)
		return -EINVAL;
	lines += 2;
	pst_head_split(text->v, text->n, &head);
	r = add_word(out, PST_H2_METHOD, head.field[PST_FIELD_METHOD].s,
		     head.field[PST_FIELD_METHOD].len);
	if (!r)
		r = add_word(out, PST_H2_SCHEME, scheme->v, scheme->n);
	if (!r)
		r = add_word(out, PST_H2_AUTHORITY, head.field[PST_FIELD_HOST].s,
			     head.field[PST_FIELD_HOST].len);
	if (!r)
		r = add_word(out, PST_H2_PATH, head.field[PST_FIELD_PATH].s,
			     head.field[PST_FIELD_PATH].len);
	/* Without the empty line. */
	return r ? r
		 : pst_h2_fields_lines(out, lines, text->n - 2 - (size_t)(lines - text->v),
				       &from->hidden);
}
