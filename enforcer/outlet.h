/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lines to whoever is at the other end of a descriptor, for whom nobody waits: what the reader of a
 * pipe or of a socket is too slow for is lost, as whole lines, and counted. A file or a terminal is
 * written to as it is.
 */

#include <stdint.h>
#include <stdio.h>

struct pst_outlet;

/*
 * FD is not owned. A pipe that this process may not open anew, which it needs for not waiting, is
 * written to as a file is. 0, -ENOMEM or -errno.
 */
int pst_outlet_open(int fd, struct pst_outlet **ret_outlet);

/* What does not fit now is lost. NULL is fine; *O becomes NULL. */
void pst_outlet_close(struct pst_outlet **o);

/* To be flushed behind each line. Owned by O. */
FILE *pst_outlet_file(const struct pst_outlet *o);

/* How many lines have been lost. */
uint64_t pst_outlet_lost(const struct pst_outlet *o);
