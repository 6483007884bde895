// SPDX-License-Identifier: Apache-2.0
#include "policy/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "policy/cluster.h"
#include "policy/labels.h"
#include "policy/load.h"
#include "policy/object.h"
#include "policy/pod.h"

struct pods PST_VEC(struct pst_pod);
struct namespaces PST_VEC(struct pst_kube_meta);

struct build {
	struct pst_reader r;
	struct pods pods;
	struct namespaces namespaces;
	struct pst_cluster cluster;
	size_t n_host_network, n_skipped;
};

int pst_named_port_cmp(const struct pst_named_port *a, const struct pst_named_port *b)
{
	int r = strcmp(a->name, b->name);

	if (!r)
		r = (int)a->protocol - (int)b->protocol;
	return r ? r : (int)a->port - (int)b->port;
}

static int take_pod(struct build *b, const struct pst_yaml_node *n)
{
	struct pst_pod pod;
	int e = pst_pod_read(&b->r, n, &pod);

	if (e)
		return e;
	if (pod.host_network) {
		b->n_host_network++;
		return 0;
	}
	return pst_vec_push(&b->pods, pod);
}

static int take_namespace(struct build *b, const struct pst_yaml_node *n)
{
	struct pst_kube_meta ns;
	int e = pst_kube_meta_read(&b->r, n, &ns);

	return e ? e : pst_vec_push(&b->namespaces, ns);
}

static const struct {
	const char *kind;
	int (*take)(struct build *b, const struct pst_yaml_node *n);
} kinds[] = {
	{"Pod", take_pod},
	{"Namespace", take_namespace},
};

static int take_object(void *ctx, const struct pst_object *o)
{
	struct build *b = ctx;
	bool known = false;
	int e;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(o->kind, kinds[i].kind))
			continue;
		if (!strcmp(o->api_version, "v1"))
			return kinds[i].take(b, o->node);
		return pst_diags_error(b->r.diags, "unsupported-version", &o->node->pos,
				       "%s of apiVersion \"%.64s\" is not supported; expected v1",
				       o->kind, o->api_version);
	}
	e = pst_cluster_take(&b->cluster, &b->r, o, &known);
	b->n_skipped += !known;
	return e;
}

static int take_file(void *ctx, const struct pst_load_file *file)
{
	struct build *b = ctx;
	struct pst_yaml_input in = {.text = file->text, .len = file->len};
	int r;

	in.name = pst_arena_strndup(b->r.arena, file->name, strlen(file->name));
	if (!in.name)
		return -ENOMEM;
	r = pst_objects_each(b->r.diags, &in, take_object, b);
	return r == -ENOMEM ? r : 0;
}

static int compare_namespaces(const void *a, const void *b)
{
	const struct pst_kube_meta *na = a, *nb = b;

	return strcmp(na->name.s, nb->name.s);
}

static int compare_place(const struct pst_pos *a, const struct pst_pos *b)
{
	int r = strcmp(a->file, b->file);

	if (r)
		return r;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->col < b->col ? -1 : a->col > b->col;
}

/* Sorts the namespaces for look-up. One that stands twice is an error: whose labels count? */
static void settle_namespaces(struct build *b)
{
	struct namespaces *all = &b->namespaces;

	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), compare_namespaces);
	for (size_t i = 1; i < all->n; i++) {
		const struct pst_text *one = &all->v[i - 1].name, *two = &all->v[i].name;

		if (strcmp(one->s, two->s))
			continue;
		if (compare_place(&one->pos, &two->pos) > 0) {
			one = &all->v[i].name;
			two = &all->v[i - 1].name;
		}
		pst_diags_error(b->r.diags, "duplicate-namespace", &two->pos,
				"the namespace \"%s\" stands also at %s:%u:%u", two->s,
				one->pos.file, one->pos.line, one->pos.col);
	}
}

/* An address and who has it. */
struct holder {
	struct pst_addr addr;
	size_t pod, index;
};

static int compare_holders(const void *a, const void *b)
{
	const struct holder *ha = a, *hb = b;
	int r = memcmp(&ha->addr, &hb->addr, sizeof(ha->addr));

	return r ? r : (ha->pod > hb->pod) - (ha->pod < hb->pod);
}

static size_t collect_holders(const struct build *b, struct holder *holders)
{
	size_t n = 0;

	for (size_t p = 0; p < b->pods.n; p++) {
		for (size_t i = 0; i < b->pods.v[p].addrs.n; i++)
			holders[n++] = (struct holder){b->pods.v[p].addrs.v[i], p, i};
	}
	return n;
}

static void report_duplicate(struct build *b, const struct holder *first,
			     const struct holder *second)
{
	const struct pst_pod *one = &b->pods.v[first->pod], *two = &b->pods.v[second->pod];
	const struct pst_pos *at = &one->addrs.pos[first->index];
	char text[64];

	pst_diags_error(b->r.diags, "duplicate-address", &two->addrs.pos[second->index],
			"%s/%s has the address %s, which %s/%s has at %s:%u:%u", two->meta.ns.s,
			two->meta.name.s, pst_addr_to_str(&first->addr, text, sizeof(text)),
			one->meta.ns.s, one->meta.name.s, at->file, at->line, at->col);
}

/* The later holder loses the address, so that the model never holds one twice. */
static void drop_addr(struct pst_kube_addrs *addrs, const struct pst_addr *addr)
{
	size_t kept = 0;

	for (size_t i = 0; i < addrs->n; i++) {
		if (!memcmp(&addrs->v[i], addr, sizeof(*addr)))
			continue;
		addrs->pos[kept] = addrs->pos[i];
		addrs->v[kept++] = addrs->v[i];
	}
	addrs->n = kept;
}

static int settle_addresses(struct build *b)
{
	pst_auto_free struct holder *holders = NULL;
	size_t n = 0, first = 0;

	for (size_t p = 0; p < b->pods.n; p++)
		n += b->pods.v[p].addrs.n;
	holders = pst_mem_calloc(n, sizeof(*holders));
	if (!holders)
		return -ENOMEM;
	n = collect_holders(b, holders);
	qsort(holders, n, sizeof(*holders), compare_holders);
	for (size_t i = 1; i < n; i++) {
		if (memcmp(&holders[first].addr, &holders[i].addr, sizeof(holders[i].addr)))
			first = i;
		else
			report_duplicate(b, &holders[first], &holders[i]);
	}
	/* Only now: the reports name places by index. */
	for (size_t i = 1; i < n; i++) {
		if (!memcmp(&holders[i - 1].addr, &holders[i].addr, sizeof(holders[i].addr)))
			drop_addr(&b->pods.v[holders[i].pod].addrs, &holders[i].addr);
	}
	return 0;
}

static void add_label(struct pst_labels *labels, const char *key, const char *value)
{
	labels->v[labels->n++] = (struct pst_label){.source = "k8s", .key = key, .value = value};
}

static int fill_namespace(struct pst_arena *arena, const struct pst_kube_meta *meta,
			  struct pst_namespace *ns)
{
	*ns = (struct pst_namespace){.name = meta->name.s};
	ns->labels.v = pst_arena_calloc(arena, meta->n_labels, sizeof(*ns->labels.v));
	if (!ns->labels.v)
		return -ENOMEM;
	for (size_t i = 0; i < meta->n_labels; i++) {
		const char *key = pst_arena_printf(arena, PST_LABEL_NAMESPACE_PREFIX "%s",
						   meta->labels[i].key);

		if (!key)
			return -ENOMEM;
		add_label(&ns->labels, key, meta->labels[i].value);
	}
	pst_labels_sort(&ns->labels);
	return 0;
}

/* Settled before, so in order. */
static int fill_namespaces(struct build *b, struct pst_inventory *inv)
{
	const struct namespaces *all = &b->namespaces;

	inv->namespaces = pst_arena_calloc(b->r.arena, all->n, sizeof(*inv->namespaces));
	if (!inv->namespaces)
		return -ENOMEM;
	for (; inv->n_namespaces < all->n; inv->n_namespaces++) {
		if (fill_namespace(b->r.arena, &all->v[inv->n_namespaces],
				   &inv->namespaces[inv->n_namespaces]))
			return -ENOMEM;
	}
	return 0;
}

/* The labels that make up the identity of POD. */
static int resolve_labels(struct pst_arena *arena, const struct pst_inventory *inv,
			  const struct pst_pod *pod, struct pst_labels *labels)
{
	const struct pst_namespace *ns = pst_inventory_namespace(inv, pod->meta.ns.s);
	size_t room = pod->meta.n_labels + (ns ? ns->labels.n : 0) + 3;

	labels->v = pst_arena_calloc(arena, room, sizeof(*labels->v));
	if (!labels->v)
		return -ENOMEM;
	for (size_t i = 0; i < pod->meta.n_labels; i++) {
		if (pst_label_is_identity(pod->meta.labels[i].key))
			add_label(labels, pod->meta.labels[i].key, pod->meta.labels[i].value);
	}
	add_label(labels, PST_LABEL_NAMESPACE, pod->meta.ns.s);
	add_label(labels, PST_LABEL_CLUSTER, PST_CLUSTER_NAME);
	if (pod->service_account)
		add_label(labels, PST_LABEL_SERVICE_ACCOUNT, pod->service_account);
	for (size_t i = 0; ns && i < ns->labels.n; i++)
		labels->v[labels->n++] = ns->labels.v[i];
	pst_labels_sort(labels);
	return 0;
}

static int fill_endpoints(struct build *b, struct pst_inventory *inv)
{
	inv->endpoints = pst_arena_calloc(b->r.arena, b->pods.n, sizeof(*inv->endpoints));
	if (!inv->endpoints)
		return -ENOMEM;
	for (size_t i = 0; i < b->pods.n; i++) {
		const struct pst_pod *pod = &b->pods.v[i];
		struct pst_endpoint *ep = &inv->endpoints[inv->n_endpoints++];

		*ep = (struct pst_endpoint){
			.pos = pod->meta.pos,
			.name = pod->meta.name.s,
			.ns = pod->meta.ns.s,
			.addrs = pod->addrs.v,
			.n_addrs = pod->addrs.n,
			.ports = pod->ports,
			.n_ports = pod->n_ports,
			.proxied = pod->proxied,
		};
		if (resolve_labels(b->r.arena, inv, pod, &ep->labels))
			return -ENOMEM;
	}
	return 0;
}

static int finish(struct build *b, struct pst_inventory **ret_inv)
{
	struct pst_inventory *inv = pst_arena_alloc(b->r.arena, sizeof(*inv));

	if (!inv)
		return -ENOMEM;
	settle_namespaces(b);
	if (settle_addresses(b) || fill_namespaces(b, inv) || fill_endpoints(b, inv) ||
	    pst_cluster_finish(&b->cluster, &b->r, inv))
		return -ENOMEM;
	inv->n_host_network = b->n_host_network;
	inv->n_skipped = b->n_skipped;
	inv->arena = PST_TAKE_PTR(b->r.arena);
	*ret_inv = inv;
	return 0;
}

static void build_fini(struct build *b)
{
	pst_vec_free(&b->pods);
	pst_vec_free(&b->namespaces);
	pst_cluster_fini(&b->cluster);
	pst_arena_free(&b->r.arena);
}

static int compare_name(const void *key, const void *ns)
{
	return strcmp(key, ((const struct pst_namespace *)ns)->name);
}

const struct pst_namespace *pst_inventory_namespace(const struct pst_inventory *inv,
						    const char *name)
{
	if (!inv->n_namespaces)
		return NULL;
	return bsearch(name, inv->namespaces, inv->n_namespaces, sizeof(*inv->namespaces),
		       compare_name);
}

int pst_inventory_load(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		       struct pst_inventory **ret_inv)
{
	struct build b pst_cleanup(build_fini) = {.r = {.diags = diags}};
	int r;

	b.r.arena = pst_arena_new();
	if (!b.r.arena)
		return -ENOMEM;
	r = pst_load_paths(paths, n_paths, diags, take_file, &b);
	return r ? r : finish(&b, ret_inv);
}

int pst_inventory_parse(const char *name, const char *text, size_t len, struct pst_diags *diags,
			struct pst_inventory **ret_inv)
{
	const struct pst_load_file file = {.name = name, .text = text, .len = len, .by_name = true};
	struct build b pst_cleanup(build_fini) = {.r = {.diags = diags}};
	int r;

	b.r.arena = pst_arena_new();
	if (!b.r.arena)
		return -ENOMEM;
	r = take_file(&b, &file);
	return r ? r : finish(&b, ret_inv);
}

void pst_inventory_free(struct pst_inventory **inv)
{
	struct pst_arena *arena;

	if (!*inv)
		return;
	arena = (*inv)->arena;
	*inv = NULL;
	pst_arena_free(&arena);
}
