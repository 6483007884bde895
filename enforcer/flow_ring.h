/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The last flows, for whoever asks later: only then they become lines of JSON, since nobody may
 * ask for them. A record has a number; the oldest go when there are too many or too many bytes of
 * them. A reader keeps the number that he wants next, so that nobody waits for him: what has gone
 * before he came is what he has lost.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pst_flow;
struct pst_flow_ring;

enum {
	PST_FLOW_RING = 4095, /* records, as hubble keeps them */
	PST_FLOW_RING_BYTES = 16 << 20,
};

/* 0 or -ENOMEM. */
int pst_flow_ring_new(size_t max_records, size_t max_bytes, struct pst_flow_ring **ret_ring);

/* NULL is fine; *R becomes NULL. */
void pst_flow_ring_free(struct pst_flow_ring **r);

/* Adds a copy of F. Without memory for it the record is lost: its number has no line. */
void pst_flow_ring_add(struct pst_flow_ring *r, const struct pst_flow *f);

/* The same of a record that is no flow: LINE, LEN bytes with the line end. */
void pst_flow_ring_add_line(struct pst_flow_ring *r, const char *line, size_t len);

/* The number of the oldest record that is there, and of the one that will come next: equal when
 * there is none. */
uint64_t pst_flow_ring_first(const struct pst_flow_ring *r);
uint64_t pst_flow_ring_next(const struct pst_flow_ring *r);

/* False: record NUMBER is lost, or there is none. */
bool pst_flow_ring_has(const struct pst_flow_ring *r, uint64_t number);

/* Writes record NUMBER, if there is one, as a line. 0 or -EIO. */
int pst_flow_ring_write(const struct pst_flow_ring *r, uint64_t number, FILE *out);
