/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy document to the model.
 *
 * Mistakes inside a rule refuse that rule (cnp_rule.h) and nothing else: it stands in the model as
 * refused, and its section still puts the subject in default deny. Mistakes around the rules (the
 * name, the subject, the shape of the sections, a field that nobody knows) refuse the whole
 * document, because what it applies to or which rules it has cannot be told. Fields without bearing
 * on a verdict (description, labels, log) are reported and refuse nothing.
 */

#include "policy/fields.h"

/*
 * Reads the object N, which is CLUSTERWIDE or lives in a namespace. 0; -EINVAL when the document is
 * refused (*RET_POLICY is untouched); -ENOMEM.
 */
int pst_cnp_read(struct pst_reader *r, const struct pst_yaml_node *n, bool clusterwide,
		 struct pst_policy *ret_policy);
