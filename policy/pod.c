// SPDX-License-Identifier: Apache-2.0
#include "policy/pod.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/labels.h"

/* The string KEY of MAP into RET; 0 and RET as it was when it is absent. */
static int optional_text(struct pst_reader *r, const struct pst_yaml_node *map, const char *key,
			 struct pst_text *ret)
{
	const struct pst_yaml_node *n = pst_yaml_get(map, key);

	return n ? pst_fields_text(r, n, ret) : 0;
}

/* The mapping KEY of MAP; NULL when it is absent. A value of another type is an error. */
static int optional_map(struct pst_reader *r, const struct pst_yaml_node *map, const char *key,
			const struct pst_yaml_node **ret)
{
	const struct pst_yaml_node *n = pst_yaml_get(map, key);

	*ret = n;
	return n ? pst_fields_expect(r, n, PST_YAML_MAPPING) : 0;
}

static int read_label(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_pod_label *ret)
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

static int read_labels(struct pst_reader *r, const struct pst_yaml_node *metadata,
		       struct pst_pod_label **ret_labels, size_t *ret_n)
{
	const struct pst_yaml_node *map;
	struct pst_pod_label *labels;
	size_t n = 0;
	int worst = optional_map(r, metadata, "labels", &map);

	if (worst || !map)
		return worst;
	labels = pst_arena_calloc(r->arena, map->len, sizeof(*labels));
	if (!labels)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = map->first; c; c = c->next)
		worst = pst_fields_worse(worst, read_label(r, c, &labels[n++]));
	*ret_labels = labels;
	*ret_n = n;
	return worst;
}

/* metadata.name, which every object must have. */
static int read_name(struct pst_reader *r, const struct pst_yaml_node *n,
		     const struct pst_yaml_node *metadata, struct pst_text *ret_name)
{
	int e = optional_text(r, metadata, "name", ret_name);

	if (e)
		return e;
	if (!ret_name->s)
		return pst_diags_error(r->diags, "missing-field", &n->pos,
				       "an inventory object needs the field \"metadata.name\"");
	if (!pst_name_is_valid(ret_name->s))
		return pst_diags_error(r->diags, "name-invalid", &ret_name->pos,
				       "\"%.64s\" is not a name", ret_name->s);
	return 0;
}

static int read_namespace_name(struct pst_reader *r, const struct pst_yaml_node *metadata,
			       struct pst_pod *pod)
{
	int e;

	pod->ns = (struct pst_text){.s = "default", .len = 7, .pos = pod->pos};
	e = optional_text(r, metadata, "namespace", &pod->ns);
	if (!e && !pst_namespace_is_valid(pod->ns.s))
		return pst_diags_error(r->diags, "name-invalid", &pod->ns.pos,
				       "\"%.64s\" is not the name of a namespace", pod->ns.s);
	return e;
}

static bool is_usable(const struct pst_addr *a)
{
	static const struct pst_addr zero;
	char text[64];

	pst_addr_to_str(a, text, sizeof(text));
	if (strchr(text, ':'))
		return memcmp(a, &zero, sizeof(zero)) && a->b[0] != 0xff;
	return strcmp(text, "0.0.0.0") && a->b[12] < 224;
}

static int read_addr(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *pod)
{
	struct pst_addr a;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e || !n->len) /* "" stands for none */
		return e;
	if (pst_addr_from_str(n->s, &a) || !is_usable(&a))
		return pst_diags_error(
			r->diags, "address-invalid", &n->pos,
			"expected the IPv4 or IPv6 address of one pod, found \"%.64s\"", n->s);
	for (size_t i = 0; i < pod->n_addrs; i++) {
		if (!memcmp(&pod->addrs[i], &a, sizeof(a)))
			return 0; /* podIP is also the first of podIPs */
	}
	pod->addrs[pod->n_addrs] = a;
	pod->addr_pos[pod->n_addrs++] = n->pos;
	return 0;
}

/* One element of podIPs: {ip: ...}. */
static int read_pod_ip(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *pod)
{
	const struct pst_yaml_node *ip = pst_yaml_get(n, "ip");
	int e = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (e)
		return e;
	if (!ip)
		return pst_diags_error(r->diags, "missing-field", &n->pos,
				       "an element of podIPs needs the field \"ip\"");
	return read_addr(r, ip, pod);
}

static int read_addrs(struct pst_reader *r, const struct pst_yaml_node *status, struct pst_pod *pod)
{
	const struct pst_yaml_node *one = pst_yaml_get(status, "podIP");
	const struct pst_yaml_node *all = pst_yaml_get(status, "podIPs");
	size_t room = 1 + (all ? all->len : 0);
	int worst = all ? pst_fields_expect(r, all, PST_YAML_LIST) : 0;

	if (worst || pod->ended || pod->host_network)
		return worst;
	pod->addrs = pst_arena_calloc(r->arena, room, sizeof(*pod->addrs));
	pod->addr_pos = pst_arena_calloc(r->arena, room, sizeof(*pod->addr_pos));
	if (!pod->addrs || !pod->addr_pos)
		return -ENOMEM;
	if (one)
		worst = read_addr(r, one, pod);
	for (const struct pst_yaml_node *c = all ? all->first : NULL; c; c = c->next)
		worst = pst_fields_worse(worst, read_pod_ip(r, c, pod));
	return worst;
}

static int read_spec(struct pst_reader *r, const struct pst_yaml_node *spec, struct pst_pod *pod)
{
	const struct pst_yaml_node *host = pst_yaml_get(spec, "hostNetwork");
	struct pst_text account = {0};
	int e = host ? pst_fields_bool(r, host, &pod->host_network) : 0;

	e = pst_fields_worse(e, optional_text(r, spec, "serviceAccountName", &account));
	if (!e && account.len) {
		if (!pst_label_value_is_valid(account.s))
			return pst_diags_error(r->diags, "name-invalid", &account.pos,
					       "\"%.64s\" is not the name of a service account",
					       account.s);
		pod->service_account = account.s;
	}
	return e;
}

static int read_status(struct pst_reader *r, const struct pst_yaml_node *status,
		       struct pst_pod *pod)
{
	struct pst_text phase = {.s = ""};
	int e = optional_text(r, status, "phase", &phase);

	pod->ended = !strcmp(phase.s, "Succeeded") || !strcmp(phase.s, "Failed");
	return e ? e : read_addrs(r, status, pod);
}

int pst_pod_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *ret_pod)
{
	struct pst_pod pod = {.pos = n->pos};
	const struct pst_yaml_node *metadata, *spec, *status;
	int e;

	e = optional_map(r, n, "metadata", &metadata);
	e = pst_fields_worse(e, optional_map(r, n, "spec", &spec));
	e = pst_fields_worse(e, optional_map(r, n, "status", &status));
	if (e)
		return e;
	e = read_name(r, n, metadata, &pod.name);
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_namespace_name(r, metadata, &pod));
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_labels(r, metadata, &pod.labels, &pod.n_labels));
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_spec(r, spec, &pod));
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_status(r, status, &pod));
	if (!e)
		*ret_pod = pod;
	return e;
}

int pst_namespace_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_namespace *ret_ns)
{
	struct pst_namespace ns = {0};
	const struct pst_yaml_node *metadata;
	int e = optional_map(r, n, "metadata", &metadata);

	if (e)
		return e;
	e = read_name(r, n, metadata, &ns.name);
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_labels(r, metadata, &ns.labels, &ns.n_labels));
	if (!e)
		*ret_ns = ns;
	return e;
}
