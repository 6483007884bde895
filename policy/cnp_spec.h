/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * spec, or one element of specs: the subject, the sections, and what goes with them.
 *
 * Mistakes inside a rule refuse that rule (cnp_rule.h) and nothing else. Fields without bearing on
 * a verdict (description, labels, log) are reported and refuse nothing.
 *
 * A spec of a CiliumClusterwideNetworkPolicy has either an endpointSelector or a nodeSelector, one
 * of a CiliumNetworkPolicy the former. A policy for nodes is reported as unsupported-host-policy;
 * for those who enforce the document is refused then, since its subject is no pod and its rules
 * must not be applied to pods.
 *
 * Ids: subject-missing, subject-both, node-selector, no-sections, log-invalid,
 * unsupported-host-policy; and those of the parts.
 */

#include "policy/cnp_selector.h"
#include "policy/fields.h"

/* Reads N; PATH says where it stands ("spec", "specs[0]") and is kept. */
int pst_cnp_spec_read(struct pst_reader *r, const struct pst_yaml_node *n, const char *ns,
		      const char *path, struct pst_spec *spec);
