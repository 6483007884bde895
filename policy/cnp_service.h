/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One element of toServices: k8sService {serviceName, namespace} or k8sServiceSelector {selector,
 * namespace}.
 *
 * Cilium's schema lets both stand in one element and lets a name be absent; what that selects is
 * written nowhere, so it is refused here: service-both, service-none, missing-field.
 */

#include "policy/fields.h"

int pst_cnp_service_read(struct pst_reader *r, const struct pst_yaml_node *n,
			 struct pst_service_peer *peer);
