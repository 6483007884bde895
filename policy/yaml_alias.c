// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml_build.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

static size_t bucket_of(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return hash % PST_YAML_BUCKETS;
}

static struct pst_yaml_anchor *find(const struct pst_yaml_builder *b, const char *name)
{
	struct pst_yaml_anchor *a = b->anchors[bucket_of(name)];

	while (a && strcmp(a->name, name))
		a = a->next;
	return a;
}

int pst_yaml_anchor_open(struct pst_yaml_builder *b, struct pst_yaml_node *n, const char *name,
			 struct pst_yaml_anchor **ret_anchor)
{
	struct pst_yaml_anchor *a, **bucket;

	if (!name)
		return 0;
	if (++b->n_anchors > PST_YAML_MAX_ANCHORS) {
		pst_diags_error(b->diags, "yaml-alias-limit", &n->pos,
				"too many anchors in one document: the limit is %u",
				PST_YAML_MAX_ANCHORS);
		pst_yaml_spoil(b);
		return -E2BIG;
	}
	a = pst_arena_alloc(b->arena, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->name = pst_arena_strndup(b->arena, name, strlen(name));
	if (!a->name)
		return -ENOMEM;
	bucket = &b->anchors[bucket_of(name)];
	a->node = n;
	a->open = true;
	a->weight = b->written + b->aliased;
	a->next = *bucket;
	*bucket = a;
	*ret_anchor = a;
	return 0;
}

void pst_yaml_anchor_close(const struct pst_yaml_builder *b, struct pst_yaml_anchor *a,
			   unsigned int height)
{
	if (!a)
		return;
	a->weight = b->written + b->aliased - a->weight;
	a->height = height;
	a->open = false;
}

/* Reports what is wrong with an alias of A, if anything is. */
static int check(struct pst_yaml_builder *b, const struct pst_yaml_anchor *a, const char *name,
		 const struct pst_pos *pos)
{
	uint64_t room = PST_YAML_MAX_ALIASED + b->written - b->aliased;

	if (!a || a->open) {
		pst_diags_error(b->diags, "yaml-alias", pos,
				a ? "the anchor \"%.64s\" would contain itself"
				  : "there is no anchor \"%.64s\" above in this document",
				name);
		pst_yaml_spoil(b);
		return 0;
	}
	if (a->weight <= room && b->depth + a->height <= PST_YAML_MAX_DEPTH)
		return 0;
	if (a->weight > room)
		pst_diags_error(b->diags, "yaml-alias-limit", pos,
				"with \"%.64s\" put in, aliases would add more than %u nodes to "
				"the file and double what is written",
				name, PST_YAML_MAX_ALIASED);
	else
		pst_diags_error(b->diags, "yaml-alias-limit", pos,
				"with \"%.64s\" put in, there would be more than %u levels of "
				"nesting",
				name, PST_YAML_MAX_DEPTH);
	pst_yaml_spoil(b);
	return -E2BIG;
}

int pst_yaml_alias(struct pst_yaml_builder *b, const char *name, const struct pst_pos *pos,
		   struct pst_yaml_node **ret_node, unsigned int *ret_height)
{
	const struct pst_yaml_anchor *a = find(b, name);
	struct pst_yaml_node *n;
	int r = check(b, a, name, pos);

	if (r)
		return r;
	n = pst_yaml_node_new(b, PST_YAML_NULL, *pos, 0);
	if (!n)
		return -ENOMEM;
	*ret_height = 0;
	if (a && !a->open) {
		*n = *a->node;
		n->pos = *pos;
		n->key = n->next = NULL;
		b->aliased += a->weight;
		*ret_height = a->height;
	}
	*ret_node = n;
	return 0;
}
