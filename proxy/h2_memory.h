/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The memory of nghttp2's sessions, counted with the buffers of all connections (proxy/buffer.h):
 * whatever a peer makes nghttp2 remember has a limit, of each connection and of all.
 *
 * The limit is looked at between calls of nghttp2's, never inside of one: nghttp2 1.52 frees an
 * item twice where an allocation fails, which a client must not be able to arrange. What one call
 * may take is bounded by what it is given to read. For the same cause a process that gets no memory
 * here at all ends.
 */

#include "proxy/buffer.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

enum { PST_H2_MEMORY = 2 * 1024 * 1024 }; /* of one connection: both of its sessions */

/* Must not move while sessions use it. */
struct pst_h2_memory {
	struct pst_memory *all;
	size_t used;
	nghttp2_mem mem; /* to be given to nghttp2 */
};

void pst_h2_memory_init(struct pst_h2_memory *m, struct pst_memory *all);

/* Is there more than there may be? */
bool pst_h2_memory_is_over(const struct pst_h2_memory *m);
