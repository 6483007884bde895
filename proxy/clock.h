/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Deadlines of connections. All deadlines of one kind are equally far away, so each kind is a list
 * in the order of time: to set one is to go to the end of the list.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pst_wait {
	PST_WAIT_NONE,
	PST_WAIT_CONNECT, /* for the server to accept */
	PST_WAIT_HEAD,	  /* for the rest of a head */
	PST_WAIT_IDLE,	  /* for anything */
	PST_WAIT_REST,	  /* for anything, soon: else memory is given back */
	PST_WAIT_LINGER,  /* for the client to read the last answer */
	PST_WAIT_MAX,
};

struct pst_timer {
	struct pst_timer *prev, *next;
	enum pst_wait wait;
	uint64_t at_ms;
};

struct pst_clock {
	uint64_t now_ms;
	uint32_t after_ms[PST_WAIT_MAX];
	struct pst_timer lists[PST_WAIT_MAX];
};

/* The lists are empty; NOW is read. C must not move. */
void pst_clock_init(struct pst_clock *c);

void pst_clock_read(struct pst_clock *c);

/* T waits for something from now on. What is more than a sign of life it may be waiting for
 * already: then since then. */
void pst_clock_set(struct pst_clock *c, struct pst_timer *t, enum pst_wait wait);

/* Milliseconds to the next deadline; -1: there is none. */
int pst_clock_next(const struct pst_clock *c);

/* A timer whose deadline is over, or NULL. It is waiting still: set it, or it comes again. */
struct pst_timer *pst_clock_due(struct pst_clock *c);
