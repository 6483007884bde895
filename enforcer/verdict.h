/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the userspace proxy tells the daemon of a verdict, or of the answer to a request: a record,
 * with the head's bytes behind it, through a pipe that waits for nobody. A record is written as a
 * whole or not at all; what the pipe has no room for is lost, and counted (PST_TALLY_LOST_EVENTS).
 *
 * Who writes reads what strangers send and may have been taken over, so nothing in a record is
 * believed because it is there: pst_verdict_flaw() looks at its form, enforcer/judged.h at what it
 * says.
 */

#include "bpf/abi.h"
#include "bpf/reason.h"

#include <stddef.h>
#include <stdint.h>

enum { PST_VERDICT_WISHES = 8, PST_VERDICT_PIPE = 1 << 20 /* bytes that the pipe shall hold */ };

/* A header that rule RULE, which matches, wants (compiler/header.h), and the request has not so. */
struct pst_verdict_wish {
	uint32_t rule;
	uint16_t header; /* which of the rule's */
	uint16_t is_missing;
};

/* The numbers of rules and rule sets are those of the policy's bundle. */
struct pst_verdict_record {
	uint32_t size;	  /* of all, with the head */
	uint32_t policy;  /* by which it was judged: the ID that it came with (enforcer/wire.h) */
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t connection; /* a number of its own; 0: the record is of no request (L3L4) */
	uint32_t ruleset;    /* UINT32_MAX: none */
	uint32_t rule; /* that decided: of HTTP, or for L3L4; UINT32_MAX: none, or not asked for */
	uint32_t number;		   /* of the request on its connection */
	uint32_t latency_us;		   /* of an answer; 0: not known */
	uint16_t status;		   /* likewise */
	uint16_t head_len;		   /* at most PST_EVENT_HEAD */
	uint16_t client_port, server_port; /* 0: that end is not known (L3L4) */
	uint8_t client[16], server[16];
	uint8_t layer;	   /* enum pst_layer */
	uint8_t direction; /* enum pst_dir */
	uint8_t outcome;   /* enum pst_outcome; AUDITED: a connection (L3L4) that passes */
	uint8_t reason;	   /* enum pst_reason */
	uint8_t is_h2;
	uint8_t n_wishes; /* of an allowed request */
	uint8_t pad[10];
	struct pst_verdict_wish wishes[PST_VERDICT_WISHES];
};
_Static_assert(sizeof(struct pst_verdict_record) == 160, "no hidden padding");

struct pst_verdict_told {
	struct pst_verdict_record r;
	uint8_t head[PST_EVENT_HEAD];
};

/* Fills in the size and writes it: 0; -EAGAIN: there is no room; -errno. */
int pst_verdict_write(int fd, struct pst_verdict_told *v);

/* What is wrong with the form of V, whose size has been found to be what is there; NULL: nothing.
 */
const char *pst_verdict_flaw(const struct pst_verdict_record *v);
