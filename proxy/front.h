/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A listening socket that several threads accept from. It is closed when the last of them lets go
 * of it: no event and no descriptor's number outlives its meaning.
 */

#include "base/vec.h"

#include <stdatomic.h>
#include <stdint.h>

struct pst_front {
	int fd;
	uint32_t place; /* whose it is, in the daemon's numbers */
	uint16_t
		port; /* its own: what was sent there was meant for nobody. 0: one server for all */
	atomic_uint refs;
};

struct pst_fronts PST_VEC(struct pst_front *);

/* FD is taken over, also when it fails: NULL. One reference is the caller's. */
struct pst_front *pst_front_new(int fd, uint32_t place, uint16_t port);
struct pst_front *pst_front_ref(struct pst_front *f);
void pst_front_unref(struct pst_front **f);
