/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What one automaton takes, and whether the kernel's tables can hold it.
 */

#include "compiler/automaton.h"
#include "compiler/pack.h"

#include <stdbool.h>
#include <stdint.h>

struct pst_footprint {
	uint32_t states;	   /* with the dead state, which all automata share */
	uint32_t classes;	   /* of bytes */
	uint64_t bytes;		   /* its cells and its class map in the kernel's tables */
	bool fits_kernel;	   /* it goes into tables that hold nothing else */
	struct pst_pack_full full; /* the table that is too small; only when it does not fit */
};

/* 0 or -ENOMEM. */
int pst_footprint_measure(const struct pst_automaton *a, struct pst_footprint *ret_footprint);
