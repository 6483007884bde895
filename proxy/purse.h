/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The bytes that one connection holds. They are its thread's (proxy/buffer.h), and its workload's
 * (proxy/share.h), which has them by whole pages: nghttp2 takes and gives many small pieces, and
 * each of them would be a word that all threads write.
 */

#include "bpf/reason.h"
#include "proxy/buffer.h"
#include "proxy/share.h"

enum { PST_PURSE_PAGE = 4096 };

/* Of one thread. */
struct pst_purse {
	struct pst_memory *all;
	struct pst_share *share; /* NULL: nobody has a share */
	size_t used;
	size_t paid;	 /* of the share: the pages of what is used */
	bool share_less; /* what was refused last the share has not; all together might */
};

/* N more bytes are held. False: there are not as many. */
bool pst_purse_take(struct pst_purse *p, size_t n);

/* The same for what is held already, by nghttp2: there may be too many then. */
void pst_purse_count(struct pst_purse *p, size_t n);
bool pst_purse_is_over(struct pst_purse *p);

/* N fewer. */
void pst_purse_give(struct pst_purse *p, size_t n);

/* Whose limit it was, when there were not as many, or too many. */
static inline enum pst_reason pst_purse_reason(const struct pst_purse *p)
{
	return p->share_less ? PST_REASON_WORKLOAD_LIMIT : PST_REASON_PROXY_LIMIT;
}
