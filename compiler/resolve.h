/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Resolution: who may talk to whom, as policy map entries.
 *
 * Identities are the distinct label sets of the inventory's endpoints, with numbers from
 * PST_ID_LOCAL on that are their labels' own (numbering.h); host and world are always there; an
 * endpoint whose only label is a reserved one (reserved:remote-node) has Cilium's number. Sets with
 * a reserved label are peers only: no policy selects them.
 *
 * For each subject and direction the rules of all specs that select the subject are matched with
 * every identity as a peer (compiler/crowd.h); peers that the same rules match share one port map
 * (compiler/row.h, compiler/portmap.h). An address that the bundle does not know is of the world.
 */

#include "compiler/bundle.h"
#include "compiler/catalog.h"
#include "compiler/compile.h"
#include "compiler/ruleset.h"

/* What resolution reads. */
struct pst_resolve_input {
	const struct pst_catalog *catalog;
	const struct pst_policy_set *policies;
	const struct pst_policy_set *also; /* see pst_compile_opts; NULL: none */
	const struct pst_inventory *inventory;
	const struct pst_addr *host_addrs;
	size_t n_host_addrs;
	struct pst_memo *memo; /* see pst_compile_opts; NULL: none */
};

/*
 * Fills identities, addrs and entries of B (in B's arena); rule sets are interned in T. 0, -ENOMEM,
 * or -E2BIG with a diagnostic when a table overflows.
 */
int pst_resolve(const struct pst_resolve_input *in, struct pst_ruleset_table *t,
		struct pst_diags *diags, struct pst_bundle *b);

/* Cilium's number of the label set when it is exactly one known reserved label, else 0. */
uint32_t pst_resolve_reserved(const struct pst_labels *labels);
