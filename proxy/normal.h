/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Paths brought into normal form before they are judged, as Envoy does it: what is escaped and
 * needs not be is written plainly, a backslash is a slash, dot segments are resolved (none leads
 * above the root), then slashes that follow each other are one. The query is not touched.
 *
 * The bytes of the request line are changed where they lie, before any parser reads them: what is
 * judged is what is sent. A path that cannot be brought into normal form stays as it is, and the
 * core refuses it by name: an escape that is none, an escaped zero, a fragment, foreign bytes.
 *
 * Escaped slashes and backslashes (%2F, %5C) mean a separator to some servers and a byte of a name
 * to others, so they are not just written plainly:
 *
 *	REDIRECT	the client is sent to the plain form
 *	REJECT		they stay, and the core refuses them
 *	KEEP		they stay and are judged as they stand; but what is a dot segment to
 *			a server that decodes them is refused
 */

#include "base/vec.h"
#include "proxy/rewrite.h"

#include <stdbool.h>
#include <stddef.h>

enum pst_normal {
	PST_NORMAL_OFF,
	PST_NORMAL_REDIRECT,
	PST_NORMAL_REJECT,
	PST_NORMAL_KEEP,
};

struct pst_normal_result {
	size_t cut;    /* so many bytes have gone */
	bool redirect; /* the path had escaped slashes, which are plain now */
	bool kept;     /* it has them still, and they are to be judged */
};

/*
 * The request TARGET, LEN bytes that begin with a slash, in normal form where it stands: its length
 * is LEN - cut.
 */
struct pst_normal_result pst_normal_target(enum pst_normal mode, char *target, size_t len);

/*
 * The request line that BYTES begin with, of HTTP/1.x: what is before the target moves along, so
 * that the line begins at BYTES + cut. A line that is none, is not whole, or is longer than one
 * with the longest target stays as it is: the core refuses it. Only the bytes of the line count, so
 * that the same becomes of it however many come at once.
 */
struct pst_normal_result pst_normal_line(enum pst_normal mode, char *bytes, size_t len);

/* Is it known what becomes of the line that BYTES begin with, or are more of them needed? */
bool pst_normal_is_ready(const char *bytes, size_t len);

/*
 * The target of the request line that BYTES begin with, which the core has accepted; its length in
 * *RET_LEN.
 */
const char *pst_normal_location(const char *bytes, size_t len, size_t *ret_len);

/* Appends the answer of HTTP/1.1 that sends a client to that target. CLOSE: and ends the
 * connection. 0 or -ENOMEM. */
int pst_normal_answer(const char *bytes, size_t len, bool close, struct pst_text_vec *out);
