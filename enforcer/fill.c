// SPDX-License-Identifier: Apache-2.0
#include "enforcer/fill.h"

#include "bpf/abi.h"
#include "compiler/bundle.h"
#include "enforcer/generation.h"
#include "enforcer/hostaddr.h"

void pst_fill_read(const struct pst_generations *gens, const struct pst_hostaddr *host,
		   struct pst_fill ret_fill[PST_FILL_MAX])
{
	uint32_t current = gens ? pst_generations_current(gens) : 0;
	struct pst_fill fill[PST_FILL_MAX] = {
		[PST_FILL_ADDRS] = {"pst_addrs", 0, PST_GEN_SLOTS * PST_ADDR_ENTRIES},
		[PST_FILL_POLICIES] = {"pst_policies", 0, PST_GEN_SLOTS * PST_POLICY_ENTRIES},
		[PST_FILL_CELLS] = {"cells", 0, PST_CELLS},
		[PST_FILL_CLASSES] = {"classes", 0, PST_CLASS_BYTES},
		[PST_FILL_TAGS] = {"tags", 0, PST_TAGS},
		[PST_FILL_RULESETS] = {"rulesets", 0, PST_RULESETS},
	};
	const struct pst_bundle *b;
	size_t n_host = 0;

	if (host)
		pst_hostaddr_list(host, &n_host);
	for (uint32_t back = 0; back < PST_GEN_SLOTS && back < current; back++) {
		b = pst_generations_bundle(gens, current - back);
		if (!b)
			continue;
		fill[PST_FILL_ADDRS].used += b->n_addrs + n_host;
		fill[PST_FILL_POLICIES].used += b->n_entries;
	}
	b = gens ? pst_generations_bundle(gens, current) : NULL;
	if (b) {
		fill[PST_FILL_CELLS].used = b->n_cells;
		fill[PST_FILL_CLASSES].used = b->n_class_bytes;
		fill[PST_FILL_TAGS].used = b->n_tags;
		fill[PST_FILL_RULESETS].used = b->n_rulesets;
	}
	for (size_t i = 0; i < PST_FILL_MAX; i++)
		ret_fill[i] = fill[i];
}
