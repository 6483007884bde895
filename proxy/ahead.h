/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A piece of text that is sent ahead of what is in a buffer. Zeroed: nothing. What a client can
 * make long, and wait, is held: counted as what the connection has.
 */

#include "proxy/purse.h"
#include "proxy/rewrite.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct pst_ahead {
	struct pst_text_vec text;
	size_t sent;
	size_t held; /* bytes that are counted */
};

static inline void pst_ahead_fini(struct pst_ahead *a, struct pst_purse *p)
{
	pst_purse_give(p, a->held);
	pst_vec_free(&a->text);
	a->sent = a->held = 0;
}

/* Counts what is there. False: there is no memory for it (pst_purse_reason()). */
static inline bool pst_ahead_hold(struct pst_ahead *a, struct pst_purse *p)
{
	if (!pst_purse_take(p, a->text.n))
		return false;
	a->held += a->text.n;
	return true;
}

static inline size_t pst_ahead_left(const struct pst_ahead *a)
{
	return a->text.n - a->sent;
}

/* Appends BYTES. False: no memory, and nothing has changed. */
static inline bool pst_ahead_put(struct pst_ahead *a, const char *bytes, size_t len)
{
	if (pst_vec_reserve(&a->text, a->text.n + len))
		return false;
	memcpy(a->text.v + a->text.n, bytes, len);
	a->text.n += len;
	return true;
}

/* N of what was left have been sent. */
static inline void pst_ahead_sent(struct pst_ahead *a, size_t n, struct pst_purse *p)
{
	a->sent += n;
	if (!pst_ahead_left(a))
		pst_ahead_fini(a, p);
}
