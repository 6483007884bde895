// SPDX-License-Identifier: Apache-2.0
#include "enforcer/reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TOKEN                                                 \
	"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char default_type[] = "text/plain";
static const char default_body[] = "Access denied\r\n";

static bool is_value(const char *s)
{
	if (!*s || *s == ' ' || *s == '\t')
		return false;
	for (; *s; s++)
		if ((*s < ' ' && *s != '\t') || *s == 0x7f)
			return false;
	return s[-1] != ' ' && s[-1] != '\t';
}

static bool is_ours(const char *name, size_t len)
{
	static const char *const names[] = {
		"connection", "content-length",	   "content-type",
		"keep-alive", "proxy-connection",  "te",
		"trailer",    "transfer-encoding", "upgrade",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !strncasecmp(names[i], name, len))
			return true;
	return false;
}

const char *pst_reply_header_error(const char *text)
{
	size_t len = strspn(text, TOKEN);
	const char *value = text + len + 1;

	if (!len || text[len] != ':')
		return "expected 'Name: value'";
	if (is_ours(text, len))
		return "this field belongs to the framing of the response";
	value += strspn(value, " ");
	return is_value(value) ? NULL : "the value is empty or has a control character";
}

const char *pst_reply_content_type_error(const char *text)
{
	return is_value(text) ? NULL : "the value is empty or has a control character";
}

static int check(const struct pst_reply_opts *o, const char *body)
{
	if (o->n_headers > PST_REPLY_HEADERS)
		return -EINVAL;
	if (o->content_type && pst_reply_content_type_error(o->content_type))
		return -EINVAL;
	for (size_t i = 0; i < o->n_headers; i++)
		if (pst_reply_header_error(o->headers[i]))
			return -EINVAL;
	return strlen(body) > PST_REPLY_BODY_MAX ? -EMSGSIZE : 0;
}

/* Appends; once it was too long, nothing fits any more. */
static void __attribute__((format(printf, 2, 3))) add(struct pst_reply *r, const char *format, ...)
{
	va_list ap;
	int n;

	if (r->len >= sizeof(r->bytes))
		return;
	va_start(ap, format);
	n = vsnprintf(r->bytes + r->len, sizeof(r->bytes) - r->len, format, ap);
	va_end(ap);
	r->len = n < 0 ? sizeof(r->bytes) : r->len + (size_t)n;
}

int pst_reply_make(const struct pst_reply_opts *opts, bool close, struct pst_reply *ret_reply)
{
	const char *body = opts->body ? opts->body : default_body;
	struct pst_reply r = {.len = 0};
	int err = check(opts, body);

	if (err)
		return err;
	add(&r, "HTTP/1.1 403 Forbidden\r\ncontent-type: %s\r\ncontent-length: %zu\r\n",
	    opts->content_type ? opts->content_type : default_type, strlen(body));
	for (size_t i = 0; i < opts->n_headers; i++)
		add(&r, "%s\r\n", opts->headers[i]);
	add(&r, "%s\r\n", close ? "connection: close\r\n" : "");
	r.head_len = r.len;
	add(&r, "%s", body);
	if (r.len >= sizeof(r.bytes))
		return -EMSGSIZE;
	*ret_reply = r;
	return 0;
}
