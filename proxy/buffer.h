/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bytes on their way from one side to the other. They lie in one piece:
 *
 *	begin .. pass	judged or framed: may be sent
 *	pass .. end	received, and nobody knows yet what they are
 *
 * The memory is there only while there are bytes, and is counted: what all connections together
 * hold has a limit.
 */

#include "proxy/pages.h"
#include "proxy/scraps.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	PST_BUFFER_LITTLE = 472, /* for what is likely no more */
	PST_BUFFER_FIRST = 8 * 1024,
	PST_BUFFER_BODY = 64 * 1024, /* bodies need no more */
	PST_BUFFER_HEAD =
		160 * 1024,   /* a head or trailers at the limit, and what comes with them */
	PST_BUFFER_SIZES = 4, /* that are kept: the first one, and each twice the one before */
	PST_BUFFER_SPARES = 512,
	PST_BUFFER_LARGE_SPARES = 16, /* of each size but the first */
};

enum { PST_MEMORY_DESK = 32 * 1024 };

/*
 * What the memories of several threads hold together has a limit. Each has a part of it, takes more
 * when that is used up, and gives back what it does not need.
 */
struct pst_memory_pool {
	atomic_size_t left; /* that nobody has */
	size_t part;	    /* what is taken at a time, if there is as much */
};

void pst_memory_pool_init(struct pst_memory_pool *p, size_t limit, size_t n_memories);

/*
 * What buffers hold together. Some are kept for the next one that asks: most requests need no more
 * than the first size, and to get pages for each large body costs more than the body. Small ones
 * have pages of their own: freed among long-lived small objects they would be holes.
 */
struct pst_memory {
	size_t used, limit;
	/* Where bytes of HTTP/2 lie while its session reads them: it leaves none. */
	char desk[PST_MEMORY_DESK];
	struct pst_memory_pool *pool; /* where the limit is raised; NULL: nowhere */
	struct pst_memory_spares {
		char *v[PST_BUFFER_SPARES];
		size_t n;
	} spares[PST_BUFFER_SIZES]; /* not counted */
	struct pst_pages pages;	    /* of what sessions of HTTP/2 hold also when nothing happens */
	struct pst_scraps scraps;   /* of what they hold meanwhile; kept ones are not counted */
};

/* May MORE bytes be used? Raises the limit for them, if it must and the pool lets it. */
bool pst_memory_fits(struct pst_memory *m, size_t more);

/* Gives back to the pool what is far more than is used. */
void pst_memory_settle(struct pst_memory *m);

/* Gives back what is kept for the next one. */
void pst_memory_trim(struct pst_memory *m);

/* Gives back everything; buffers must be gone. */
void pst_memory_fini(struct pst_memory *m);

struct pst_purse;

struct pst_buffer {
	char *v;
	size_t begin, pass, end, cap;
	bool filled; /* what came filled it: there may be more */
};

/*
 * Makes room behind the bytes, growing up to LIMIT. How many bytes fit there: 0 when the limit is
 * reached, or with *RET_FAILED when there is no memory, or none left of P (proxy/purse.h).
 */
size_t pst_buffer_room(struct pst_buffer *b, size_t limit, struct pst_purse *p, bool *ret_failed);

/* LEN bytes come first, and may be all. False: there is no memory. */
bool pst_buffer_begin(struct pst_buffer *b, size_t len, struct pst_purse *p);

/* Puts BYTES behind the others, where they may be sent. False: as above, and nothing has changed.
 */
bool pst_buffer_append(struct pst_buffer *b, const char *bytes, size_t len, size_t limit,
		       struct pst_purse *p);

/* The first N bytes are sent. */
void pst_buffer_sent(struct pst_buffer *b, size_t n);

/* Gives the memory back when there are no bytes. */
void pst_buffer_trim(struct pst_buffer *b, struct pst_purse *p);

void pst_buffer_fini(struct pst_buffer *b, struct pst_purse *p);

static inline size_t pst_buffer_passed(const struct pst_buffer *b)
{
	return b->pass - b->begin;
}

static inline size_t pst_buffer_unknown(const struct pst_buffer *b)
{
	return b->end - b->pass;
}
