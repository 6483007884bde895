// SPDX-License-Identifier: Apache-2.0
#include "compiler/pathsplit.h"

#include <stdbool.h>
#include <string.h>

/* Does something that repeats stand before the end? Escapes and classes may deceive it. */
static bool runs_on(const struct pst_pattern *p)
{
	for (size_t i = 0; i + 1 < p->len; i++) {
		if (memchr("*+{", p->re[i], 3) && (!i || p->re[i - 1] != '\\'))
			return true;
	}
	return false;
}

unsigned pst_pathsplit_plan(unsigned plan, const struct pst_pattern *patterns, size_t n,
			    uint8_t *ret_part)
{
	unsigned parts = 2 + plan / 2, first = plan % 2;
	size_t dealt = 0;

	for (size_t i = 0; i < n; i++) {
		ret_part[i] = 0;
		if (runs_on(&patterns[i]))
			ret_part[i] = (uint8_t)(first + dealt++ % (parts - first));
	}
	if (dealt < parts - first || (first && dealt == n))
		return 0;
	return parts;
}
