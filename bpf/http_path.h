/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Paths that one automaton cannot hold: those that run beside the one of PST_FIELD_PATH, three at
 * most (docs/decisions/0014-paths-in-several-automata.md).
 *
 * They do not move with every byte. They catch up where the driver has fed a chunk of 64 bytes,
 * which it still holds (bpf/walk.h): from where they stand to the end of the chunk or of the
 * target, at which the first automaton's row is kept. So a path that is not divided pays one test
 * per chunk. Until all are behind the target `more` is not 0, and `allow` says nothing of the
 * path: no head passes like that (bpf/ruling.h).
 */

#include "bpf/http_data.h"

/* The target begins behind h->pos. */
PST_INLINE void pst_http_paths_begin(struct pst_http *h, const struct pst_ruleset *rs)
{
	h->more = (__u8)rs->n_more_paths;
	if (!h->more)
		return;
	for (__u32 i = 0; i < PST_PATH_MORE; i++)
		h->paths.rows[i] = rs->more_path_start[i];
	h->paths.next = h->pos + 1;
	h->paths.end = 0;
}

/* The target ends before h->pos, and its own automaton at ROW. */
PST_INLINE void pst_http_paths_end(struct pst_http *h, const struct pst_table *t, __u32 row)
{
	if (!h->more) {
		pst_http_match(h, t, row);
		return;
	}
	h->paths.row = row;
	h->paths.end = h->pos;
}

/* All automata are behind the target. */
PST_INLINE void pst_http_paths_match(struct pst_http *h, const struct pst_table *t)
{
	__u64 tags = pst_dfa_tags(t, h->paths.row);

	for (__u32 i = 0; i < PST_PATH_MORE; i++)
		tags |= pst_dfa_tags(t, h->paths.rows[i]);
	h->allow &= tags;
	h->more = 0;
}

/*
 * Takes automaton I over the rest of BYTES, the chunk that pst_http_feed() has consumed since
 * h->pos was BEFORE. One at a time: for the verifier a loop in a loop would be their product.
 */
PST_SUBPROG int pst_http_path_walk(struct pst_http *h, const struct pst_table *t,
				   const struct pst_http_bytes *bytes, __u32 before, __u32 i)
{
	__u32 row, classes, first, n;

	if (!h || !t || !bytes || i >= PST_PATH_MORE)
		return -1;
	n = (h->paths.end ? h->paths.end : h->pos) - h->paths.next;
	first = h->paths.next - before;
	row = h->paths.rows[i];
	classes = pst_http_ruleset(h, t)->more_path_classes[i];
	PST_NO_UNROLL
	for (__u32 k = 0; k < PST_HTTP_CHUNK; k++) {
		const __u8 *b = (const __u8 *)bytes->words;

		if (k >= n)
			break;
		row = pst_dfa_step_flat(t, row, classes, b[(first + k) & (PST_HTTP_CHUNK - 1)]);
	}
	h->paths.rows[i] = row;
	return 0;
}

/*
 * The same for all of them; those that are not there are dead. A function of its own because the
 * driver's frame is as large as it may be.
 */
PST_SUBPROG int pst_http_paths_walk(struct pst_http *h, const struct pst_table *t,
				    const struct pst_http_bytes *bytes, __u32 before)
{
	if (!h || !t || !bytes)
		return -1;
	PST_UNROLL
	for (__u32 i = 0; i < PST_PATH_MORE; i++)
		pst_http_path_walk(h, t, bytes, before, i);
	h->paths.next = h->paths.end ? h->paths.end : h->pos;
	if (h->paths.end)
		pst_http_paths_match(h, t);
	return 0;
}
