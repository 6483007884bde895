/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the daemon wants to be told of by the userspace proxy: one word in memory that it shares
 * with the proxy, which looks there at each request and can change nothing. Denials are always
 * wanted. Each proxy is given the same word.
 */

#include <stdatomic.h>
#include <stdbool.h>

struct pst_wish {
	atomic_bool all; /* allowed requests and their answers, too */
};

/* A new one, to be written here: nothing is wished. RET_FD, the caller's, is what a proxy gets, and
 * no one who has it can write there. 0 or -errno. */
int pst_wish_new(struct pst_wish **ret_wish, int *ret_fd);
void pst_wish_free(const struct pst_wish **w);

/* The proxy's: FD, which stays open. 0; -EINVAL: that is none; or -errno. */
int pst_wish_adopt(int fd, const struct pst_wish **ret_wish);

/* NULL wishes nothing. */
static inline bool pst_wish_is_all(const struct pst_wish *w)
{
	return w && atomic_load_explicit(&w->all, memory_order_relaxed);
}
