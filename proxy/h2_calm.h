/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How much a client may do that makes work and asks for nothing.
 *
 * Frames of that kind take from an account, which time fills again, and so do bytes of bodies that
 * move: a client that reads much sends many window updates, and one that talks much has much to
 * ping about.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	PST_H2_CALM_MOST = 1000,  /* on the account */
	PST_H2_CALM_SECOND = 100, /* what a second adds */
	PST_H2_CALM_MOVED = 4,	  /* what a frame of data that moved adds */
};

struct pst_h2_calm {
	uint32_t left;
	uint64_t since_ms;
};

void pst_h2_calm_init(struct pst_h2_calm *c);

/* Takes N away. False: there is not as much. */
bool pst_h2_calm_take(struct pst_h2_calm *c, uint32_t n);

/* Something useful was done. */
void pst_h2_calm_earn(struct pst_h2_calm *c);
