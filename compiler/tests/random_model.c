// SPDX-License-Identifier: Apache-2.0
#include "compiler/tests/random_model.h"

#include <criterion/criterion.h>
#include <stdlib.h>

const char random_host[] = "10.0.9.1";
const char random_apiserver[] = "198.51.100.1";

static const char *const prefixes[] = {
	"0.0.0.0/0",	 "::/0",	   "::/64",	   "10.0.0.0/8",      "10.0.0.0/24",
	"10.0.0.1/32",	 "10.0.1.1/32",	   "192.0.2.0/24", "192.0.2.128/25",  "192.0.2.129/32",
	"10.0.9.1/32",	 "203.0.113.7/32", "fd00::/8",	   "fd00::4/128",     "2001:db8::/32",
	"2001:db8::/33", "128.0.0.0/1",	   "2000::/3",	   "2001:db8::1/128",
};

static const char *const port_names[] = {"http", "dns", "nobody"};

const uint16_t random_ports[RANDOM_PORTS] = {1, 53, 80, 81, 443, 1023, 1024, 8080, 65535};

const uint8_t random_types[RANDOM_TYPES] = {0, 8, 128, 255};

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
		"reserved:kube-apiserver",
	};
	static const char *const services[] = {"pods", "outside", "absent"};
	static const char *const groups[] = {"g0", "g1", "g2", "absent"};
	static const char *const group_labels[] = {"", "any:zone=eu", "any:zone=none"};
	static const char *const service_labels[] = {"", "k8s:tier=a", "any:tier=none"};
	static const char *const names[] = {"A.example", "x.b.example", "nobody.example"};
	static const char *const patterns[] = {"*", "*.example", "**.example"};

	rule->peer_kind = PST_PEER_SELECTORS;
	switch (pick(6)) {
	case 5:
		for (size_t n = 1 + pick(2); n; n--)
			model_to_group(m, rule, pick(2) ? PICK(groups) : NULL, PICK(group_labels),
				       pick(2) ? PICK(prefixes) : NULL);
		break;
	case 4:
		if (rule->direction == PST_DIRECTION_EGRESS && !rule->deny)
			model_fqdn(m, rule, pick(2) ? PICK(names) : NULL, PICK(patterns));
		break;
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
		if (rule->direction == PST_DIRECTION_EGRESS && pick(2))
			model_to_service(m, rule, PICK(services));
		else if (rule->direction == PST_DIRECTION_EGRESS)
			model_to_services(m, rule, PICK(service_labels));
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

static void draw_ports(struct model *m, struct pst_rule *rule, int *n_http)
{
	static const enum pst_protocol protocols[] = {0, 0, 6, 6, 6, 17, 132, 47, 112};

	for (size_t n = 1 + pick(2); n; n--) {
		enum pst_protocol protocol = PICK(protocols);
		uint16_t port = PICK(random_ports), end = PICK(random_ports);
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

/* Something in toPorts that is not enforced. */
static void random_wish(struct model *m, struct pst_port_rule *p)
{
	static const char *const names[] = {"a", "b"};

	switch (pick(4)) {
	case 0:
		model_dns(m, p);
		p->n_http = 0;
		break;
	case 1:
		model_listener(m, p, PICK(names), (unsigned int)pick(2));
		p->n_http = 0;
		break;
	case 2:
		model_tls(m, p, PICK(names));
		break;
	default:
		model_server_name(m, p);
		p->n_http = 0;
	}
}

static void random_rule(struct model *m, struct pst_spec *spec, int *n_http)
{
	static const enum pst_auth_mode modes[] = {PST_AUTH_DISABLED, PST_AUTH_REQUIRED,
						   PST_AUTH_ALWAYS_FAIL};
	struct pst_rule *rule = model_rule(m, spec, pick(2), !pick(4));

	if (pick(4))
		random_peers(m, rule);
	/* Without peers, ports or types the rule means nobody. */
	if (pick(5) == 0)
		model_icmp(m, rule, pick(2), PICK(random_types));
	else if (pick(3))
		draw_ports(m, rule, n_http);
	if (!rule->deny && !pick(8))
		rule->auth = PICK(modes);
	if (!rule->deny && !pick(10))
		rule->refused = true;
	else if (!rule->deny && rule->n_ports && pick(2)) {
		random_wish(m, &rule->ports[pick(rule->n_ports)]);
		model_close(m, rule);
	}
	/* What the loader leaves of a deny rule with a mistake: no types, perhaps no peers. */
	if (rule->deny && !pick(10)) {
		rule->refused = true;
		rule->has_icmps = false;
		rule->n_icmps = 0;
	}
}

/* A rule with the peers of another one, on ports around one of its own. */
static void random_rival(struct model *m, struct pst_spec *spec, const struct pst_rule *of,
			 int *n_http)
{
	const struct pst_port *port = of->n_ports ? of->ports[0].ports : NULL;
	struct pst_rule *rule;
	struct pst_port_rule *p;

	if (!port || port->name.s || of->deny)
		return;
	rule = model_rule(m, spec, of->direction, false);
	rule->peer_kind = of->peer_kind;
	rule->member = of->member;
	rule->peers = of->peers;
	rule->n_peers = of->n_peers;
	rule->cidrs = of->cidrs;
	rule->n_cidrs = of->n_cidrs;
	rule->services = of->services;
	rule->n_services = of->n_services;
	rule->fqdns = of->fqdns;
	rule->n_fqdns = of->n_fqdns;
	p = model_port(m, rule, port->protocol ? port->protocol : PST_PROTOCOL_TCP, port->port,
		       pick(2) ? port->end_port : (uint16_t)(port->port + 1));
	if (p->ports[0].protocol == PST_PROTOCOL_TCP)
		random_http(m, p, n_http);
	if (!pick(3)) {
		random_wish(m, p);
		model_close(m, rule);
	}
}

void random_cluster(struct model *m)
{
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
	/* By name, as an inventory has them. */
	model_service(m, "kubernetes", "", random_apiserver);
	model_backend(m, "10.0.1.2");
	model_service(m, "outside", "", "203.0.113.7");
	model_service_labels(m, "k8s:tier=a");
	model_service(m, "pods", "k8s:b=1", NULL);
	model_group(m, "g0", "cidrgroup:zone=eu", "192.0.2.0/24");
	model_group(m, "g1", "cidrgroup:zone=us", "2001:db8::/33");
	model_group(m, "g2", "cidrgroup:zone=eu", "");
	model_name(m, "a.example", "192.0.2.53");
	model_name(m, "example", "192.0.2.54");
	model_name(m, "x.b.example", "2001:db8::53");
}

void random_policy(struct model *m, const char *name, int *n_http)
{
	static const char *const subjects[] = {"", "k8s:a=0", "k8s:b=1", "k8s:a=1 k8s:b=1"};
	struct pst_spec *spec = model_policy(m, name, PICK(subjects));

	for (size_t k = 1 + pick(5); k; k--)
		random_rule(m, spec, n_http);
	if (pick(3))
		random_rival(m, spec, pst_rule_as_written(&spec->rules[spec->n_rules - 1]), n_http);
	if (!pick(4))
		spec->default_deny[pick(2)] = false;
}

void random_model(struct model *m)
{
	int n_http = 0;

	random_cluster(m);
	for (size_t n = 1 + pick(3); n; n--)
		random_policy(m, "p", &n_http);
}
