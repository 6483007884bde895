// SPDX-License-Identifier: Apache-2.0
#include "cli/request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool ends_line(const char *s)
{
	return s && strpbrk(s, "\r\n");
}

static const char *refuse(const struct pst_request_parts *r)
{
	if (ends_line(r->method) || ends_line(r->path) || ends_line(r->host))
		return "method, path and host cannot contain CR or LF: use --raw";
	for (size_t i = 0; i < r->fields->n; i++) {
		const char *field = r->fields->v[i];

		if (ends_line(field))
			return "a header cannot contain CR or LF: use --raw";
		if (!strchr(field, ':'))
			return "expected a header like 'Name: value': there is no colon";
	}
	return NULL;
}

static bool has_host(const struct pst_request_parts *r)
{
	for (size_t i = 0; i < r->fields->n; i++) {
		if (!strncasecmp(r->fields->v[i], "host:", 5))
			return true;
	}
	return r->host;
}

int pst_request_write(const struct pst_request_parts *r, char **ret_bytes, size_t *ret_len,
		      const char **ret_why)
{
	const char *why = refuse(r);
	char *bytes = NULL;
	size_t len = 0;
	FILE *out;

	if (why) {
		*ret_why = why;
		return -EINVAL;
	}
	out = open_memstream(&bytes, &len);
	if (!out)
		return -ENOMEM;
	fprintf(out, "%s %s HTTP/1.%d\r\n", r->method ? r->method : "GET", r->path ? r->path : "/",
		has_host(r) ? 1 : 0);
	if (r->host)
		fprintf(out, "Host: %s\r\n", r->host);
	for (size_t i = 0; i < r->fields->n; i++)
		fprintf(out, "%s\r\n", r->fields->v[i]);
	fputs("\r\n", out);
	if (fclose(out)) {
		free(bytes);
		return -ENOMEM;
	}
	*ret_bytes = bytes;
	*ret_len = len;
	return 0;
}
