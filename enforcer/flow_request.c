// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "enforcer/flow_make.h"

enum { MAX_METHOD = 32, MAX_HEADERS = 64 };

struct span {
	const char *s;
	size_t len;
};

/* The bytes of REST up to the first C, which is taken off as well. */
static struct span take(struct span *rest, char c)
{
	const char *end = rest->len ? memchr(rest->s, c, rest->len) : NULL;
	struct span taken = {rest->s, end ? (size_t)(end - rest->s) : rest->len};

	rest->s += taken.len + !!end;
	rest->len -= taken.len + !!end;
	return taken;
}

static struct span trim(struct span t)
{
	while (t.len && strchr(" \t\r", t.s[t.len - 1]))
		t.len--;
	while (t.len && (*t.s == ' ' || *t.s == '\t')) {
		t.s++;
		t.len--;
	}
	return t;
}

static bool is_name(struct span name, const char *text)
{
	return name.len == strlen(text) && !strncasecmp(name.s, text, name.len);
}

static bool is_secret(struct span name)
{
	return is_name(name, "authorization") || is_name(name, "proxy-authorization") ||
	       is_name(name, "cookie") || is_name(name, "set-cookie");
}

/* Host says where to, which the URL tells as well; not when there is more in it. */
static bool is_shown(const struct pst_flow_request_opts *opts, struct span name, struct span value)
{
	if (is_secret(name))
		return false;
	for (size_t i = 0; i < opts->n_shown_headers; i++)
		if (is_name(name, opts->shown_headers[i]))
			return true;
	return is_name(name, "host") && value.len && !memchr(value.s, '@', value.len);
}

static int header_cmp(const void *a, const void *b)
{
	const struct pst_flow_header *x = a, *y = b;

	return strcasecmp(x->key, y->key);
}

/* The fields that are whole; RET_HOST is the first Host. */
static int read_headers(const struct pst_flow_request_opts *opts, struct span rest,
			struct pst_arena *a, struct pst_flow *f, struct span *ret_host)
{
	f->headers = pst_arena_calloc(a, MAX_HEADERS, sizeof(*f->headers));
	if (!f->headers)
		return -ENOMEM;
	while (rest.len && f->n_headers < MAX_HEADERS && memchr(rest.s, '\n', rest.len)) {
		struct span line = take(&rest, '\n');
		struct span name = take(&line, ':');
		struct span value = trim(line);
		struct pst_flow_header *h = &f->headers[f->n_headers];

		if (!name.len || *name.s == '\r')
			break;
		if (is_name(name, "host") && !ret_host->s)
			*ret_host = value;
		h->key = pst_arena_strndup(a, name.s, name.len);
		h->value = is_shown(opts, name, value) ? pst_arena_strndup(a, value.s, value.len)
						       : PST_FLOW_REDACTED;
		if (!h->key || !h->value)
			return -ENOMEM;
		f->n_headers++;
	}
	qsort(f->headers, f->n_headers, sizeof(*f->headers), header_cmp);
	return 0;
}

/*
 * The '@' behind the user of a target in absolute form, whose *RET_AUTHORITY he begins; NULL: there
 * is none. One in the path is the path's: what stands before it was asked for, too.
 */
static const char *find_user(struct span target, const char **ret_authority)
{
	bool is_path = !target.len || *target.s == '/';
	const char *colon = is_path ? NULL : memmem(target.s, target.len, "://", 3);
	const char *begin = colon ? colon + 3 : NULL, *slash;
	size_t n = begin ? (size_t)(target.s + target.len - begin) : 0;

	if (!n)
		return NULL;
	slash = memchr(begin, '/', n);
	*ret_authority = begin;
	return memrchr(begin, '@', slash ? (size_t)(slash - begin) : n);
}

/* Without the query, and without what stands for a user before the host. */
static const char *make_url(const struct pst_flow_request_opts *opts, struct span target,
			    struct span host, struct pst_arena *a)
{
	const char *query = target.len ? memchr(target.s, '?', target.len) : NULL;
	const char *fragment = target.len ? memchr(target.s, '#', target.len) : NULL;
	const char *at = host.len ? memrchr(host.s, '@', host.len) : NULL, *authority = NULL;

	if (fragment && (!query || fragment < query))
		query = fragment;
	if (query && !opts->show_queries)
		target.len = (size_t)(query - target.s);
	if (at && !opts->show_queries) {
		host.len -= (size_t)(at + 1 - host.s);
		host.s = at + 1;
	}
	if (host.len && target.len && *target.s == '/')
		return pst_arena_printf(a, "http://%.*s%.*s", (int)host.len, host.s,
					(int)target.len, target.s);
	at = opts->show_queries ? NULL : find_user(target, &authority);
	if (at)
		return pst_arena_printf(a, "%.*s%.*s", (int)(authority - target.s), target.s,
					(int)(target.s + target.len - at - 1), at + 1);
	return pst_arena_strndup(a, target.len ? target.s : "", target.len);
}

int pst_flow_request_read(const struct pst_flow_request_opts *opts, const char *head, size_t len,
			  struct pst_arena *a, struct pst_flow *f)
{
	struct span rest = {head, len};
	struct span line = trim(take(&rest, '\n'));
	struct span method = take(&line, ' '), target = take(&line, ' '), version = trim(line);
	struct span host = {0};
	int r = read_headers(opts, rest, a, f, &host);

	if (method.len > MAX_METHOD)
		method.len = MAX_METHOD;
	if (version.len > 8 || (version.len && strncmp(version.s, "HTTP/", 5) != 0))
		version.len = 0;
	f->method = pst_arena_strndup(a, method.len ? method.s : "", method.len);
	f->http_protocol = pst_arena_strndup(a, version.len ? version.s : "", version.len);
	f->url = make_url(opts, target, host, a);
	return r || !f->method || !f->http_protocol || !f->url ? -ENOMEM : 0;
}
