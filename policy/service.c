// SPDX-License-Identifier: Apache-2.0
#include "policy/service.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

int pst_service_read(struct pst_reader *r, const struct pst_yaml_node *n,
		     struct pst_kube_service *ret_service)
{
	struct pst_kube_service service = {0};
	const struct pst_yaml_node *spec;
	int e = pst_kube_meta_read(r, n, &service.meta);

	if (e != -ENOMEM)
		e = pst_fields_worse(e, pst_kube_get(r, n, "spec", PST_YAML_MAPPING, &spec));
	if (!e)
		e = pst_kube_labels(r, spec, "selector", &service.selector, &service.n_selector);
	if (!e)
		*ret_service = service;
	return e;
}

/* A backend that is known not to be ready takes no traffic; Cilium leaves it out as well. */
static bool is_ready(struct pst_reader *r, const struct pst_yaml_node *endpoint)
{
	const struct pst_yaml_node *ready =
		pst_yaml_get(pst_yaml_get(endpoint, "conditions"), "ready");
	bool value = true;

	return !ready || pst_fields_bool(r, ready, &value) || value;
}

/* One element of an EndpointSlice's endpoints: {addresses: [...]}. */
static int read_slice_endpoint(struct pst_reader *r, const struct pst_yaml_node *n,
			       struct pst_kube_addrs *addrs)
{
	const struct pst_yaml_node *list;
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (!worst)
		worst = pst_kube_get(r, n, "addresses", PST_YAML_LIST, &list);
	if (worst || !list || !is_ready(r, n))
		return worst;
	for (const struct pst_yaml_node *c = list->first; c; c = c->next)
		worst = pst_fields_worse(worst, pst_kube_addr_read(r, c, addrs));
	return worst;
}

static const char *service_of(const struct pst_kube_meta *meta)
{
	for (size_t i = 0; i < meta->n_labels; i++) {
		if (!strcmp(meta->labels[i].key, "kubernetes.io/service-name"))
			return meta->labels[i].value;
	}
	return NULL;
}

/* Addresses in the lists KEY of the elements of LIST: room for all of them. */
static size_t count_addresses(const struct pst_yaml_node *list, const char *key)
{
	size_t n = 0;

	for (const struct pst_yaml_node *c = list ? list->first : NULL; c; c = c->next) {
		const struct pst_yaml_node *inner = pst_yaml_get(c, key);

		n += inner && inner->kind == PST_YAML_LIST ? inner->len : 0;
	}
	return n;
}

static bool is_fqdn_slice(const struct pst_yaml_node *n)
{
	const struct pst_yaml_node *type = pst_yaml_get(n, "addressType");

	return type && type->kind == PST_YAML_STRING && !strcmp(type->s, "FQDN");
}

int pst_backends_read_slice(struct pst_reader *r, const struct pst_yaml_node *n,
			    struct pst_kube_backends *ret_backends)
{
	struct pst_kube_backends b = {0};
	const struct pst_yaml_node *list;
	int e = pst_kube_meta_read(r, n, &b.meta);

	if (e != -ENOMEM)
		e = pst_fields_worse(e, pst_kube_get(r, n, "endpoints", PST_YAML_LIST, &list));
	if (e)
		return e;
	if (pst_kube_addrs_reserve(r, &b.addrs, count_addresses(list, "addresses")))
		return -ENOMEM;
	b.service = service_of(&b.meta);
	for (const struct pst_yaml_node *c = list && !is_fqdn_slice(n) ? list->first : NULL; c;
	     c = c->next)
		e = pst_fields_worse(e, read_slice_endpoint(r, c, &b.addrs));
	if (!e)
		*ret_backends = b;
	return e;
}

/* One element of an Endpoints' subsets: {addresses: [{ip: ...}]}. */
static int read_subset(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_kube_addrs *addrs)
{
	const struct pst_yaml_node *list;
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (!worst)
		worst = pst_kube_get(r, n, "addresses", PST_YAML_LIST, &list);
	if (worst || !list)
		return worst;
	for (const struct pst_yaml_node *c = list->first; c; c = c->next) {
		const struct pst_yaml_node *ip = pst_yaml_get(c, "ip");

		if (ip)
			worst = pst_fields_worse(worst, pst_kube_addr_read(r, ip, addrs));
	}
	return worst;
}

int pst_backends_read_endpoints(struct pst_reader *r, const struct pst_yaml_node *n,
				struct pst_kube_backends *ret_backends)
{
	struct pst_kube_backends b = {0};
	const struct pst_yaml_node *list;
	int e = pst_kube_meta_read(r, n, &b.meta);

	if (e != -ENOMEM)
		e = pst_fields_worse(e, pst_kube_get(r, n, "subsets", PST_YAML_LIST, &list));
	if (e)
		return e;
	if (pst_kube_addrs_reserve(r, &b.addrs, count_addresses(list, "addresses")))
		return -ENOMEM;
	b.service = b.meta.name.s;
	for (const struct pst_yaml_node *c = list ? list->first : NULL; c; c = c->next)
		e = pst_fields_worse(e, read_subset(r, c, &b.addrs));
	if (!e)
		*ret_backends = b;
	return e;
}

/* One element of a Node's status.addresses: {type: InternalIP, address: ...}; others are names. */
static int read_node_addr(struct pst_reader *r, const struct pst_yaml_node *n,
			  struct pst_kube_addrs *addrs)
{
	const struct pst_yaml_node *address = pst_yaml_get(n, "address");
	struct pst_text type = {.s = ""};
	int e = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (!e)
		e = pst_kube_text(r, n, "type", &type);
	if (e || !address || (strcmp(type.s, "InternalIP") && strcmp(type.s, "ExternalIP")))
		return e;
	return pst_kube_addr_read(r, address, addrs);
}

int pst_node_read(struct pst_reader *r, const struct pst_yaml_node *n,
		  struct pst_kube_node *ret_node)
{
	const struct pst_yaml_node *status, *list = NULL;
	struct pst_kube_node node = {0};
	int e = pst_kube_meta_read(r, n, &node.meta);

	if (e != -ENOMEM)
		e = pst_fields_worse(e, pst_kube_get(r, n, "status", PST_YAML_MAPPING, &status));
	if (!e)
		e = pst_kube_get(r, status, "addresses", PST_YAML_LIST, &list);
	if (e)
		return e;
	if (pst_kube_addrs_reserve(r, &node.addrs, list ? list->len : 0))
		return -ENOMEM;
	for (const struct pst_yaml_node *c = list ? list->first : NULL; c; c = c->next)
		e = pst_fields_worse(e, read_node_addr(r, c, &node.addrs));
	if (!e)
		*ret_node = node;
	return e;
}

/* The value of a base64 digit (RFC 4648 section 4), or -1. */
static int digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* Decodes into BUF, which has room for all of S. -EINVAL for what is not base64. */
static int decode(const char *s, size_t len, char *buf, size_t *ret_len)
{
	uint32_t bits = 0;
	size_t n = 0, n_bits = 0, padding = 0;

	if (len % 4)
		return -EINVAL;
	while (padding < 2 && padding < len && s[len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < len - padding; i++) {
		int value = digit(s[i]);

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			buf[n++] = (char)(bits >> n_bits);
		}
	}
	*ret_len = n;
	return 0;
}

/* A Secret's data is base64, its stringData is not. */
static int read_secret_entry(struct pst_reader *r, const struct pst_yaml_node *n, bool is_base64,
			     struct pst_kube_secret *s)
{
	struct pst_text text = {0};
	char *value;
	int e = pst_fields_text(r, n, &text);

	if (e)
		return e;
	value = pst_arena_alloc(r->arena, text.len + 1);
	if (!value)
		return -ENOMEM;
	s->n_entries++;
	s->value = value;
	s->len = text.len;
	if (!is_base64)
		memcpy(value, text.s, text.len);
	else if (decode(text.s, text.len, value, &s->len))
		return pst_diags_error(r->diags, "secret-invalid", &n->pos,
				       "%.64s: expected base64 (without line breaks)", n->key->s);
	return 0;
}

int pst_secret_read(struct pst_reader *r, const struct pst_yaml_node *n,
		    struct pst_kube_secret *ret_secret)
{
	static const char *const keys[] = {"data", "stringData"};
	struct pst_kube_secret s = {0};
	int worst = pst_kube_meta_read(r, n, &s.meta);

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && worst != -ENOMEM; i++) {
		const struct pst_yaml_node *map;
		int e = pst_kube_get(r, n, keys[i], PST_YAML_MAPPING, &map);

		worst = pst_fields_worse(worst, e);
		for (const struct pst_yaml_node *c = e || !map ? NULL : map->first; c; c = c->next)
			worst = pst_fields_worse(worst, read_secret_entry(r, c, i == 0, &s));
	}
	if (s.n_entries != 1)
		s.value = NULL;
	if (!worst)
		*ret_secret = s;
	return worst;
}
