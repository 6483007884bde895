// SPDX-License-Identifier: Apache-2.0
#include "policy/kube.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/labels.h"

int pst_kube_text(struct pst_reader *r, const struct pst_yaml_node *map, const char *key,
		  struct pst_text *ret)
{
	const struct pst_yaml_node *n = pst_yaml_get(map, key);

	return n ? pst_fields_text(r, n, ret) : 0;
}

int pst_kube_get(struct pst_reader *r, const struct pst_yaml_node *map, const char *key,
		 enum pst_yaml_kind kind, const struct pst_yaml_node **ret)
{
	const struct pst_yaml_node *n = pst_yaml_get(map, key);

	*ret = n;
	return n ? pst_fields_expect(r, n, kind) : 0;
}

static int read_label(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_kube_label *ret)
{
	struct pst_text value = {0};
	int e = pst_fields_text(r, n, &value);

	if (e)
		return e;
	if (!pst_label_key_is_valid(n->key->s) || !pst_label_value_is_valid(value.s))
		return pst_diags_error(r->diags, "label-invalid", &n->key->pos,
				       "\"%.128s: %.128s\" is not a label", n->key->s, value.s);
	ret->value = value.s;
	ret->key = pst_arena_strndup(r->arena, n->key->s, n->key->len);
	return ret->key ? 0 : -ENOMEM;
}

int pst_kube_labels(struct pst_reader *r, const struct pst_yaml_node *map, const char *key,
		    struct pst_kube_label **ret_labels, size_t *ret_n)
{
	const struct pst_yaml_node *n;
	struct pst_kube_label *labels;
	size_t count = 0;
	int worst = pst_kube_get(r, map, key, PST_YAML_MAPPING, &n);

	if (worst || !n)
		return worst;
	labels = pst_arena_calloc(r->arena, n->len, sizeof(*labels));
	if (!labels)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next)
		worst = pst_fields_worse(worst, read_label(r, c, &labels[count++]));
	*ret_labels = labels;
	*ret_n = count;
	return worst;
}

static int read_name(struct pst_reader *r, const struct pst_yaml_node *metadata,
		     struct pst_kube_meta *meta)
{
	int e = pst_kube_text(r, metadata, "name", &meta->name);

	if (e)
		return e;
	if (!meta->name.s)
		return pst_diags_error(r->diags, "missing-field", &meta->pos,
				       "an inventory object needs the field \"metadata.name\"");
	if (!pst_name_is_valid(meta->name.s))
		return pst_diags_error(r->diags, "name-invalid", &meta->name.pos,
				       "\"%.64s\" is not a name", meta->name.s);
	return 0;
}

static int read_namespace(struct pst_reader *r, const struct pst_yaml_node *metadata,
			  struct pst_kube_meta *meta)
{
	int e;

	meta->ns = (struct pst_text){.s = "default", .len = 7, .pos = meta->pos};
	e = pst_kube_text(r, metadata, "namespace", &meta->ns);
	if (!e && !pst_namespace_is_valid(meta->ns.s))
		return pst_diags_error(r->diags, "name-invalid", &meta->ns.pos,
				       "\"%.64s\" is not the name of a namespace", meta->ns.s);
	return e;
}

int pst_kube_meta_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_kube_meta *ret_meta)
{
	struct pst_kube_meta meta = {.pos = n->pos};
	const struct pst_yaml_node *metadata;
	int e = pst_kube_get(r, n, "metadata", PST_YAML_MAPPING, &metadata);

	if (e)
		return e;
	e = read_name(r, metadata, &meta);
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_namespace(r, metadata, &meta));
	if (e != -ENOMEM)
		e = pst_fields_worse(
			e, pst_kube_labels(r, metadata, "labels", &meta.labels, &meta.n_labels));
	if (!e)
		*ret_meta = meta;
	return e;
}

int pst_kube_addrs_reserve(struct pst_reader *r, struct pst_kube_addrs *addrs, size_t n)
{
	addrs->v = pst_arena_calloc(r->arena, n, sizeof(*addrs->v));
	addrs->pos = pst_arena_calloc(r->arena, n, sizeof(*addrs->pos));
	return addrs->v && addrs->pos ? 0 : -ENOMEM;
}

/* One host's: neither unspecified nor multicast. */
static bool is_usable(const struct pst_addr *a)
{
	static const struct pst_addr zero;
	char text[64];

	pst_addr_to_str(a, text, sizeof(text));
	if (strchr(text, ':'))
		return memcmp(a, &zero, sizeof(zero)) && a->b[0] != 0xff;
	return strcmp(text, "0.0.0.0") && a->b[12] < 224;
}

int pst_kube_addr_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_kube_addrs *addrs)
{
	struct pst_addr a;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e || !n->len)
		return e;
	if (pst_addr_from_str(n->s, &a) || !is_usable(&a))
		return pst_diags_error(
			r->diags, "address-invalid", &n->pos,
			"expected the IPv4 or IPv6 address of one host, found \"%.64s\"", n->s);
	for (size_t i = 0; i < addrs->n; i++) {
		if (!memcmp(&addrs->v[i], &a, sizeof(a)))
			return 0;
	}
	addrs->pos[addrs->n] = n->pos;
	addrs->v[addrs->n++] = a;
	return 0;
}
