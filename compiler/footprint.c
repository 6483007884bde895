// SPDX-License-Identifier: Apache-2.0
#include "compiler/footprint.h"

#include <errno.h>

#include "compiler/pack.h"

int pst_footprint_measure(const struct pst_automaton *a, struct pst_footprint *ret_footprint)
{
	const uint64_t row = (1 + (uint64_t)a->n_classes) * sizeof(uint32_t);
	struct pst_packer packer;
	struct pst_packed packed;
	struct pst_pack_full full;
	int r = pst_packer_init(&packer);

	if (r)
		return r;
	r = pst_packer_add(&packer, a, &packed, &full);
	pst_packer_fini(&packer);
	if (r && r != -E2BIG)
		return r;
	*ret_footprint = (struct pst_footprint){
		.states = a->n_states,
		.classes = a->n_classes,
		.bytes = (a->n_states - 1) * row + PST_PACK_MAP_BYTES,
		.fits_kernel = !r,
	};
	return 0;
}
