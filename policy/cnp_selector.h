/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Selectors of a policy: reading them, and the namespace that Cilium adds (policy-semantics 2).
 *
 * A selector is a conjunction, so what cannot be read is left out and the rest selects more, never
 * less: the right direction for the peers of a deny rule. Callers refuse the whole rule (or
 * document) anyway.
 *
 * Ids: label-invalid, label-operator, label-values, unsupported-label-source, and the warning
 * subject-namespace.
 */

#include "policy/fields.h"
#include "policy/selector.h"

/* Where the selectors of a policy live. */
struct pst_cnp_scope {
	const char *ns;		       /* of the policy; NULL: it is clusterwide */
	const char *const *ns_as_list; /* the same as the one value of a requirement */
	bool is_init; /* the subject is on reserved:init: pods that have no labels yet */
};

enum pst_cnp_selector_use {
	/*
	 * endpointSelector: in the policy's namespace, whatever it says; its own requirements on
	 * the namespace are dropped, with a warning where they mean another one.
	 */
	PST_CNP_SUBJECT,
	/*
	 * fromEndpoints, toEndpoints: in the policy's namespace, unless it names a namespace, a
	 * namespace label or a reserved label. Of a clusterwide policy: pods of any namespace,
	 * unless it names a namespace or a reserved label, or the subject is on reserved:init.
	 */
	PST_CNP_PEER,
	/* fromNodes, toNodes: labels of other nodes. */
	PST_CNP_NODE,
	/* nodeSelector, Services, groups of addresses: as it is written. */
	PST_CNP_PLAIN,
};

/*
 * Reads N as a selector for USE; SCOPE may be NULL for PST_CNP_NODE and PST_CNP_PLAIN. On -EINVAL
 * *SEL holds what could be read, and no namespace has been added: what could not be read may have
 * named another one.
 */
int pst_cnp_selector_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  const struct pst_cnp_scope *scope, enum pst_cnp_selector_use use,
			  struct pst_selector *sel);

/* Is there a key on reserved:init in the selector N, which may be NULL or anything? */
bool pst_cnp_selector_is_init(const struct pst_yaml_node *n);
