/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the userspace proxy has counted, in memory that it shares with the daemon: a row for each of
 * its threads, which writes its own row and no other, so that counting costs no locked operation.
 *
 * Each proxy gets a tally of its own, all zeros, and the daemon adds up what those before it have
 * left. The daemon cannot write there, and the size is sealed: a proxy that strangers have taken
 * over can lie about its numbers and nothing else. Whatever is in the memory is only added up.
 */

#include "bpf/reason.h"

#include <stdatomic.h>
#include <stdint.h>

/* The sides of the proxy: of its clients, and of servers. */
enum { PST_TALLY_LEGS = 2 };

enum pst_tally_protocol {
	PST_TALLY_HTTP1,
	PST_TALLY_HTTP2,
	PST_TALLY_PROTOCOLS,
};

/* Why a server could not be asked, or did not answer. */
enum pst_tally_failure {
	PST_TALLY_CONNECT, /* refused, unreachable, or there is no way */
	PST_TALLY_LATE,	   /* it did not take the connection in time */
	PST_TALLY_RESET,   /* it broke off */
	PST_TALLY_FAILURES,
};

/* What is counted; some are the first of several. */
enum pst_tally_what {
	PST_TALLY_OPENED, /* connections, + leg */
	PST_TALLY_CLOSED = PST_TALLY_OPENED + PST_TALLY_LEGS,
	PST_TALLY_RECEIVED = PST_TALLY_CLOSED + PST_TALLY_LEGS, /* bytes, + leg */
	PST_TALLY_SENT = PST_TALLY_RECEIVED + PST_TALLY_LEGS,
	PST_TALLY_FAILED = PST_TALLY_SENT + PST_TALLY_LEGS, /* + failure */
	PST_TALLY_IDLE = PST_TALLY_FAILED + PST_TALLY_FAILURES,
	PST_TALLY_STREAMS, /* begun, of HTTP/2 */
	PST_TALLY_STREAMS_OVER,
	PST_TALLY_LOST_EVENTS,
	PST_TALLY_REFUSED, /* connections, + reason: at accept, or by a new policy */
	/* Requests, and what ends a connection in the middle of one, + protocol and reason. */
	PST_TALLY_DECIDED = PST_TALLY_REFUSED + PST_REASON_MAX,
	/* Connections of policies in audit, + reason of the denial that was none. */
	PST_TALLY_AUDITED = PST_TALLY_DECIDED + PST_TALLY_PROTOCOLS * PST_REASON_MAX,
	PST_TALLY_MAX = PST_TALLY_AUDITED + PST_REASON_MAX,
};

enum { PST_TALLY_ROWS = 64 };

/* Whole cache lines. */
struct pst_tally_row {
	atomic_uint_least64_t n[(PST_TALLY_MAX + 7) / 8 * 8];
};

struct pst_tally {
	struct pst_tally_row rows[PST_TALLY_ROWS];
};

/* What all proxies of this daemon have counted. */
struct pst_tally_sums {
	uint64_t n[PST_TALLY_MAX];
};

static inline unsigned int pst_tally_decided(enum pst_tally_protocol protocol,
					     enum pst_reason reason)
{
	return PST_TALLY_DECIDED + (unsigned int)protocol * PST_REASON_MAX + (unsigned int)reason;
}

/* For the one thread whose row it is; NULL is nobody's. */
static inline void pst_tally_add(struct pst_tally_row *row, unsigned int what, uint64_t n)
{
	if (row)
		atomic_store_explicit(&row->n[what],
				      atomic_load_explicit(&row->n[what], memory_order_relaxed) + n,
				      memory_order_relaxed);
}

/* A new one, to be read here; RET_FD, the caller's, is what the proxy gets. 0 or -errno. */
int pst_tally_new(const struct pst_tally **ret_tally, int *ret_fd);
void pst_tally_free(const struct pst_tally **t);

/* The proxy's: FD, which stays open. 0; -EINVAL: that is not one of this version's; or -errno. */
int pst_tally_adopt(int fd, struct pst_tally **ret_tally);

/* Adds what is in all rows; T may be NULL. */
void pst_tally_sum(const struct pst_tally *t, struct pst_tally_sums *sums);

/* The proxy has ended: nothing of it is open any more. */
void pst_tally_end(struct pst_tally_sums *sums);
