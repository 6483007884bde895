/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What another process of ours writes to its stderr, told by this one.
 *
 * A process that reads what strangers wrote may be taken over, and could then forge lines of the
 * log: of the daemon, or of the past. So its stderr is a pipe, and each line of it is logged with
 * the name of who said it in front, its control bytes escaped. Who says too much is not listened
 * to: what is above PST_SAID_RATE lines a second is counted, and the number is told.
 */

#include "enforcer/bucket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PST_SAID_LINE = 1024,  /* bytes; what is longer is told in pieces, each a line */
	PST_SAID_RATE = 100,   /* lines a second, in the long run */
	PST_SAID_BURST = 5000, /* at once: each policy of a node can have a mistake */
};

struct pst_said {
	const char *who;
	int fd; /* the pipe; -1: none */
	size_t n;
	char line[PST_SAID_LINE + 1];
	struct pst_bucket bucket;
	uint64_t lost;	    /* lines that were not told */
	uint64_t lost_told; /* of them, those whose number was */
};

/* WHO (static) is put before each line. */
void pst_said_init(struct pst_said *s, const char *who);

/* From now on FD, the reading end of a pipe, is listened to, and owned. */
void pst_said_take(struct pst_said *s, int fd);

/* Tells what is there and never waits. At the end of the pipe it is closed, and FD is -1. */
void pst_said_read(struct pst_said *s);

/* Tells what is there, also half a line, and closes the pipe. */
void pst_said_end(struct pst_said *s);
