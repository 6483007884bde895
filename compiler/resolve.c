// SPDX-License-Identifier: Apache-2.0
#include "compiler/resolve.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/identity.h"
#include "compiler/peer.h"
#include "compiler/portmap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rule_list PST_VEC(const struct pst_catalog_rule *);
struct entry_list PST_VEC(struct pst_bundle_entry);

/* The port map of all peers that one set of rules matches. */
struct shared_map {
	const struct pst_catalog_rule **rules;
	size_t n_rules;
	bool allow_all;
	const struct pst_identity_facts *names; /* whose named ports count */
	struct pst_port_tails tails;
};

struct resolver {
	const struct pst_resolve_input *in;
	struct pst_ruleset_table *t;
	struct pst_diags *diags;
	struct pst_bundle *b;
	struct pst_identity_map identities;
	uint8_t *peer_matches; /* [l4 rule][identity] */
	struct entry_list entries;
	/* Of the subject and direction at hand: */
	const struct pst_bundle_identity *subject;
	enum pst_direction direction;
	struct rule_list rules;
	struct rule_list matched; /* scratch: those that match one peer */
	struct PST_VEC(struct shared_map) maps;
};

static int match_peers(struct resolver *r)
{
	size_t n_rules = r->in->catalog->n_l4, n_ids = r->b->n_identities;

	r->peer_matches = pst_mem_calloc(n_rules, n_ids);
	if (!r->peer_matches)
		return -ENOMEM;
	for (size_t i = 0; i < n_rules; i++) {
		const struct pst_catalog_rule *l4 = &r->in->catalog->l4[i];

		for (size_t k = 0; k < n_ids; k++) {
			const struct pst_peer_view view = {
				.labels = &r->b->identities[k].labels,
				.facts = &r->identities.facts[k],
				.inventory = r->in->inventory,
			};

			r->peer_matches[i * n_ids + k] =
				pst_peer_matches(l4->rule, l4->policy->ns, &view);
		}
	}
	return 0;
}

static int match_subject(struct resolver *r)
{
	const struct pst_catalog *c = r->in->catalog;
	const struct pst_spec *last = NULL;
	bool selected = false;

	r->rules.n = 0;
	for (size_t i = 0; i < c->n_l4; i++) {
		if (c->l4[i].spec != last) {
			last = c->l4[i].spec;
			selected = pst_selector_matches(&last->subject, &r->subject->labels);
		}
		if (selected && c->l4[i].rule->direction == r->direction &&
		    pst_vec_push(&r->rules, &c->l4[i]))
			return -ENOMEM;
	}
	return 0;
}

static void drop_maps(struct resolver *r)
{
	for (size_t i = 0; i < r->maps.n; i++) {
		free(r->maps.v[i].rules);
		pst_vec_free(&r->maps.v[i].tails);
	}
	r->maps.n = 0;
}

/* The map of the rules in R->matched, which LIKE describes. */
static int build_map(struct resolver *r, const struct shared_map *like,
		     const struct pst_port_tails **ret_tails)
{
	struct shared_map map = *like;
	struct pst_port_query q = {
		.rules = r->matched.v,
		.n_rules = r->matched.n,
		.enforce = r->subject->enforce[r->direction],
		.allow_all = map.allow_all,
		.names = map.names->ports,
		.n_names = map.names->n_ports,
	};
	int err;

	map.rules = pst_mem_calloc(r->matched.n, sizeof(*map.rules));
	if (!map.rules)
		return -ENOMEM;
	for (size_t i = 0; i < r->matched.n; i++)
		map.rules[i] = r->matched.v[i];
	err = pst_portmap_build(r->t, &q, &map.tails);
	if (!err)
		err = pst_vec_push(&r->maps, map);
	if (err) {
		free(map.rules);
		pst_vec_free(&map.tails);
		return err;
	}
	*ret_tails = &r->maps.v[r->maps.n - 1].tails;
	return 0;
}

/* The port map for the peer at PEER in the identities; valid until the next call. */
static int peer_map(struct resolver *r, size_t peer, const struct pst_port_tails **ret_tails)
{
	const struct pst_catalog *c = r->in->catalog;
	const bool ingress = r->direction == PST_DIRECTION_INGRESS;
	size_t server = ingress ? (size_t)(r->subject - r->b->identities) : peer;
	struct shared_map like = {
		.allow_all = ingress && r->b->identities[peer].id == PST_ID_HOST,
		.names = &r->identities.facts[server],
	};

	r->matched.n = 0;
	for (size_t i = 0; i < r->rules.n; i++) {
		size_t rule = (size_t)(r->rules.v[i] - c->l4);

		if (r->peer_matches[rule * r->b->n_identities + peer] &&
		    pst_vec_push(&r->matched, r->rules.v[i]))
			return -ENOMEM;
	}
	like.n_rules = r->matched.n;
	for (size_t i = 0; i < r->maps.n; i++) {
		struct shared_map *m = &r->maps.v[i];

		if (m->n_rules != like.n_rules || m->allow_all != like.allow_all ||
		    !pst_identity_same_ports(m->names, like.names) ||
		    (m->n_rules && memcmp(m->rules, r->matched.v, m->n_rules * sizeof(*m->rules))))
			continue;
		*ret_tails = &m->tails;
		return 0;
	}
	return build_map(r, &like, ret_tails);
}

static bool same_tail(const struct pst_port_tail *a, const struct pst_port_tail *b)
{
	return a->prefixlen == b->prefixlen && a->protocol == b->protocol && a->port == b->port &&
	       a->value.verdict == b->value.verdict && a->value.deny_rule == b->value.deny_rule &&
	       a->value.ruleset == b->value.ruleset && a->value.rule == b->value.rule;
}

static bool same_tails(const struct pst_port_tails *a, const struct pst_port_tails *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!same_tail(&a->v[i], &b->v[i]))
			return false;
	}
	return true;
}

static int put_entry(struct resolver *r, uint32_t peer, const struct pst_port_tail *tail)
{
	struct pst_bundle_entry e = {
		.key =
			{
				.prefixlen = tail->prefixlen,
				.subject = r->subject->id,
				.peer = peer,
				.direction = (uint8_t)r->direction,
				.protocol = tail->protocol,
				.port_be = {(uint8_t)(tail->port >> 8), (uint8_t)tail->port},
			},
		.value = tail->value,
	};

	return pst_vec_push(&r->entries, e);
}

static int put_tails(struct resolver *r, uint32_t peer, const struct pst_port_tails *tails,
		     size_t from)
{
	for (size_t i = from; i < tails->n; i++) {
		if (put_entry(r, peer, &tails->v[i]))
			return -ENOMEM;
	}
	return 0;
}

/*
 * A subject with entries is looked up, and a miss is a denial: so the catch-all of PST_ID_ANY is
 * left out only where it says just that. A subject without any entry in a direction is not looked
 * up there: where nothing is denied to anybody and there is no default deny, nothing is written.
 */
static int put_any(struct resolver *r, const struct pst_port_tails *world, bool others)
{
	bool enforce = r->subject->enforce[r->direction];
	struct pst_port_tail rest = {
		.prefixlen = PST_POLICY_STATIC_BITS,
		.value = pst_portmap_default(enforce),
	};
	bool by_default = same_tail(&world->v[0], &rest);

	if (by_default && !enforce && world->n == 1 && !others)
		return 0;
	return put_tails(r, PST_ID_ANY, world, by_default && enforce ? 1 : 0);
}

static size_t world_index(const struct pst_bundle *b)
{
	size_t i = 0;

	while (b->identities[i].id != PST_ID_WORLD)
		i++;
	return i;
}

static int resolve_peers(struct resolver *r)
{
	const struct pst_port_tails *tails;
	struct pst_port_tails world = {0};
	size_t before = r->entries.n;
	int err = peer_map(r, world_index(r->b), &tails);

	/* The list of maps may move when it grows, the tails themselves stay until it is dropped.
	 */
	if (!err)
		world = *tails;
	for (size_t i = 0; !err && i < r->b->n_identities; i++) {
		err = peer_map(r, i, &tails);
		if (!err && !same_tails(tails, &world))
			err = put_tails(r, r->b->identities[i].id, tails, 0);
		if (!err && r->entries.n > PST_POLICY_ENTRIES)
			err = -E2BIG;
	}
	if (!err)
		err = put_any(r, &world, r->entries.n > before);
	drop_maps(r);
	return err;
}

static int report_full(struct resolver *r)
{
	const struct pst_pos nowhere = {0};

	pst_diags_error(r->diags, "table-full", &nowhere,
			"the policies need more than the %d policy entries that the table holds "
			"(reached at identity %u of %zu identities)",
			PST_POLICY_ENTRIES, r->subject->id, r->b->n_identities);
	return -E2BIG;
}

static int resolve_subject(struct resolver *r, struct pst_bundle_identity *subject)
{
	int err = 0;

	r->subject = subject;
	for (int d = 0; !err && d < PST_DIRECTION_MAX; d++) {
		r->direction = d;
		err = match_subject(r);
		/* Default deny without a rule still lets the own node in. */
		if (!err && (r->rules.n || subject->enforce[d]))
			err = resolve_peers(r);
		if (r->entries.n > PST_POLICY_ENTRIES)
			return report_full(r);
	}
	return err;
}

/* Default deny: any spec that selects the identity asks for it. */
static void find_enforced(struct resolver *r, struct pst_bundle_identity *identity)
{
	for (size_t p = 0; p < r->in->policies->n_policies; p++) {
		const struct pst_policy *policy = &r->in->policies->policies[p];

		for (size_t i = 0; i < policy->n_specs; i++) {
			const struct pst_spec *spec = &policy->specs[i];

			if (!pst_selector_matches(&spec->subject, &identity->labels))
				continue;
			for (int d = 0; d < PST_DIRECTION_MAX; d++)
				identity->enforce[d] |= spec->default_deny[d];
		}
	}
}

static int cmp_entry(const void *a, const void *b)
{
	return pst_bundle_entry_cmp(a, b);
}

static int seal_entries(struct resolver *r)
{
	struct pst_bundle *b = r->b;

	b->entries = pst_arena_calloc(b->arena, r->entries.n, sizeof(*b->entries));
	if (!b->entries)
		return -ENOMEM;
	if (r->entries.n) {
		qsort(r->entries.v, r->entries.n, sizeof(*r->entries.v), cmp_entry);
		memcpy(b->entries, r->entries.v, r->entries.n * sizeof(*b->entries));
	}
	b->n_entries = r->entries.n;
	return 0;
}

static int resolve_all(struct resolver *r)
{
	int err = match_peers(r);

	for (size_t i = 0; !err && i < r->b->n_identities; i++) {
		struct pst_bundle_identity *identity = &r->b->identities[i];

		if (!pst_identity_is_subject(identity))
			continue;
		find_enforced(r, identity);
		err = resolve_subject(r, identity);
	}
	return err ? err : seal_entries(r);
}

int pst_resolve(const struct pst_resolve_input *in, struct pst_ruleset_table *t,
		struct pst_diags *diags, struct pst_bundle *b)
{
	struct resolver r = {.in = in, .t = t, .diags = diags, .b = b};
	struct pst_arena *scratch pst_cleanup(pst_arena_free) = pst_arena_new();
	int err = scratch ? pst_identities_collect(in, scratch, b, &r.identities) : -ENOMEM;

	if (!err)
		err = resolve_all(&r);
	if (!err)
		err = pst_identity_addrs(in, &r.identities, diags, b);
	drop_maps(&r);
	pst_vec_free(&r.maps);
	pst_vec_free(&r.rules);
	pst_vec_free(&r.matched);
	pst_vec_free(&r.entries);
	free(r.peer_matches);
	return err;
}
