// SPDX-License-Identifier: Apache-2.0
#include "compiler/byteclass.h"

void pst_byteclass_init(struct pst_byteclass *c)
{
	*c = (struct pst_byteclass){.n = 1};
}

void pst_byteclass_split(struct pst_byteclass *c, const struct pst_byteset *set)
{
	/* New number by old class and side, plus one; 0: none yet. */
	uint16_t number[PST_BYTES][2] = {0};
	uint32_t n = 0;

	for (unsigned int b = 0; b < PST_BYTES; b++) {
		uint16_t *to = &number[c->of[b]][pst_byteset_has(set, b)];

		if (!*to)
			*to = (uint16_t)++n;
		c->of[b] = (uint8_t)(*to - 1);
	}
	c->n = n;
}

struct pst_byteset pst_byteclass_inside(const struct pst_byteclass *c,
					const struct pst_byteset *set)
{
	struct pst_byteset inside = {0};

	for (unsigned int b = 0; b < PST_BYTES; b++) {
		if (pst_byteset_has(set, b))
			pst_byteset_add(&inside, c->of[b]);
	}
	return inside;
}
