/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of a request head that policies speak about, as spans of its bytes.
 *
 * Only for a head that the shared core has accepted: there the request line has exactly two spaces,
 * each line ends with CRLF, and there is at most one Host. The core itself never needs the spans;
 * naming the rule that matched does.
 */

#include "bpf/abi.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_span {
	const char *s; /* NULL: the head does not have it */
	size_t len;
};

struct pst_head {
	struct pst_span field[PST_FIELD_MAX];
	const char *bytes; /* all of it */
	size_t len;
};

void pst_head_split(const char *bytes, size_t len, struct pst_head *ret_head);

/*
 * Whether the field NAME (any case) is in the head at all (VALUE NULL), or its lines, trimmed and
 * joined with ',', are VALUE.
 */
bool pst_head_has(const char *bytes, size_t len, const char *name, const char *value);
