// SPDX-License-Identifier: Apache-2.0
#include "enforcer/identity.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "compiler/bundle.h"

enum { LABEL_TEXT = 1024 }; /* a key of 253 + 1 + 63 and a value of 63 fit well */

static int id_cmp(const void *key, const void *element)
{
	uint32_t a = *(const uint32_t *)key;
	uint32_t b = ((const struct pst_bundle_identity *)element)->id;

	return (a > b) - (a < b);
}

const struct pst_labels *pst_identity_labels(const struct pst_bundle *b, uint32_t id)
{
	const struct pst_bundle_identity *found =
		b && b->n_identities ? bsearch(&id, b->identities, b->n_identities,
					       sizeof(*b->identities), id_cmp)
				     : NULL;

	return found ? &found->labels : NULL;
}

const char *pst_identity_label_text(const struct pst_label *l, char *buf, size_t size)
{
	snprintf(buf, size, "%s:%s%s%s", l->source, l->key, *l->value ? "=" : "", l->value);
	return buf;
}

void pst_identity_write_labels(struct pst_json *j, const char *key, const struct pst_bundle *b,
			       uint32_t id)
{
	const struct pst_labels *labels = pst_identity_labels(b, id);
	char text[LABEL_TEXT];

	pst_json_array(j, key);
	for (size_t i = 0; labels && i < labels->n; i++)
		pst_json_str(j, NULL, pst_identity_label_text(&labels->v[i], text, sizeof(text)));
	pst_json_end(j);
}
