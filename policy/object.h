/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Kubernetes objects in YAML documents: what every kind has in common.
 *
 * An object is a mapping with apiVersion and kind. A List is unrolled. Documents without content (a
 * stray "---") are passed over; anything else that is no object is refused: missing-field,
 * type-mismatch, not-an-object; a text without any document is refused as empty-file. A Helm
 * template is refused as a whole, with one diagnostic (policy/helm.h).
 *
 * A linter is given whole repositories. With skip_foreign a document that is no object is refused
 * only when something at its top says that a policy was meant (a value that begins with
 * "cilium.io/" or "Cilium"); any other is handed on as an object without kind.
 */

#include "policy/fields.h"

struct pst_object {
	const char *api_version; /* "" when it is no object */
	const char *kind;	 /* "" when it is no object */
	const struct pst_yaml_node *node;
};

/* Takes one object: 0, -EINVAL (with diagnostics; the next object comes nevertheless), or another
 * errno to stop. */
typedef int (*pst_object_take)(void *ctx, const struct pst_object *object);

/*
 * Parses IN and hands each object to TAKE. IN's name must live as long as what TAKE keeps
 * (diagnostics and places point to it); the nodes live as long as the call of TAKE.
 *
 * 0; -EINVAL when anything was refused (a template too, whatever the severity of its diagnostic);
 * -ENOMEM; or what TAKE has stopped with.
 */
int pst_objects_each(struct pst_diags *diags, const struct pst_yaml_input *in, pst_object_take take,
		     void *ctx);
