// SPDX-License-Identifier: Apache-2.0
#include "policy/cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/labels.h"

static int take_service(struct pst_cluster *c, struct pst_reader *r, const struct pst_yaml_node *n)
{
	struct pst_kube_service service;
	int e = pst_service_read(r, n, &service);

	return e ? e : pst_vec_push(&c->services, service);
}

static int take_slice(struct pst_cluster *c, struct pst_reader *r, const struct pst_yaml_node *n)
{
	struct pst_kube_backends backends;
	int e = pst_backends_read_slice(r, n, &backends);

	return e || !backends.service ? e : pst_vec_push(&c->backends, backends);
}

static int take_endpoints(struct pst_cluster *c, struct pst_reader *r,
			  const struct pst_yaml_node *n)
{
	struct pst_kube_backends backends;
	int e = pst_backends_read_endpoints(r, n, &backends);

	return e ? e : pst_vec_push(&c->backends, backends);
}

static int take_node(struct pst_cluster *c, struct pst_reader *r, const struct pst_yaml_node *n)
{
	struct pst_kube_node node;
	int e = pst_node_read(r, n, &node);

	return e ? e : pst_vec_push(&c->nodes, node);
}

static int take_secret(struct pst_cluster *c, struct pst_reader *r, const struct pst_yaml_node *n)
{
	struct pst_kube_secret secret;
	int e = pst_secret_read(r, n, &secret);

	return e ? e : pst_vec_push(&c->secrets, secret);
}

static int take_group(struct pst_cluster *c, struct pst_reader *r, const struct pst_yaml_node *n)
{
	struct pst_kube_group group;
	int e = pst_group_read(r, n, &group);

	return e ? e : pst_vec_push(&c->groups, group);
}

/* A record that is refused is left out; the others of its object are not touched. */
static int take_names(struct pst_cluster *c, struct pst_reader *r, const struct pst_yaml_node *n)
{
	struct pst_kube_record *v = NULL;
	size_t n_records = 0;
	int e = pst_dns_endpoint_read(r, n, &v, &n_records);

	for (size_t i = 0; i < n_records; i++) {
		if (pst_vec_push(&c->records, v[i]))
			return -ENOMEM;
	}
	return e;
}

static const struct {
	const char *kind, *api_version;
	int (*take)(struct pst_cluster *c, struct pst_reader *r, const struct pst_yaml_node *n);
} kinds[] = {
	{"Service", "v1", take_service},
	{"EndpointSlice", "discovery.k8s.io/v1", take_slice},
	{"Endpoints", "v1", take_endpoints},
	{"Node", "v1", take_node},
	{"Secret", "v1", take_secret},
	{"CiliumCIDRGroup", "cilium.io/v2", take_group},
	{"CiliumCIDRGroup", "cilium.io/v2alpha1", take_group},
	{"DNSEndpoint", "externaldns.k8s.io/v1alpha1", take_names},
};

int pst_cluster_take(struct pst_cluster *c, struct pst_reader *r, const struct pst_object *o,
		     bool *ret_known)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		/* Another group may have a kind of the same name (Knative has a Service). */
		if (strcmp(o->kind, kinds[i].kind) || strcmp(o->api_version, kinds[i].api_version))
			continue;
		*ret_known = true;
		return kinds[i].take(c, r, o->node);
	}
	*ret_known = false;
	return 0;
}

static int compare_meta(const struct pst_kube_meta *a, const struct pst_kube_meta *b)
{
	int r = strcmp(a->ns.s, b->ns.s);

	return r ? r : strcmp(a->name.s, b->name.s);
}

static int compare_place(const struct pst_pos *a, const struct pst_pos *b)
{
	int r = strcmp(a->file, b->file);

	return r ? r : (a->line > b->line) - (a->line < b->line);
}

/* By name, and equal names in the order of their places: metadata is the first member of each. */
static int compare_objects(const void *a, const void *b)
{
	int r = compare_meta(a, b);

	return r ? r
		 : compare_place(&((const struct pst_kube_meta *)a)->pos,
				 &((const struct pst_kube_meta *)b)->pos);
}

/* Sorts N objects of SIZE bytes and drops the second of two with one name. Returns how many stay.
 */
static size_t settle(struct pst_reader *r, void *v, size_t n, size_t size, const char *kind)
{
	char *at = v;
	size_t kept = 0;

	if (n)
		qsort(v, n, size, compare_objects);
	for (size_t i = 0; i < n; i++) {
		const struct pst_kube_meta *meta = (const void *)(at + i * size);
		const struct pst_kube_meta *last =
			kept ? (const void *)(at + (kept - 1) * size) : NULL;

		if (!last || compare_meta(last, meta)) {
			memmove(at + kept++ * size, meta, size);
			continue;
		}
		pst_diags_error(r->diags, "duplicate-object", &meta->name.pos,
				"the %s \"%s\" stands here for the second time", kind,
				meta->name.s);
		pst_diags_note(r->diags, &last->name.pos, "the first is here");
	}
	return kept;
}

static int fill_labels(struct pst_reader *r, const char *source, const struct pst_kube_meta *meta,
		       struct pst_labels *labels)
{
	labels->v = pst_arena_calloc(r->arena, meta->n_labels, sizeof(*labels->v));
	if (!labels->v)
		return -ENOMEM;
	for (size_t i = 0; i < meta->n_labels; i++)
		labels->v[labels->n++] = (struct pst_label){
			.source = source,
			.key = meta->labels[i].key,
			.value = meta->labels[i].value,
		};
	pst_labels_sort(labels);
	return 0;
}

static int fill_nodes(struct pst_cluster *c, struct pst_reader *r, struct pst_inventory *inv)
{
	size_t n = settle(r, c->nodes.v, c->nodes.n, sizeof(*c->nodes.v), "Node");

	inv->nodes = pst_arena_calloc(r->arena, n, sizeof(*inv->nodes));
	if (!inv->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct pst_kube_node *from = &c->nodes.v[i];
		struct pst_node *node = &inv->nodes[inv->n_nodes++];

		*node = (struct pst_node){
			.pos = from->meta.pos,
			.name = from->meta.name.s,
			.addrs = from->addrs.v,
			.n_addrs = from->addrs.n,
		};
		if (fill_labels(r, "node", &from->meta, &node->labels))
			return -ENOMEM;
	}
	return 0;
}

static int fill_secrets(struct pst_cluster *c, struct pst_reader *r, struct pst_inventory *inv)
{
	size_t n = settle(r, c->secrets.v, c->secrets.n, sizeof(*c->secrets.v), "Secret");

	inv->secrets = pst_arena_calloc(r->arena, n, sizeof(*inv->secrets));
	if (!inv->secrets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct pst_kube_secret *from = &c->secrets.v[i];

		if (!from->value)
			continue;
		inv->secrets[inv->n_secrets++] = (struct pst_secret_value){
			.ns = from->meta.ns.s,
			.name = from->meta.name.s,
			.value = from->value,
			.len = from->len,
		};
	}
	return 0;
}

static int fill_groups(struct pst_cluster *c, struct pst_reader *r, struct pst_inventory *inv)
{
	size_t n = settle(r, c->groups.v, c->groups.n, sizeof(*c->groups.v), "CiliumCIDRGroup");

	inv->cidr_groups = pst_arena_calloc(r->arena, n, sizeof(*inv->cidr_groups));
	if (!inv->cidr_groups)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct pst_kube_group *from = &c->groups.v[i];
		struct pst_cidr_group *group = &inv->cidr_groups[inv->n_cidr_groups++];

		*group = (struct pst_cidr_group){
			.pos = from->meta.pos,
			.name = from->meta.name.s,
			.prefixes = from->prefixes,
			.n_prefixes = from->n_prefixes,
		};
		if (fill_labels(r, "cidrgroup", &from->meta, &group->labels))
			return -ENOMEM;
	}
	return 0;
}

static int require(struct pst_reader *r, const char *key, const char *value,
		   struct pst_requirement *req)
{
	const char **values = pst_arena_calloc(r->arena, 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	values[0] = value;
	*req = (struct pst_requirement){
		.source = "k8s",
		.key = key,
		.op = PST_LABEL_IN,
		.values = values,
		.n_values = 1,
	};
	return 0;
}

static int fill_selector(struct pst_reader *r, const struct pst_kube_service *from,
			 struct pst_selector *sel)
{
	struct pst_requirement *reqs;

	sel->pos = from->meta.pos;
	if (!from->n_selector)
		return 0;
	reqs = pst_arena_calloc(r->arena, from->n_selector + 1, sizeof(*reqs));
	if (!reqs)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_selector; i++) {
		if (require(r, from->selector[i].key, from->selector[i].value, &reqs[i]))
			return -ENOMEM;
	}
	sel->reqs = reqs;
	sel->n_reqs = from->n_selector + 1;
	return require(r, PST_LABEL_NAMESPACE, from->meta.ns.s, &reqs[from->n_selector]);
}

static bool is_behind(const struct pst_kube_backends *b, const struct pst_kube_meta *service)
{
	return !strcmp(b->service, service->name.s) && !strcmp(b->meta.ns.s, service->ns.s);
}

static int compare_addrs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pst_addr));
}

static int compare_backends(const void *va, const void *vb)
{
	const struct pst_kube_backends *a = va, *b = vb;
	int r = strcmp(a->meta.ns.s, b->meta.ns.s);

	return r ? r : strcmp(a->service, b->service);
}

/* Backends and services are sorted alike: AT moves on from one service to the next. */
static int fill_backends(struct pst_cluster *c, struct pst_reader *r, size_t *at,
			 struct pst_service *s, const struct pst_kube_meta *meta)
{
	size_t end, n = 0, kept = 0;

	while (*at < c->backends.n) {
		const struct pst_kube_backends *b = &c->backends.v[*at];
		int order = strcmp(b->meta.ns.s, meta->ns.s);

		if (!order)
			order = strcmp(b->service, meta->name.s);
		if (order >= 0)
			break;
		++*at;
	}
	for (end = *at; end < c->backends.n && is_behind(&c->backends.v[end], meta); end++)
		n += c->backends.v[end].addrs.n;
	s->addrs = pst_arena_calloc(r->arena, n, sizeof(*s->addrs));
	if (!s->addrs)
		return -ENOMEM;
	for (n = 0; *at < end; ++*at) {
		const struct pst_kube_addrs *from = &c->backends.v[*at].addrs;

		if (from->n)
			memcpy(s->addrs + n, from->v, from->n * sizeof(*from->v));
		n += from->n;
	}
	if (n)
		qsort(s->addrs, n, sizeof(*s->addrs), compare_addrs);
	for (size_t i = 0; i < n; i++) {
		if (!kept || compare_addrs(&s->addrs[kept - 1], &s->addrs[i]))
			s->addrs[kept++] = s->addrs[i];
	}
	s->n_addrs = kept;
	return 0;
}

static int fill_services(struct pst_cluster *c, struct pst_reader *r, struct pst_inventory *inv)
{
	size_t n = settle(r, c->services.v, c->services.n, sizeof(*c->services.v), "Service");
	size_t at = 0;

	inv->services = pst_arena_calloc(r->arena, n, sizeof(*inv->services));
	if (!inv->services)
		return -ENOMEM;
	if (c->backends.n)
		qsort(c->backends.v, c->backends.n, sizeof(*c->backends.v), compare_backends);
	for (size_t i = 0; i < n; i++) {
		const struct pst_kube_service *from = &c->services.v[i];
		struct pst_service *s = &inv->services[inv->n_services++];

		*s = (struct pst_service){
			.pos = from->meta.pos,
			.name = from->meta.name.s,
			.ns = from->meta.ns.s,
		};
		if (fill_labels(r, "k8s", &from->meta, &s->labels) ||
		    fill_selector(r, from, &s->pods) || fill_backends(c, r, &at, s, &from->meta))
			return -ENOMEM;
	}
	return 0;
}

int pst_cluster_finish(struct pst_cluster *c, struct pst_reader *r, struct pst_inventory *inv)
{
	if (fill_nodes(c, r, inv) || fill_secrets(c, r, inv) || fill_services(c, r, inv) ||
	    fill_groups(c, r, inv))
		return -ENOMEM;
	return pst_dns_names_fill(r, c->records.v, c->records.n, &inv->names, &inv->n_names);
}

void pst_cluster_fini(struct pst_cluster *c)
{
	pst_vec_free(&c->services);
	pst_vec_free(&c->backends);
	pst_vec_free(&c->nodes);
	pst_vec_free(&c->secrets);
	pst_vec_free(&c->groups);
	pst_vec_free(&c->records);
}
