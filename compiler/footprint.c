// SPDX-License-Identifier: Apache-2.0
#include "compiler/footprint.h"

#include <errno.h>

#include "compiler/rowset.h"

static int count_cells(const struct pst_automaton *a, uint64_t *ret_cells)
{
	struct pst_rowset rows;
	struct pst_row row;
	int r = pst_rowset_init(&rows, a);

	if (r)
		return r;
	*ret_cells = 0;
	for (uint32_t s = 1; s < a->n_states; s++) {
		pst_rowset_row(&rows, s, &row);
		*ret_cells += row.n;
	}
	pst_rowset_fini(&rows);
	return 0;
}

int pst_footprint_measure(const struct pst_automaton *a, struct pst_footprint *ret_footprint)
{
	struct pst_footprint f = {.states = a->n_states, .classes = a->n_classes};
	struct pst_packer packer;
	struct pst_packed packed;
	uint64_t cells = (uint64_t)(a->n_states - 1) * a->n_classes;
	int r = pst_packer_init(&packer);

	if (r)
		return r;
	r = pst_packer_add(&packer, a, &packed, &f.full);
	pst_packer_fini(&packer);
	if (r && r != -E2BIG)
		return r;
	f.fits_kernel = !r;
	/* What a row takes is known as long as a column can name each class. */
	r = a->n_classes <= PST_PACK_MAX_CLASSES ? count_cells(a, &cells) : 0;
	if (r)
		return r;
	f.bytes = cells * sizeof(uint32_t) + PST_PACK_MAP_BYTES;
	*ret_footprint = f;
	return 0;
}
