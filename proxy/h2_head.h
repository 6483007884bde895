/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A block of HTTP/2 header fields on its way to the text that the core reads, and back.
 *
 * A request becomes the HTTP/1.1 head that says the same: its line from :method and :path, Host
 * from :authority, then the other fields in their order, the crumbs of Cookie joined (RFC 9113
 * section 8.2.3). So one core, one set of tables and one list of reasons judge all versions of
 * HTTP, and what rules do to headers is done to this text.
 *
 * A field that could not stand in such a head as one line, or that RFC 9113 sections 8.2 and 8.3
 * forbid, makes the block one that is denied; nghttp2 has refused most of them before. Nothing is
 * stored behind the limits of the core.
 */

#include "bpf/reason.h"
#include "proxy/rewrite.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pst_h2_part {
	PST_H2_METHOD,
	PST_H2_SCHEME,
	PST_H2_AUTHORITY,
	PST_H2_PATH,
	PST_H2_STATUS,
	PST_H2_PARTS,
};

struct pst_h2_head {
	struct pst_text_vec part[PST_H2_PARTS]; /* empty: it did not come */
	struct pst_text_vec lines;		/* "name: value\r\n" each */
	struct pst_text_vec cookie;		/* joined */
	struct pst_text_vec hidden;		/* names that are never indexed, each with a NUL */
	enum pst_reason reason; /* the first cause to deny it; NONE: there is none */
	bool trailers;		/* pseudo-header fields are refused */
	bool came[PST_H2_PARTS];
	bool has_host;	/* in the lines */
	size_t offered; /* bytes of names and values, also of those that were not stored */
	size_t n_offered;
};

/* A field as it came. HIDDEN: its sender wants it never to be indexed. */
struct pst_h2_field {
	const char *name, *value;
	size_t name_len, value_len;
	bool hidden;
};

/* Forgets everything; large buffers are given back. */
void pst_h2_head_clear(struct pst_h2_head *h);
void pst_h2_head_free(struct pst_h2_head *h);

/* Bytes of memory that it has. */
size_t pst_h2_head_size(const struct pst_h2_head *h);

/* The next field; what is wrong with it is in `reason` then. 0 or -ENOMEM. */
int pst_h2_head_add(struct pst_h2_head *h, const struct pst_h2_field *f);

/* The request as the head of HTTP/1.1, in OUT, which is cleared first. 0 or -ENOMEM. */
int pst_h2_head_request(const struct pst_h2_head *h, struct pst_text_vec *out);

/* The fields of a response, or trailers: lines alone. */

struct pst_h2_fields PST_VEC(nghttp2_nv);

/* Appends a field; NAME and VALUE are borrowed. 0 or -ENOMEM. */
int pst_h2_fields_add(struct pst_h2_fields *out, const struct pst_h2_field *f);

/*
 * Appends the LINES, whose names become small letters in place; HIDDEN as above. 0; -ENOMEM;
 * -EINVAL when one is none, or is forbidden in HTTP/2. Host is left out.
 */
int pst_h2_fields_lines(struct pst_h2_fields *out, char *lines, size_t len,
			const struct pst_text_vec *hidden);

/*
 * Appends the request that TEXT says, the head of HTTP/1.1 that the core has accepted, with SCHEME.
 * As above.
 */
int pst_h2_fields_request(struct pst_h2_fields *out, struct pst_text_vec *text,
			  const struct pst_h2_head *from);

/* Appends LEN bytes. 0 or -ENOMEM. */
int pst_text_append(struct pst_text_vec *out, const char *s, size_t len);
