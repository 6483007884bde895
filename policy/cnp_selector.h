/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Selectors of a CiliumNetworkPolicy: reading them, and the namespace that Cilium adds
 * (policy-semantics 2).
 *
 * A selector is a conjunction, so what cannot be read is left out and the rest selects more, never
 * less: the right direction for the peers of a deny rule. Callers refuse the whole rule (or
 * document) anyway.
 */

#include "policy/fields.h"
#include "policy/selector.h"

/* Reads N; on -EINVAL *SEL holds what could be read. */
int pst_cnp_selector_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  struct pst_selector *sel);

/*
 * A subject lives in the policy's namespace NS, whatever it says: its own requirements on the
 * namespace are dropped, with a warning where they mean another one. 0 or -ENOMEM.
 */
int pst_cnp_selector_scope_subject(struct pst_reader *r, const char *ns, struct pst_selector *sel);

/* A peer lives in NS unless it names a namespace, a namespace label or a reserved label. 0 or
 * -ENOMEM. */
int pst_cnp_selector_scope_peer(struct pst_reader *r, const char *ns, struct pst_selector *sel);
