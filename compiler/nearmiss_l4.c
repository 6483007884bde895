// SPDX-License-Identifier: Apache-2.0
/*
 * The second half of compiler/nearmiss.h: rules of L3/L4.
 */
#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/catalog.h"
#include "compiler/identity.h"
#include "compiler/nearmiss.h"
#include "compiler/peer.h"
#include "compiler/portmap.h"
#include "compiler/prefix.h"

#include <errno.h>
#include <string.h>

struct finder {
	const struct pst_nearmiss_l4_query *q;
	const struct pst_labels *subject, *peer;
	struct pst_prefix prefix;
	struct pst_identity_facts facts; /* of the peer */
	const struct pst_endpoint *server;
	struct pst_nearmisses_l4 all;
};

static const struct pst_labels *labels_of(const struct pst_bundle *b, uint32_t id)
{
	static const struct pst_labels none;
	const struct pst_bundle_identity *identity = pst_identity_by_id(b, id);

	return identity ? &identity->labels : &none;
}

/* A prefix that policies tell apart is in the bundle as an address without a name. */
static void find_prefix(struct finder *f)
{
	const struct pst_bundle *b = f->q->b;

	for (size_t i = 0; i < b->n_addrs; i++) {
		const struct pst_bundle_addr *a = &b->addrs[i];
		struct pst_addr addr;

		if (a->name || a->value.identity != f->q->peer || a->value.flags)
			continue;
		memcpy(addr.b, a->addr, sizeof(addr.b));
		f->prefix = pst_prefix_of(&addr);
		f->prefix.len = (uint8_t)a->prefix;
		f->facts.prefix = &f->prefix;
		return;
	}
}

/* The pod whose named ports count: one with the labels of who accepts. */
static const struct pst_endpoint *find_server(const struct finder *f)
{
	const struct pst_inventory *inv = f->q->inventory;
	const struct pst_labels *labels = f->q->direction == PST_DIR_INGRESS ? f->subject : f->peer;

	for (size_t i = 0; i < inv->n_endpoints; i++) {
		if (!pst_labels_cmp(&inv->endpoints[i].labels, labels))
			return &inv->endpoints[i];
	}
	return NULL;
}

static bool meets(const struct pst_requirement *req, const struct pst_labels *labels)
{
	const struct pst_selector one = {.reqs = req, .n_reqs = 1};

	return pst_selector_matches(&one, labels);
}

/* Of the rule's selectors, the one of which the peer misses least. */
static void find_requirement(const struct finder *f, struct pst_nearmiss_l4 *m)
{
	for (size_t i = 0; i < m->rule->n_peers; i++) {
		const struct pst_selector *s = &m->rule->peers[i];
		const struct pst_requirement *first = NULL;
		size_t unmet = 0;

		for (size_t k = 0; k < s->n_reqs; k++) {
			if (meets(&s->reqs[k], f->peer))
				continue;
			first = unmet++ ? first : &s->reqs[k];
		}
		if (!unmet || (m->requirement && unmet >= m->n_unmet))
			continue;
		m->requirement = first;
		m->n_unmet = unmet;
		m->value = pst_labels_get(f->peer, first->source, first->key);
	}
}

/* In the order of PST_MISS_...; of peers, those that miss fewest labels first. */
static bool is_nearer(const struct pst_nearmiss_l4 *a, const struct pst_nearmiss_l4 *b)
{
	return a->what != b->what ? a->what < b->what : a->n_unmet < b->n_unmet;
}

static void insert(struct pst_nearmisses_l4 *all, const struct pst_nearmiss_l4 *m)
{
	size_t at = all->n;

	while (at && is_nearer(m, &all->v[at - 1]))
		at--;
	if (all->n == PST_NEARMISS_MAX)
		all->n_more++;
	else
		all->n++;
	if (at == PST_NEARMISS_MAX)
		return;
	memmove(&all->v[at + 1], &all->v[at], (all->n - 1 - at) * sizeof(*m));
	all->v[at] = *m;
}

static void look(struct finder *f, const struct pst_catalog_rule *r)
{
	const struct pst_peer_view view = {
		.labels = f->peer,
		.facts = &f->facts,
		.inventory = f->q->inventory,
	};
	const struct pst_port_query ports = {
		.names = f->server ? f->server->ports : NULL,
		.n_names = f->server ? f->server->n_ports : 0,
	};
	const bool peer = pst_peer_matches(r->rule, r->policy->ns, &view);
	const bool port = pst_portmap_covers(&ports, r->rule, f->q->protocol, f->q->port);
	struct pst_nearmiss_l4 m = {.index = r->index, .rule = r->rule};

	if (!peer && !port) {
		f->all.n_others++;
		return;
	}
	if (r->rule->refused && port)
		m.what = PST_MISS_CLOSED;
	else if (peer && port)
		return;
	else
		m.what = peer ? PST_MISS_PORT : PST_MISS_PEER;
	if (m.what == PST_MISS_PEER)
		find_requirement(f, &m);
	insert(&f->all, &m);
}

int pst_nearmiss_l4_find(const struct pst_nearmiss_l4_query *q,
			 struct pst_nearmisses_l4 *ret_misses)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();
	struct pst_diags *unused pst_cleanup(pst_diags_free) = pst_diags_new();
	struct finder f = {.q = q, .subject = labels_of(q->b, q->subject)};
	struct pst_catalog catalog;

	if (!arena || !unused || pst_catalog_build(q->policies, NULL, arena, unused, &catalog))
		return -ENOMEM;
	f.peer = labels_of(q->b, q->peer);
	f.server = find_server(&f);
	find_prefix(&f);
	for (size_t i = 0; i < catalog.n_l4; i++) {
		const struct pst_catalog_rule *r = &catalog.l4[i];

		if (!r->rule->deny && (enum pst_dir)r->rule->direction == q->direction &&
		    pst_selector_matches(&r->spec->subject, f.subject))
			look(&f, r);
	}
	*ret_misses = f.all;
	return 0;
}
