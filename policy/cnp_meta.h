/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The metadata of a policy: its name and where it lives; labels and annotations are checked as the
 * API server does, the rest is Kubernetes' own.
 *
 * The annotation postern.io/audit is exactly "true", or the policy is in force.
 *
 * Ids: name-invalid, label-invalid, type-mismatch, missing-field; the warning
 * clusterwide-namespace.
 */

#include "policy/fields.h"

struct pst_cnp_meta {
	bool clusterwide;	  /* in: the kind has no namespaces */
	struct pst_text name, ns; /* ns.s NULL: none, or an empty one */
	bool audit;		  /* annotation postern.io/audit: "true" */
};

/* Reads metadata N. */
int pst_cnp_meta_read(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_cnp_meta *meta);
