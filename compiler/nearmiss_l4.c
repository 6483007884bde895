// SPDX-License-Identifier: Apache-2.0
/*
 * The second half of compiler/nearmiss.h: rules of L3/L4.
 */
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/catalog.h"
#include "compiler/identity.h"
#include "compiler/nearlist.h"
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
	struct pst_portmap_conflict conflict;
	bool conflicts;
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
static bool is_nearer(const void *va, const void *vb)
{
	const struct pst_nearmiss_l4 *a = va, *b = vb;

	return a->what != b->what ? a->what < b->what : a->n_unmet < b->n_unmet;
}

/* Its peer and its port fit, and yet it allows nothing: why? False: it is not closed. */
static bool find_why(const struct finder *f, const struct pst_catalog_rule *r,
		     struct pst_nearmiss_l4 *m)
{
	const struct pst_catalog_rule *other = NULL;

	if (f->conflicts && f->conflict.first == r)
		other = f->conflict.second;
	else if (f->conflicts && f->conflict.second == r)
		other = f->conflict.first;
	if (other) {
		m->what = PST_MISS_CONFLICT;
		m->conflict = f->conflict.id;
		m->other = other->index;
		return true;
	}
	m->what = r->rule->auth >= PST_AUTH_REQUIRED ? PST_MISS_PROOF : PST_MISS_CLOSED;
	return m->what == PST_MISS_PROOF || r->rule->refused;
}

static struct pst_port_query ports_of(const struct finder *f)
{
	return (struct pst_port_query){
		.names = f->server ? f->server->ports : NULL,
		.n_names = f->server ? f->server->n_ports : 0,
	};
}

static bool has_peer(const struct finder *f, const struct pst_catalog_rule *r)
{
	const struct pst_peer_view view = {
		.labels = f->peer,
		.facts = &f->facts,
		.inventory = f->q->inventory,
	};

	return pst_peer_matches(r->rule, r->policy->ns, &view);
}

static void look(struct finder *f, const struct pst_catalog_rule *r)
{
	const struct pst_nearlist list = {f->all.v, sizeof(*f->all.v), &f->all.n, &f->all.n_more,
					  is_nearer};
	const struct pst_port_query ports = ports_of(f);
	const bool port = pst_portmap_covers(&ports, r->rule, f->q->protocol, f->q->port);
	/* Of a rule that was refused for a mistake nobody knows the peers. */
	const bool peer = has_peer(f, r) || (port && r->rule->refused && !r->closed);
	struct pst_nearmiss_l4 m = {.index = r->index, .rule = r->rule};

	if (!peer && !port) {
		f->all.n_others++;
		return;
	}
	if (peer && port && !find_why(f, r, &m))
		return;
	if (!peer || !port)
		m.what = peer ? PST_MISS_PORT : PST_MISS_PEER;
	if (m.what == PST_MISS_PEER)
		find_requirement(f, &m);
	pst_nearlist_insert(&list, &m);
}

static bool is_asked(const struct finder *f, const struct pst_catalog_rule *r)
{
	return !r->rule->deny && (enum pst_dir)r->rule->direction == f->q->direction &&
	       pst_selector_matches(&r->spec->subject, f->subject);
}

static int find_conflict(struct finder *f, const struct pst_catalog *catalog)
{
	struct PST_VEC(const struct pst_catalog_rule *) rules = {0};
	struct pst_port_query q = ports_of(f);
	int r = 0;

	for (size_t i = 0; !r && i < catalog->n_l4; i++) {
		const struct pst_catalog_rule *rule = &catalog->l4[i];

		if (is_asked(f, rule) && has_peer(f, rule))
			r = pst_vec_push(&rules, rule);
	}
	q.rules = rules.v;
	q.n_rules = rules.n;
	if (!r)
		r = pst_portmap_find_conflict(&q, f->q->protocol, f->q->port, &f->conflict);
	f->conflicts = r == 1;
	pst_vec_free(&rules);
	return r < 0 ? r : 0;
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
	if (find_conflict(&f, &catalog))
		return -ENOMEM;
	for (size_t i = 0; i < catalog.n_l4; i++) {
		if (is_asked(&f, &catalog.l4[i]))
			look(&f, &catalog.l4[i]);
	}
	*ret_misses = f.all;
	return 0;
}
