// SPDX-License-Identifier: Apache-2.0
#include "proxy/rewrite.h"

#include "compiler/head.h"
#include "policy/policy.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static int append(struct pst_text_vec *out, const char *s, size_t len)
{
	if (pst_vec_reserve(out, out->n + len))
		return -ENOMEM;
	if (len)
		memcpy(out->v + out->n, s, len);
	out->n += len;
	return 0;
}

/* The empty line at the end goes behind the new one. */
static int add_line(struct pst_text_vec *out, const struct pst_bundle_header *h)
{
	int r;

	out->n -= 2;
	r = append(out, h->name, strlen(h->name));
	if (!r)
		r = append(out, ": ", 2);
	if (!r)
		r = append(out, h->value, strlen(h->value));
	return r ? r : append(out, "\r\n\r\n", 4);
}

static void delete_lines(struct pst_text_vec *out, const char *name)
{
	size_t name_len = strlen(name), kept = 0, at = 0;

	while (at < out->n) {
		const char *line = out->v + at, *lf = memchr(line, '\n', out->n - at);
		size_t len = lf ? (size_t)(lf - line) + 1 : out->n - at;

		/* The request line has no colon where a name ends that is a token. */
		if (!at || len <= name_len || line[name_len] != ':' ||
		    strncasecmp(line, name, name_len) != 0) {
			memmove(out->v + kept, line, len);
			kept += len;
		}
		at += len;
	}
	out->n = kept;
}

static int apply(struct pst_text_vec *out, const struct pst_bundle_header *h)
{
	if (pst_head_has(out->v, out->n, h->name, h->value))
		return 0;
	switch (h->mismatch) {
	case PST_MISMATCH_DELETE:
		delete_lines(out, h->name);
		return 0;
	case PST_MISMATCH_REPLACE:
		if (h->value)
			delete_lines(out, h->name);
		return h->value ? add_line(out, h) : 0;
	case PST_MISMATCH_ADD:
		return h->value ? add_line(out, h) : 0;
	default:
		return -EINVAL;
	}
}

int pst_rewrite(const char *bytes, size_t len, const struct pst_bundle_header *const *actions,
		size_t n_actions, struct pst_text_vec *out)
{
	int r;

	out->n = 0;
	r = append(out, bytes, len);
	for (size_t i = 0; !r && i < n_actions; i++)
		r = apply(out, actions[i]);
	return r;
}
