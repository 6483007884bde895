/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The 403 as bytes: what an operator configured, checked, and laid out once at start. The daemon
 * sends it in the server's name and closes; the courtesy program in the kernel hands it to a local
 * sender, whose connection stays.
 *
 * What frames the response is ours alone: a configured header that would reframe it is refused.
 */

#include <stdbool.h>
#include <stddef.h>

enum {
	PST_REPLY_MAX = 1024, /* head and body: fits a segment whose path is IPv6's narrowest */
	PST_REPLY_BODY_MAX = 512,
	PST_REPLY_HEADERS = 8,
};

/* All strings are borrowed. */
struct pst_reply_opts {
	const char *content_type;		/* NULL: text/plain */
	const char *body;			/* NULL: "Access denied\r\n" */
	const char *headers[PST_REPLY_HEADERS]; /* "Name: value" each */
	size_t n_headers;
};

struct pst_reply {
	char bytes[PST_REPLY_MAX];
	size_t head_len; /* the answer to a HEAD */
	size_t len;
};

/*
 * Why TEXT cannot be a configured header ("Name: value"), or NULL when it can. Refused are names
 * that are no tokens or that frame the response or rule the connection, and control bytes.
 */
const char *pst_reply_header_error(const char *text);

/* The same for a content type: a field value. */
const char *pst_reply_content_type_error(const char *text);

/* CLOSE: with "connection: close". 0, -EINVAL (something is refused), -EMSGSIZE (too long). */
int pst_reply_make(const struct pst_reply_opts *opts, bool close, struct pst_reply *ret_reply);
