// SPDX-License-Identifier: Apache-2.0
/*
 * The second half of compiler/diff_cast.h: inventories and actors.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/diff_cast.h"
#include "compiler/judge.h"
#include "compiler/prefix.h"

/* Identities without pods or addresses of an inventory; those of the own node and of the world are
 * always there. */
static const char *const reserved[] = {
	"remote-node", "ingress", "kube-apiserver", "health", "init", "unmanaged",
};

enum { N_RESERVED = sizeof(reserved) / sizeof(*reserved), ADDR_BITS = 128 };

static bool has_prefix(const struct pst_prefix_list *list, const struct pst_addr *addr)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].len == ADDR_BITS && !memcmp(list->v[i].addr, addr->b, 16))
			return true;
	}
	return false;
}

/* An address of the block 100::/64, which leads nowhere (RFC 6666), and which no policy names. */
static int make_addr(struct pst_diff_cast *c, struct pst_addr *ret_addr)
{
	struct pst_prefix one;

	do {
		c->last.b[0] = 1;
		for (int i = 15; i >= 8 && !++c->last.b[i]; i--)
			;
	} while (has_prefix(&c->told, &c->last));
	one = pst_prefix_of(&c->last);
	*ret_addr = c->last;
	return pst_vec_push(&c->taken, one);
}

/* Real addresses stand for the pod or node that has them, and for nobody else. */
static int take_addrs(struct pst_diff_cast *c, const struct pst_addr *addrs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (pst_vec_push(&c->taken, pst_prefix_of(&addrs[i])))
			return -ENOMEM;
	}
	return 0;
}

/* Named ports of a pod of a cohort: each name a port of its own, of every protocol that has any. */
static int make_ports(struct pst_diff_cast *c, struct pst_endpoint *ep)
{
	static const enum pst_protocol protocols[] = {PST_PROTOCOL_TCP, PST_PROTOCOL_UDP,
						      PST_PROTOCOL_SCTP};

	ep->ports = pst_arena_calloc(c->arena, c->port_names.n, 3 * sizeof(*ep->ports));
	if (!ep->ports)
		return -ENOMEM;
	for (size_t i = 0; i < c->port_names.n; i++) {
		for (int k = 0; k < 3; k++)
			ep->ports[ep->n_ports++] = (struct pst_named_port){
				c->port_names.v[i].name, c->port_names.v[i].port, protocols[k]};
	}
	return 0;
}

static int add_labels(struct pst_diff_cast *c, struct pst_inventory *inv,
		      const struct pst_labels *labels)
{
	struct pst_endpoint *ep = &inv->endpoints[inv->n_endpoints++];

	*ep = (struct pst_endpoint){.name = "cohort", .ns = "diff", .labels = *labels};
	return make_ports(c, ep);
}

static int add_reserved(struct pst_diff_cast *c, struct pst_inventory *inv, const char *name)
{
	struct pst_label *l = pst_arena_calloc(c->arena, 1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*l = (struct pst_label){"reserved", name, ""};
	inv->endpoints[inv->n_endpoints++] = (struct pst_endpoint){
		.name = name,
		.ns = "reserved",
		.labels = {.v = l, .n = 1},
	};
	return 0;
}

/* Behind the pods of the inventory: the cohorts of subjects, those of peers, reserved identities.
 */
static int add_extras(struct pst_diff_cast *c, struct pst_inventory *inv)
{
	int r = 0;

	for (size_t i = c->first; !r && i < c->first + c->n; i++) {
		if (c->subjects.v[i].is_cohort)
			r = add_labels(c, inv, &c->subjects.v[i].labels);
	}
	for (size_t i = 0; !r && i < c->peers.n; i++)
		r = add_labels(c, inv, &c->peers.v[i]);
	for (int i = 0; !r && !c->q->only_inventory && i < N_RESERVED; i++)
		r = add_reserved(c, inv, reserved[i]);
	return r;
}

static int give_addrs(struct pst_diff_cast *c, struct pst_diff_stage *stage)
{
	struct pst_inventory *inv = &stage->inventory;
	int r = 0;

	for (size_t i = 0; !r && i < inv->n_endpoints; i++) {
		r = take_addrs(c, inv->endpoints[i].addrs, inv->endpoints[i].n_addrs);
		if (!r)
			r = make_addr(c, &stage->endpoint_addrs[i]);
		inv->endpoints[i].addrs = &stage->endpoint_addrs[i];
		inv->endpoints[i].n_addrs = 1;
	}
	for (size_t i = 0; !r && i < inv->n_nodes; i++) {
		r = take_addrs(c, inv->nodes[i].addrs, inv->nodes[i].n_addrs);
		if (!r)
			r = make_addr(c, &stage->node_addrs[i]);
		inv->nodes[i].addrs = &stage->node_addrs[i];
		inv->nodes[i].n_addrs = 1;
	}
	return r;
}

int pst_diff_stage_set(struct pst_diff_cast *c, enum pst_diff_side side)
{
	const struct pst_inventory *from = c->q->inventory[side];
	struct pst_diff_stage *stage = &c->stage[side];
	struct pst_inventory *to = &stage->inventory;
	const size_t room = from->n_endpoints + c->n + c->peers.n + N_RESERVED;
	int r;

	*to = *from;
	to->endpoints = pst_arena_calloc(c->arena, room, sizeof(*to->endpoints));
	to->nodes = pst_arena_calloc(c->arena, from->n_nodes, sizeof(*to->nodes));
	stage->endpoint_addrs = pst_arena_calloc(c->arena, room, sizeof(struct pst_addr));
	stage->node_addrs = pst_arena_calloc(c->arena, from->n_nodes, sizeof(struct pst_addr));
	if (!to->endpoints || !to->nodes || !stage->endpoint_addrs || !stage->node_addrs)
		return -ENOMEM;
	if (from->n_endpoints)
		memcpy(to->endpoints, from->endpoints, from->n_endpoints * sizeof(*to->endpoints));
	if (from->n_nodes)
		memcpy(to->nodes, from->nodes, from->n_nodes * sizeof(*to->nodes));
	r = add_extras(c, to);
	return r ? r : give_addrs(c, stage);
}

/* Finding actors in the bundles. */
struct finder {
	struct pst_diff_cast *c;
	struct pst_bundle *const *bundles;
	uint32_t *by_name[PST_DIFF_SIDES], *by_labels[PST_DIFF_SIDES]; /* endpoints, sorted */
};

static int cmp_addr(const void *va, const void *vb)
{
	const struct pst_bundle_addr *a = va, *b = vb;
	int r = memcmp(a->addr, b->addr, sizeof(a->addr));

	return r ? r : (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

/* The identity behind an address that was made up. */
static uint32_t id_of(const struct finder *f, int side, const struct pst_addr *addr)
{
	const struct pst_bundle *b = f->bundles[side];
	struct pst_bundle_addr key = {.prefix = ADDR_BITS};
	const struct pst_bundle_addr *found;

	memcpy(key.addr, addr->b, sizeof(key.addr));
	found = bsearch(&key, b->addrs, b->n_addrs, sizeof(key), cmp_addr);
	return found ? found->value.identity : PST_ID_WORLD;
}

/* What a side makes of a pod or node that it does not have: a stranger with this address. */
static uint32_t stranger(const struct finder *f, int side, const struct pst_addr *addrs, size_t n)
{
	return n ? pst_judge_addr(f->bundles[side], addrs[0].b).identity : PST_ID_WORLD;
}

static const struct pst_endpoint *endpoint(const struct finder *f, int side, uint32_t i)
{
	return &f->c->stage[side].inventory.endpoints[i];
}

static int cmp_name(const struct pst_endpoint *a, const struct pst_endpoint *b)
{
	int r = strcmp(a->ns, b->ns);

	return r ? r : strcmp(a->name, b->name);
}

static int cmp_alike(const struct pst_endpoint *a, const struct pst_endpoint *b)
{
	int r = pst_labels_cmp(&a->labels, &b->labels);

	for (size_t i = 0; !r && i < a->n_ports && i < b->n_ports; i++)
		r = pst_named_port_cmp(&a->ports[i], &b->ports[i]);
	return r ? r : (a->n_ports > b->n_ports) - (a->n_ports < b->n_ports);
}

typedef int (*cmp_endpoints)(const struct pst_endpoint *a, const struct pst_endpoint *b);

struct order {
	const struct pst_endpoint *endpoints;
	cmp_endpoints cmp;
};

static int cmp_index(const void *va, const void *vb, void *ctx)
{
	const uint32_t *a = va, *b = vb;
	const struct order *o = ctx;

	return o->cmp(&o->endpoints[*a], &o->endpoints[*b]);
}

static uint32_t *sort_endpoints(const struct finder *f, int side, cmp_endpoints cmp)
{
	const size_t n = f->c->q->inventory[side]->n_endpoints;
	uint32_t *v = pst_arena_calloc(f->c->arena, n, sizeof(*v));
	struct order o = {f->c->stage[side].inventory.endpoints, cmp};

	for (uint32_t i = 0; v && i < n; i++)
		v[i] = i;
	if (v && n)
		qsort_r(v, n, sizeof(*v), cmp_index, &o);
	return v;
}

static const struct pst_endpoint *look_for(const struct finder *f, int side, const uint32_t *sorted,
					   const struct pst_endpoint *key, cmp_endpoints cmp)
{
	size_t lo = 0, hi = f->c->q->inventory[side]->n_endpoints;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct pst_endpoint *at = endpoint(f, side, sorted[mid]);
		int r = cmp(at, key);

		if (!r)
			return at;
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static int add_pod(struct finder *f, int side, uint32_t i)
{
	const int other = !side;
	const struct pst_endpoint *ep = endpoint(f, side, i), *same;
	const struct pst_endpoint *real = &f->c->q->inventory[side]->endpoints[i];
	struct pst_diff_actor a = {
		.kind = PST_DIFF_POD,
		.name = pst_arena_printf(f->c->arena, "%s/%s", ep->ns, ep->name),
		.labels = ep->labels,
		.subject = true,
	};

	same = look_for(f, other, f->by_name[other], ep, cmp_name);
	/* Both sides have it: it was added with the first one. */
	if (same && side == PST_DIFF_NEW)
		return 0;
	if (!same)
		same = look_for(f, other, f->by_labels[other], ep, cmp_alike);
	a.known[side] = true;
	a.id[side] = id_of(f, side, &ep->addrs[0]);
	a.known[other] = same != NULL;
	a.id[other] = same ? id_of(f, other, &same->addrs[0])
			   : stranger(f, other, real->addrs, real->n_addrs);
	if (!pst_diff_cast_has_two(f->c))
		a.subject = pst_diff_cast_is_subject(f->c, &ep->labels);
	return a.name ? pst_vec_push(&f->c->actors, a) : -ENOMEM;
}

static int add_extra(struct finder *f, size_t extra)
{
	struct pst_diff_actor a = {.known = {true, true}};

	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		const struct pst_endpoint *ep =
			endpoint(f, s, (uint32_t)(f->c->q->inventory[s]->n_endpoints + extra));

		a.id[s] = id_of(f, s, &ep->addrs[0]);
		a.labels = ep->labels;
		a.kind = strcmp(ep->ns, "reserved") ? PST_DIFF_LABELS : PST_DIFF_RESERVED;
		if (a.kind == PST_DIFF_RESERVED)
			a.name = pst_arena_printf(f->c->arena, "reserved:%s", ep->name);
	}
	if (a.kind == PST_DIFF_RESERVED && !a.name)
		return -ENOMEM;
	a.subject = a.kind == PST_DIFF_LABELS && pst_diff_cast_is_subject(f->c, &a.labels);
	return pst_vec_push(&f->c->actors, a);
}

static int add_host(struct finder *f)
{
	static struct pst_label label = {"reserved", "host", ""};
	const struct pst_diff_actor a = {
		.kind = PST_DIFF_RESERVED,
		.name = "reserved:host",
		.labels = {&label, 1},
		.known = {true, true},
		.id = {PST_ID_HOST, PST_ID_HOST},
	};

	return pst_vec_push(&f->c->actors, a);
}

static int add_node(struct finder *f, int side, size_t i)
{
	const int other = !side;
	const struct pst_inventory *there = f->c->q->inventory[other];
	const struct pst_node *node = &f->c->q->inventory[side]->nodes[i];
	struct pst_diff_actor a = {
		.kind = PST_DIFF_NODE,
		.name = node->name,
		.labels = node->labels,
	};
	size_t k = 0;

	while (k < there->n_nodes && strcmp(there->nodes[k].name, node->name))
		k++;
	a.known[side] = true;
	a.known[other] = k < there->n_nodes;
	if (a.known[other] && side == PST_DIFF_NEW)
		return 0;
	a.id[side] = id_of(f, side, &f->c->stage[side].node_addrs[i]);
	a.id[other] = a.known[other] ? id_of(f, other, &f->c->stage[other].node_addrs[k])
				     : stranger(f, other, node->addrs, node->n_addrs);
	return pst_vec_push(&f->c->actors, a);
}

static int add_outside(struct finder *f, const char *name, const struct pst_addr *addr)
{
	struct pst_diff_actor a = {
		.kind = PST_DIFF_OUTSIDE,
		.name = name,
		.addr = *addr,
		.known = {true, true},
	};

	for (int s = 0; s < PST_DIFF_SIDES; s++)
		a.id[s] = pst_judge_addr(f->bundles[s], addr->b).identity;
	return name ? pst_vec_push(&f->c->actors, a) : -ENOMEM;
}

/*
 * Prefixes of which longer ones leave nothing are nobody, and so is an address that a pod or a node
 * has.
 */
static int add_addresses(struct finder *f)
{
	struct pst_diff_cast *c = f->c;
	struct pst_prefix_list all = {0};
	struct pst_addr addr;
	int r = 0;

	for (size_t i = 0; !r && i < c->told.n + c->taken.n; i++)
		r = pst_vec_push(&all, i < c->told.n ? c->told.v[i] : c->taken.v[i - c->told.n]);
	pst_prefix_list_sort(&all);
	for (size_t i = 0; !r && i < c->told.n; i++) {
		const struct pst_prefix *p = &c->told.v[i];

		if (pst_prefix_list_find(&all, p, &addr) && !has_prefix(&c->taken, &addr))
			r = add_outside(f, pst_prefix_to_str(c->arena, p), &addr);
	}
	if (!r && pst_prefix_list_find_outside(&all, &addr))
		r = add_outside(f, "reserved:world", &addr);
	pst_vec_free(&all);
	return r;
}

static int cmp_actor(const void *va, const void *vb)
{
	const struct pst_diff_actor *a = va, *b = vb;
	int r = 0;

	for (int s = 0; !r && s < PST_DIFF_SIDES; s++)
		r = (a->id[s] > b->id[s]) - (a->id[s] < b->id[s]);
	for (int s = 0; !r && s < PST_DIFF_SIDES; s++)
		r = a->known[s] - b->known[s];
	if (!r)
		r = (int)a->kind - (int)b->kind;
	return r ? r : strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

static bool is_alike(const struct pst_diff_actor *a, const struct pst_diff_actor *b)
{
	return a->id[0] == b->id[0] && a->id[1] == b->id[1] && a->known[0] == b->known[0] &&
	       a->known[1] == b->known[1];
}

/* How people would look for them; numbers of identities say nothing. */
static int cmp_for_people(const void *va, const void *vb)
{
	const struct pst_diff_actor *a = va, *b = vb;
	int r = pst_labels_cmp(&a->labels, &b->labels);

	if (!r)
		r = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return r ? r : cmp_actor(a, b);
}

/* One actor for all that both sides take for the same. */
static void join(struct pst_diff_cast *c)
{
	size_t kept = 0;

	if (c->actors.n)
		qsort(c->actors.v, c->actors.n, sizeof(*c->actors.v), cmp_actor);
	for (size_t i = 0; i < c->actors.n; i++) {
		const struct pst_diff_actor a = c->actors.v[i];
		struct pst_diff_actor *last = kept ? &c->actors.v[kept - 1] : NULL;

		if (!last || !is_alike(last, &a)) {
			c->actors.v[kept++] = a;
			continue;
		}
		last->subject |= a.subject;
		last->n_alike += a.kind == PST_DIFF_POD;
	}
	c->actors.n = kept;
	if (kept)
		qsort(c->actors.v, kept, sizeof(*c->actors.v), cmp_for_people);
}

static int add_side(struct finder *f, int side)
{
	const struct pst_inventory *inv = f->c->q->inventory[side];
	int r = 0;

	for (uint32_t i = 0; !r && i < inv->n_endpoints; i++)
		r = add_pod(f, side, i);
	for (size_t i = 0; !r && i < inv->n_nodes; i++)
		r = add_node(f, side, i);
	return r;
}

int pst_diff_cast_find(struct pst_diff_cast *c, struct pst_bundle *const bundles[PST_DIFF_SIDES])
{
	struct finder f = {.c = c, .bundles = bundles};
	size_t n_extras;
	int r = 0;

	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		f.by_name[s] = sort_endpoints(&f, s, cmp_name);
		f.by_labels[s] = sort_endpoints(&f, s, cmp_alike);
		if (!f.by_name[s] || !f.by_labels[s])
			return -ENOMEM;
	}
	for (int s = 0; !r && s < PST_DIFF_SIDES; s++)
		r = add_side(&f, s);
	n_extras = c->stage[0].inventory.n_endpoints - c->q->inventory[0]->n_endpoints;
	for (size_t i = 0; !r && i < n_extras; i++)
		r = add_extra(&f, i);
	if (!r)
		r = add_host(&f);
	if (!r)
		r = add_addresses(&f);
	if (!r)
		join(c);
	return r;
}
