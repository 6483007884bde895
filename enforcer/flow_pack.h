/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A flow in one piece of memory, with its texts: what is kept of it until somebody asks, and only
 * then written as JSON.
 */

#include <stddef.h>

struct pst_flow;

/* A copy of F of *RET_BYTES, to be given to free(); NULL: no memory. */
struct pst_flow *pst_flow_pack(const struct pst_flow *f, size_t *ret_bytes);
