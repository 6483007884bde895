// SPDX-License-Identifier: Apache-2.0
/*
 * Resolution of everything a peer can be against a reference that looks at one flow at a time, by
 * its addresses: no identities, no prefixes that are told apart, no intervals of ports. Slow on
 * purpose; read straight from the policy semantics (sections 0, 2, 3.2 and 5).
 */
#include "compiler/judge.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEED = 40417,
	ROUNDS = 150,
	MAX_HTTP = 256,
	LEN_OF_V4 = 96,
};

static const char host_addr[] = "10.0.9.1";

static const char *const prefixes[] = {
	"0.0.0.0/0",	 "::/0",	   "::/64",	   "10.0.0.0/8",      "10.0.0.0/24",
	"10.0.0.1/32",	 "10.0.1.1/32",	   "192.0.2.0/24", "192.0.2.128/25",  "192.0.2.129/32",
	"10.0.9.1/32",	 "203.0.113.7/32", "fd00::/8",	   "fd00::4/128",     "2001:db8::/32",
	"2001:db8::/33", "128.0.0.0/1",	   "2000::/3",	   "2001:db8::1/128",
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
};

static const char *const port_names[] = {"http", "dns", "nobody"};

static const uint16_t port_numbers[] = {1, 53, 80, 81, 443, 1023, 1024, 8080, 65535};

static const uint8_t icmp_types[] = {0, 8, 128, 255};

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
	bool enforce, denied, plain, http;
	const char *paths[MAX_HTTP];
	size_t n_paths;
};

static bool same_addr(const struct pst_addr *a, const struct pst_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static struct peer find_peer(struct model *m, const char *text)
{
	struct peer p = {0};
	struct pst_addr host;

	cr_assert_eq(pst_addr_from_str(text, &p.addr), 0);
	pst_addr_from_str(host_addr, &host);
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
		p.labels = model_labels(m, i ? "reserved:remote-node node:zone=b"
					     : "reserved:remote-node node:zone=a");
		return p;
	}
	p.is_host = same_addr(&host, &p.addr);
	p.is_world = !p.is_host;
	p.labels = model_labels(m, p.is_host ? "reserved:host" : "reserved:world");
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

static bool ref_cidr(const struct pst_cidr_peer *c, const struct flow *f)
{
	if (!f->peer.is_world || !ref_inside(c->prefix, &f->peer.addr))
		return false;
	return !c->n_except || !ref_inside(&c->except[0], &f->peer.addr);
}

static bool ref_service(const struct model *m, const char *name, const struct flow *f)
{
	for (size_t i = 0; i < m->inventory.n_services; i++) {
		const struct pst_service *s = &m->inventory.services[i];

		if (strcmp(s->name, name))
			continue;
		if (s->pods.n_reqs)
			return pst_selector_matches(&s->pods, &f->peer.labels);
		return f->peer.is_world && same_addr(&s->addrs[0], &f->peer.addr);
	}
	return false;
}

static bool ref_peer(const struct model *m, const struct pst_rule *rule, const struct flow *f)
{
	if (rule->peer_kind == PST_PEER_ABSENT)
		return rule->has_ports || rule->has_icmps;
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (pst_selector_matches(&rule->peers[i], &f->peer.labels))
			return true;
	}
	for (size_t i = 0; i < rule->n_cidrs; i++) {
		if (ref_cidr(&rule->cidrs[i], f))
			return true;
	}
	for (size_t i = 0; i < rule->n_services; i++) {
		if (ref_service(m, rule->services[i].name.s, f))
			return true;
	}
	return false;
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
	/* An entry without ports covers nothing; no two ports of one here. */
	if (!ports->n_ports || !ref_port(&ports->ports[0], f))
		return;
	if (rule->deny)
		a->denied = true;
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
	bool whole = !rule->has_ports && (!rule->has_icmps || ref_icmp(rule, f));

	if (rule->direction != f->direction || !ref_peer(m, rule, f) ||
	    (rule->refused && !rule->deny))
		return;
	if (whole && rule->deny)
		a->denied = true;
	else if (whole)
		a->plain = true;
	for (size_t i = 0; i < rule->n_ports; i++)
		ref_ports(&rule->ports[i], rule, f, a);
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
	if (!a->enforce || a->plain || (f->peer.is_host && f->direction == PST_DIRECTION_INGRESS))
		return PST_VERDICT_ALLOW;
	return a->http ? PST_VERDICT_JUDGE : PST_VERDICT_DENY;
}

/* Random models. */

static size_t pick(size_t n)
{
	return (size_t)rand() % n;
}

#define PICK(list) ((list)[pick(sizeof(list) / sizeof(*(list)))])

static void random_peers(struct model *m, struct pst_rule *rule)
{
	static const char *const selectors[] = {
		"",
		"k8s:a=0",
		"k8s:a=1",
		"k8s:b=1",
		"reserved:world",
		"reserved:host",
		"reserved:remote-node",
		"reserved:remote-node node:zone=a",
	};
	static const char *const services[] = {"pods", "outside", "absent"};

	rule->peer_kind = PST_PEER_SELECTORS;
	switch (pick(4)) {
	case 0:
		for (size_t n = pick(3); n; n--)
			model_peer(m, rule, PICK(selectors));
		/* As the loader says it: nodes are told apart only where a rule looks at them. */
		for (size_t i = 0; i < rule->n_peers; i++) {
			if (rule->peers[i].n_reqs > 1)
				rule->member = PST_MEMBER_NODES;
		}
		break;
	case 1:
		if (rule->direction == PST_DIRECTION_EGRESS)
			model_to_service(m, rule, PICK(services));
		break;
	default:
		for (size_t n = 1 + pick(2); n; n--)
			model_cidr(m, rule, PICK(prefixes), pick(2) ? PICK(prefixes) : NULL);
	}
}

static void random_http(struct model *m, struct pst_port_rule *p, int *n_http)
{
	for (size_t k = 1 + pick(2); k; k--)
		model_http(m, p, "GET", pst_arena_printf(m->arena, "/r%d", (*n_http)++), NULL);
}

static void random_ports(struct model *m, struct pst_rule *rule, int *n_http)
{
	static const enum pst_protocol protocols[] = {0, 0, 6, 6, 6, 17, 132, 47, 112};

	for (size_t n = 1 + pick(2); n; n--) {
		enum pst_protocol protocol = PICK(protocols);
		uint16_t port = PICK(port_numbers), end = PICK(port_numbers);
		struct pst_port_rule *p;

		/* A protocol of its own has no ports; else any port may be meant. */
		if (protocol == 47 || protocol == 112 || !pick(6))
			port = end = 0;
		p = model_port(m, rule, protocol, port, end > port ? end : 0);
		if (port && !pick(2)) {
			const char *name = PICK(port_names);

			p->ports[0].name = (struct pst_text){.s = name, .len = strlen(name)};
			p->ports[0].port = p->ports[0].end_port = 0;
		}
		if (!pick(12))
			p->n_ports = 0;
		if (!rule->deny && protocol == 6 && pick(2))
			random_http(m, p, n_http);
	}
}

static void random_rule(struct model *m, struct pst_spec *spec, int *n_http)
{
	struct pst_rule *rule = model_rule(m, spec, pick(2), !pick(4));

	if (pick(4))
		random_peers(m, rule);
	/* Without peers, ports or types the rule means nobody. */
	if (pick(5) == 0)
		model_icmp(m, rule, pick(2), PICK(icmp_types));
	else if (pick(3))
		random_ports(m, rule, n_http);
	if (!rule->deny && !pick(10))
		rule->refused = true;
}

static void random_model(struct model *m)
{
	static const char *const subjects[] = {"", "k8s:a=0", "k8s:b=1", "k8s:a=1 k8s:b=1"};
	int n_http = 0;

	model_init(m);
	model_endpoint(m, "e0", "k8s:a=0 k8s:b=0", "10.0.0.1");
	model_named_port(m, "http", 6, 8080);
	model_endpoint(m, "e1", "k8s:a=0 k8s:b=1", "10.0.0.2");
	model_named_port(m, "http", 6, 80);
	model_named_port(m, "dns", 17, 53);
	model_named_port(m, "dns", 6, 53);
	model_endpoint(m, "e2", "k8s:a=1 k8s:b=0", "10.0.0.3");
	model_endpoint(m, "e3", "k8s:a=1 k8s:b=1", "10.0.0.4");
	model_named_port(m, "http", 6, 81);
	model_endpoint(m, "twin", "k8s:a=1 k8s:b=1", "fd00::4");
	model_named_port(m, "http", 6, 8080);
	model_node(m, "n0", "node:zone=a", "10.0.1.1");
	model_node(m, "n1", "node:zone=b", "10.0.1.2");
	model_service(m, "outside", "", "203.0.113.7");
	model_service(m, "pods", "k8s:b=1", NULL);
	for (size_t n = 1 + pick(3); n; n--) {
		struct pst_spec *spec = model_policy(m, "p", PICK(subjects));

		for (size_t k = 1 + pick(5); k; k--)
			random_rule(m, spec, &n_http);
		if (!pick(4))
			spec->default_deny[pick(2)] = false;
	}
}

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
		for (size_t i = 0; i < 3 * sizeof(port_numbers) / sizeof(*port_numbers); i++) {
			f->port = (uint16_t)(port_numbers[i / 3] + i % 3 - 1);
			compare(m, b, f, round, peer);
		}
	}
	for (size_t p = 0; p < 3 * sizeof(with_types) * sizeof(icmp_types); p++) {
		f->protocol = with_types[p % 2];
		f->port = (uint8_t)(icmp_types[p / 6] + p / 2 % 3 - 1);
		compare(m, b, f, round, peer);
	}
}

static struct pst_bundle *compile(struct model *m, struct pst_diags *diags)
{
	struct pst_addr host;
	const struct pst_compile_opts opts = {.host_addrs = &host, .n_host_addrs = 1};
	struct pst_bundle *b = NULL;

	pst_addr_from_str(host_addr, &host);
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
}
