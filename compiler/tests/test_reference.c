// SPDX-License-Identifier: Apache-2.0
/*
 * Resolution of everything a peer can be against a reference that looks at one flow at a time, by
 * its addresses: no identities, no prefixes that are told apart, no intervals of ports. Slow on
 * purpose; read straight from the policy semantics (sections 0, 2, 3.2 and 5).
 */
#include "compiler/judge.h"
#include "compiler/tests/model.h"
#include "compiler/tests/random_model.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	SEED = 40417,
	ROUNDS = 150,
	MAX_HTTP = 256,
	LEN_OF_V4 = 96,
};

/* Members and neighbours of the prefixes; endpoints, nodes, the own node, backends. */
static const char *const peers[] = {
	"10.0.0.1",
	"10.0.0.2",
	"10.0.0.3",
	"10.0.0.4",
	"fd00::4",
	"10.0.1.1",
	"10.0.1.2",
	"10.0.9.1",
	"10.0.0.0",
	"10.0.0.255",
	"10.0.1.0",
	"9.255.255.255",
	"10.255.255.255",
	"11.0.0.0",
	"192.0.1.255",
	"192.0.2.0",
	"192.0.2.127",
	"192.0.2.128",
	"192.0.2.129",
	"192.0.2.130",
	"192.0.3.0",
	"203.0.113.6",
	"203.0.113.7",
	"0.0.0.0",
	"127.255.255.255",
	"128.0.0.0",
	"255.255.255.255",
	"::",
	"::1",
	"::1:0:0:0:0",
	"fd00::5",
	"fcff::1",
	"fe00::",
	"2001:db8::1",
	"2001:db8:8000::",
	"2001:db9::",
	"1fff::",
	"2000::",
	"4000::",
	"2001:db7:ffff::",
	"198.51.100.1",
	"198.51.100.2",
	"192.0.2.53",
	"192.0.2.54",
	"2001:db8::53",
};

/* Who is at the other end of a flow. */
struct peer {
	struct pst_addr addr;
	struct pst_labels labels;
	bool is_host, is_world;
	const struct pst_endpoint *endpoint; /* NULL: none */
};

struct flow {
	const struct pst_endpoint *subject;
	struct peer peer;
	enum pst_direction direction;
	uint8_t protocol;
	uint16_t port;
};

struct answer {
	bool enforce, denied, auth, plain, http, conflict;
	const char *paths[MAX_HTTP];
	size_t n_paths;
};

static bool same_addr(const struct pst_addr *a, const struct pst_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static struct peer find_peer(struct model *m, const char *text)
{
	struct pst_addr host, apiserver;
	struct peer p = {0};

	cr_assert_eq(pst_addr_from_str(text, &p.addr), 0);
	pst_addr_from_str(random_host, &host);
	pst_addr_from_str(random_apiserver, &apiserver);
	for (size_t i = 0; i < m->inventory.n_endpoints; i++) {
		if (!same_addr(&m->inventory.endpoints[i].addrs[0], &p.addr))
			continue;
		p.endpoint = &m->inventory.endpoints[i];
		p.labels = p.endpoint->labels;
		return p;
	}
	for (size_t i = 0; i < m->inventory.n_nodes; i++) {
		if (!same_addr(&m->inventory.nodes[i].addrs[0], &p.addr))
			continue;
		p.labels = model_labels(
			m, i ? "reserved:remote-node node:zone=b reserved:kube-apiserver"
			     : "reserved:remote-node node:zone=a");
		return p;
	}
	p.is_host = same_addr(&host, &p.addr);
	p.is_world = !p.is_host;
	p.labels = model_labels(m, p.is_host ? "reserved:host"
				   : same_addr(&apiserver, &p.addr)
					   ? "reserved:world reserved:kube-apiserver"
					   : "reserved:world");
	return p;
}

static bool is_v4(const struct pst_addr *a)
{
	static const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return !memcmp(a->b, mapped, sizeof(mapped));
}

/* Bit for bit, so that it shares nothing with the compiler. */
static bool ref_inside(const struct pst_prefix *p, const struct pst_addr *a)
{
	if (p->is_v4 != is_v4(a))
		return false;
	for (int bit = p->is_v4 ? LEN_OF_V4 : 0; bit < p->len; bit++) {
		if ((p->addr[bit / 8] >> (7 - bit % 8) & 1) != (a->b[bit / 8] >> (7 - bit % 8) & 1))
			return false;
	}
	return true;
}

/* The groups that C names: is the address in one, and is there one at all? */
static bool ref_groups(const struct model *m, const struct pst_cidr_peer *c, const struct flow *f,
		       bool *ret_any)
{
	bool inside = false;

	*ret_any = false;
	for (size_t i = 0; i < m->inventory.n_cidr_groups; i++) {
		const struct pst_cidr_group *g = &m->inventory.cidr_groups[i];
		bool is_meant = c->group_name.s
					? !strcmp(c->group_name.s, g->name)
					: pst_selector_matches(c->group_selector, &g->labels);

		*ret_any |= is_meant;
		inside |= is_meant && g->n_prefixes && ref_inside(&g->prefixes[0], &f->peer.addr);
	}
	return inside;
}

static bool ref_cidr(const struct model *m, const struct pst_rule *rule,
		     const struct pst_cidr_peer *c, const struct flow *f)
{
	bool inside, any = true;

	if (!f->peer.is_world)
		return false;
	inside = c->prefix ? ref_inside(c->prefix, &f->peer.addr) : ref_groups(m, c, f, &any);
	/* A name that nobody has may mean any address, if that is the safe side. */
	if (c->group_name.s && !any)
		return rule->deny;
	return inside && (!c->n_except || !ref_inside(&c->except[0], &f->peer.addr));
}

static bool ref_backend(const struct pst_service *s, const struct pst_addr *addr)
{
	for (size_t i = 0; i < s->n_addrs; i++) {
		if (same_addr(&s->addrs[i], addr))
			return true;
	}
	return false;
}

static bool ref_service(const struct model *m, const struct pst_rule *rule,
			const struct pst_service_peer *peer, const struct flow *f)
{
	bool any = false, behind = false;

	for (size_t i = 0; i < m->inventory.n_services; i++) {
		const struct pst_service *s = &m->inventory.services[i];

		if (peer->selector ? !pst_selector_matches(peer->selector, &s->labels)
				   : strcmp(s->name, peer->name.s) != 0)
			continue;
		any = true;
		if (s->pods.n_reqs)
			behind |= pst_selector_matches(&s->pods, &f->peer.labels);
		else
			behind |= f->peer.is_world && ref_backend(s, &f->peer.addr);
	}
	return behind || (!any && !peer->selector && rule->deny);
}

/* Only the patterns that are drawn below. */
static bool ref_name(const struct pst_fqdn *fqdn, const char *name)
{
	if (fqdn->name.s)
		return !strcasecmp(fqdn->name.s, name);
	if (!strcmp(fqdn->pattern.s, "*"))
		return true;
	if (!strcmp(fqdn->pattern.s, "*.example"))
		return !strcmp(name, "a.example") || !strcmp(name, "b.example");
	return !strcmp(fqdn->pattern.s, "**.example") && strcmp(name, "example") != 0;
}

static bool ref_fqdn(const struct model *m, const struct pst_fqdn *fqdn, const struct flow *f)
{
	for (size_t i = 0; f->peer.is_world && i < m->inventory.n_names; i++) {
		if (ref_name(fqdn, m->inventory.names[i].name) &&
		    same_addr(&m->inventory.names[i].addrs[0], &f->peer.addr))
			return true;
	}
	return false;
}

static bool has_peers(const struct pst_rule *rule)
{
	return rule->n_peers || rule->n_cidrs || rule->n_services || rule->n_fqdns;
}

static bool ref_peer(const struct model *m, const struct pst_rule *rule, const struct flow *f)
{
	if (rule->peer_kind == PST_PEER_ABSENT)
		return rule->has_ports || rule->has_icmps || (rule->deny && rule->refused);
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (pst_selector_matches(&rule->peers[i], &f->peer.labels))
			return true;
	}
	for (size_t i = 0; i < rule->n_cidrs; i++) {
		if (ref_cidr(m, rule, &rule->cidrs[i], f))
			return true;
	}
	for (size_t i = 0; i < rule->n_services; i++) {
		if (ref_service(m, rule, &rule->services[i], f))
			return true;
	}
	for (size_t i = 0; i < rule->n_fqdns; i++) {
		if (ref_fqdn(m, &rule->fqdns[i], f))
			return true;
	}
	return rule->deny && rule->refused && !has_peers(rule);
}

static bool ref_named(const char *name, const struct flow *f)
{
	const struct pst_endpoint *server =
		f->direction == PST_DIRECTION_INGRESS ? f->subject : f->peer.endpoint;

	for (size_t i = 0; server && i < server->n_ports; i++) {
		const struct pst_named_port *np = &server->ports[i];

		if (!strcmp(np->name, name) && np->protocol == f->protocol && np->port == f->port)
			return true;
	}
	return false;
}

static bool ref_port(const struct pst_port *p, const struct flow *f)
{
	bool has_ports = f->protocol == 6 || f->protocol == 17 || f->protocol == 132;

	if (p->protocol ? p->protocol != f->protocol : !has_ports)
		return false;
	if (p->name.s)
		return ref_named(p->name.s, f);
	return !p->port || (f->port >= p->port && f->port <= p->end_port);
}

static bool ref_icmp(const struct pst_rule *rule, const struct flow *f)
{
	for (size_t i = 0; i < rule->n_icmps; i++) {
		if (f->protocol == (rule->icmps[i].is_v6 ? 58 : 1) &&
		    f->port == rule->icmps[i].type)
			return true;
	}
	return false;
}

static void ref_ports(const struct pst_port_rule *ports, const struct pst_rule *rule,
		      const struct flow *f, struct answer *a)
{
	/* An entry without ports covers nothing, or what could not be read; no two ports here. */
	if (ports->n_ports ? !ref_port(&ports->ports[0], f) : !(rule->deny && rule->refused))
		return;
	if (rule->deny)
		a->denied = true;
	else if (rule->auth >= PST_AUTH_REQUIRED)
		a->auth = true;
	else if (!ports->n_http)
		a->plain = true;
	else if (f->protocol == 6)
		a->http = true;
	for (size_t k = 0; !rule->deny && f->protocol == 6 && k < ports->n_http; k++)
		a->paths[a->n_paths++] = ports->http[k].path.s;
}

static void ref_rule(const struct model *m, const struct pst_rule *rule, const struct flow *f,
		     struct answer *a)
{
	const bool closed = rule->written;
	bool whole = !rule->has_ports && (!rule->has_icmps || ref_icmp(rule, f));

	if (closed)
		rule = rule->written;
	if (rule->direction != f->direction || !ref_peer(m, rule, f))
		return;
	/* A closed rule still asks for proofs; else it says nothing by itself. */
	if (closed ? rule->auth < PST_AUTH_REQUIRED : rule->refused && !rule->deny)
		return;
	if (whole && rule->deny)
		a->denied = true;
	else if (whole && rule->auth >= PST_AUTH_REQUIRED)
		a->auth = true;
	else if (whole)
		a->plain = true;
	for (size_t i = 0; i < rule->n_ports; i++)
		ref_ports(&rule->ports[i], rule, f, a);
}

static bool ref_text(const struct pst_text *a, const struct pst_text *b)
{
	return !a->s == !b->s && (!a->s || !strcmp(a->s, b->s));
}

/* Selectors are drawn from a list, so those that are the same have their parts in one order. */
static bool ref_selector(const struct pst_selector *a, const struct pst_selector *b)
{
	if (a->n_reqs != b->n_reqs)
		return false;
	for (size_t i = 0; i < a->n_reqs; i++) {
		if (strcmp(a->reqs[i].source, b->reqs[i].source) ||
		    strcmp(a->reqs[i].key, b->reqs[i].key) ||
		    strcmp(a->reqs[i].values[0], b->reqs[i].values[0]))
			return false;
	}
	return true;
}

static bool ref_prefix(const struct pst_prefix *a, const struct pst_prefix *b)
{
	return a->len == b->len && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static bool ref_cidr_alike(const struct pst_cidr_peer *a, const struct pst_cidr_peer *b)
{
	if (a->n_except != b->n_except || (a->n_except && !ref_prefix(a->except, b->except)))
		return false;
	if (a->prefix && b->prefix)
		return ref_prefix(a->prefix, b->prefix);
	if (a->group_selector && b->group_selector)
		return ref_selector(a->group_selector, b->group_selector);
	return !a->prefix && !b->prefix && !a->group_selector && !b->group_selector &&
	       ref_text(&a->group_name, &b->group_name);
}

static bool ref_service_alike(const struct pst_service_peer *a, const struct pst_service_peer *b)
{
	if (a->selector && b->selector)
		return ref_selector(a->selector, b->selector);
	return !a->selector && !b->selector && ref_text(&a->name, &b->name);
}

/* Both have a peer that is written alike; no peers at all are the selector of everybody. */
static bool ref_alike(const struct pst_rule *a, const struct pst_rule *b)
{
	static struct pst_selector all;
	const bool absent_a = a->peer_kind == PST_PEER_ABSENT;
	const bool absent_b = b->peer_kind == PST_PEER_ABSENT;
	bool alike = false;

	for (size_t i = 0; i < (absent_a ? 1 : a->n_peers); i++) {
		for (size_t k = 0; k < (absent_b ? 1 : b->n_peers); k++)
			alike |= (a->member == PST_MEMBER_NODES) ==
					 (b->member == PST_MEMBER_NODES) &&
				 ref_selector(absent_a ? &all : &a->peers[i],
					      absent_b ? &all : &b->peers[k]);
	}
	for (size_t i = 0; i < a->n_cidrs; i++) {
		for (size_t k = 0; k < b->n_cidrs; k++)
			alike |= ref_cidr_alike(&a->cidrs[i], &b->cidrs[k]);
	}
	for (size_t i = 0; i < a->n_services; i++) {
		for (size_t k = 0; k < b->n_services; k++)
			alike |= ref_service_alike(&a->services[i], &b->services[k]);
	}
	for (size_t i = 0; i < a->n_fqdns; i++) {
		for (size_t k = 0; k < b->n_fqdns; k++)
			alike |= a->fqdns[i].name.s
					 ? ref_text(&a->fqdns[i].name, &b->fqdns[k].name)
					 : !b->fqdns[k].name.s && ref_text(&a->fqdns[i].pattern,
									   &b->fqdns[k].pattern);
	}
	return alike;
}

/* Section 1.7, A against B. */
static bool ref_at_odds(const struct pst_port_rule *a, const struct pst_port_rule *b)
{
	const bool tls_a = a->terminating_tls || a->n_server_names;

	if (a->n_dns && (b->n_http || b->listener || b->terminating_tls || b->n_server_names))
		return true;
	if (a->n_http && b->listener)
		return true;
	if (tls_a && b->listener)
		return true;
	if (a->terminating_tls && b->terminating_tls)
		return strcmp(a->terminating_tls->secret.name.s, b->terminating_tls->secret.name.s);
	if (a->listener && b->listener)
		return a->listener->priority == b->listener->priority &&
		       strcmp(a->listener->name.s, b->listener->name.s);
	return a->n_server_names && b->n_http && !a->terminating_tls && !b->terminating_tls;
}

struct wish {
	const struct pst_rule *rule;
	const struct pst_port_rule *entry;
};

/* All that want something of the flow, two by two. */
static bool ref_conflict(const struct model *m, const struct flow *f)
{
	struct wish all[MODEL_POLICIES * MODEL_RULES * MODEL_PORTS];
	size_t n = 0;

	for (size_t p = 0; p < m->set.n_policies; p++) {
		const struct pst_spec *spec = m->set.policies[p].specs;

		for (size_t i = 0; i < spec->n_rules; i++) {
			const bool closed = spec->rules[i].written;
			const struct pst_rule *r =
				closed ? spec->rules[i].written : &spec->rules[i];

			if (r->deny || (r->refused && !closed) || r->direction != f->direction ||
			    !pst_selector_matches(&spec->subject, &f->subject->labels) ||
			    !ref_peer(m, r, f))
				continue;
			for (size_t k = 0; k < r->n_ports; k++) {
				if (r->ports[k].n_ports && ref_port(&r->ports[k].ports[0], f))
					all[n++] = (struct wish){r, &r->ports[k]};
			}
		}
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			if (i != k && ref_alike(all[i].rule, all[k].rule) &&
			    ref_at_odds(all[i].entry, all[k].entry))
				return true;
		}
	}
	return false;
}

static enum pst_verdict reference(const struct model *m, const struct flow *f, struct answer *a)
{
	*a = (struct answer){0};
	for (size_t p = 0; p < m->set.n_policies; p++) {
		const struct pst_spec *spec = m->set.policies[p].specs;

		if (!pst_selector_matches(&spec->subject, &f->subject->labels))
			continue;
		a->enforce |= spec->default_deny[f->direction];
		for (size_t i = 0; i < spec->n_rules; i++)
			ref_rule(m, &spec->rules[i], f, a);
	}
	if (a->denied)
		return PST_VERDICT_DENY;
	if (f->peer.is_host && f->direction == PST_DIRECTION_INGRESS)
		return PST_VERDICT_ALLOW;
	/* Nobody can prove who he is: what wants that is denied, whatever else allows it. */
	if (a->auth)
		return PST_VERDICT_DENY;
	a->conflict = ref_conflict(m, f);
	if (a->conflict)
		return PST_VERDICT_DENY;
	if (!a->enforce || a->plain)
		return PST_VERDICT_ALLOW;
	return a->http ? PST_VERDICT_JUDGE : PST_VERDICT_DENY;
}

static size_t n_conflicts;

static bool same_http(const struct pst_bundle *b, uint32_t ruleset, const struct answer *a)
{
	const struct pst_bundle_ruleset *set = &b->rulesets[ruleset];

	for (size_t i = 0; i < a->n_paths; i++) {
		size_t k = 0;

		while (k < set->n_rules && strcmp(b->rules[set->rules[k]].target, a->paths[i]))
			k++;
		if (k == set->n_rules)
			return false;
	}
	return set->n_rules == a->n_paths;
}

static void compare(const struct model *m, const struct pst_bundle *b, const struct flow *f,
		    int round, const char *peer)
{
	struct answer want;
	enum pst_verdict verdict = reference(m, f, &want);
	struct pst_l4_query q = {
		.subject = pst_judge_addr(b, f->subject->addrs[0].b),
		.peer = pst_judge_addr(b, f->peer.addr.b).identity,
		.direction = (enum pst_dir)f->direction,
		.protocol = f->protocol,
		.port = f->port,
	};
	struct pst_l4_result got = pst_judge_l4(b, &q);

	cr_assert_eq(
		got.verdict, verdict,
		"seed %d round %d: %s, direction %d, peer %s (identity %#x), protocol %d, port "
		"%d: verdict %d, expected %d",
		SEED, round, f->subject->name, f->direction, peer, q.peer, f->protocol, f->port,
		got.verdict, verdict);
	n_conflicts += want.conflict;
	if (verdict == PST_VERDICT_DENY)
		cr_assert_eq(got.reason == PST_REASON_DENY_RULE, want.denied);
	if (verdict == PST_VERDICT_JUDGE)
		cr_assert(same_http(b, got.ruleset, &want), "seed %d round %d %s port %d", SEED,
			  round, peer, f->port);
}

static void compare_peer(const struct model *m, const struct pst_bundle *b, struct flow *f,
			 int round, const char *peer)
{
	static const uint8_t with_ports[] = {6, 17, 132, 47, 112};
	static const uint8_t with_types[] = {1, 58};

	for (size_t p = 0; p < sizeof(with_ports); p++) {
		f->protocol = with_ports[p];
		for (size_t i = 0; i < 3 * RANDOM_PORTS; i++) {
			f->port = (uint16_t)(random_ports[i / 3] + i % 3 - 1);
			compare(m, b, f, round, peer);
		}
	}
	for (size_t p = 0; p < 3 * sizeof(with_types) * RANDOM_TYPES; p++) {
		f->protocol = with_types[p % 2];
		f->port = (uint8_t)(random_types[p / 6] + p / 2 % 3 - 1);
		compare(m, b, f, round, peer);
	}
}

static struct pst_bundle *compile(struct model *m, struct pst_diags *diags)
{
	struct pst_addr host;
	const struct pst_compile_opts opts = {.host_addrs = &host, .n_host_addrs = 1};
	struct pst_bundle *b = NULL;

	pst_addr_from_str(random_host, &host);
	cr_assert_eq(pst_compile(&m->set, &m->inventory, &opts, diags, &b), 0);
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
	return b;
}

Test(reference, every_kind_of_peer_and_port_is_decided_as_flow_by_flow)
{
	srand(SEED);
	for (int round = 0; round < ROUNDS; round++) {
		struct pst_diags *diags = pst_diags_new();
		struct pst_bundle *b;
		struct model m;

		random_model(&m);
		b = compile(&m, diags);
		for (size_t p = 0; p < sizeof(peers) / sizeof(*peers); p++) {
			struct flow f = {.peer = find_peer(&m, peers[p])};

			for (size_t s = 0; s < 2 * m.inventory.n_endpoints; s++) {
				f.subject = &m.inventory.endpoints[s / 2];
				f.direction = s % 2;
				compare_peer(&m, b, &f, round, peers[p]);
			}
		}
		pst_bundle_free(&b);
		pst_diags_free(&diags);
		model_fini(&m);
	}
	cr_assert_gt(n_conflicts, 1000, "%zu flows with a conflict", n_conflicts);
}
