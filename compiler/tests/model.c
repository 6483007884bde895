// SPDX-License-Identifier: Apache-2.0
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t next_line = 1;

static struct pst_pos next_pos(void)
{
	uint32_t line = next_line++;

	return (struct pst_pos){"model.yaml", line, 1, line, 2};
}

static void *must(void *p)
{
	cr_assert_not_null(p, "no memory for the model");
	return p;
}

void model_init(struct model *m)
{
	*m = (struct model){.arena = must(pst_arena_new())};
	m->set.policies =
		must(pst_arena_calloc(m->arena, MODEL_POLICIES, sizeof(*m->set.policies)));
	m->inventory.endpoints =
		must(pst_arena_calloc(m->arena, MODEL_ENDPOINTS, sizeof(*m->inventory.endpoints)));
	m->inventory.nodes =
		must(pst_arena_calloc(m->arena, MODEL_PEERS, sizeof(*m->inventory.nodes)));
	m->inventory.services =
		must(pst_arena_calloc(m->arena, MODEL_PEERS, sizeof(*m->inventory.services)));
	m->inventory.cidr_groups =
		must(pst_arena_calloc(m->arena, MODEL_PEERS, sizeof(*m->inventory.cidr_groups)));
	m->inventory.names =
		must(pst_arena_calloc(m->arena, MODEL_PEERS, sizeof(*m->inventory.names)));
	next_line = 1;
}

void model_fini(struct model *m)
{
	pst_arena_free(&m->arena);
}

static struct pst_label parse_label(struct model *m, const char *text, size_t len)
{
	char *copy = must(pst_arena_strndup(m->arena, text, len));
	char *key = must(strchr(copy, ':'));
	char *value = strchr(key, '=');

	*key++ = 0;
	if (value)
		*value++ = 0;
	return (struct pst_label){copy, key, value ? value : ""};
}

struct pst_labels model_labels(struct model *m, const char *text)
{
	struct pst_labels labels = {
		.v = must(pst_arena_calloc(m->arena, strlen(text) + 1, sizeof(struct pst_label)))};

	while (*text) {
		size_t len = strcspn(text, " ");

		labels.v[labels.n++] = parse_label(m, text, len);
		text += len + (text[len] == ' ');
	}
	pst_labels_sort(&labels);
	return labels;
}

struct pst_selector model_selector(struct model *m, const char *text)
{
	struct pst_labels labels = model_labels(m, text);
	struct pst_requirement *reqs = must(pst_arena_calloc(m->arena, labels.n, sizeof(*reqs)));
	struct pst_selector sel = {.pos = next_pos(), .reqs = reqs, .n_reqs = labels.n};

	for (size_t i = 0; i < labels.n; i++) {
		struct pst_requirement *r = &reqs[i];
		const char **value = must(pst_arena_alloc(m->arena, sizeof(*value)));

		r->source = labels.v[i].source;
		r->key = labels.v[i].key;
		r->op = PST_LABEL_IN;
		*value = labels.v[i].value;
		r->values = value;
		r->n_values = 1;
	}
	return sel;
}

struct pst_spec *model_policy(struct model *m, const char *name, const char *subject)
{
	struct pst_policy *p = &m->set.policies[m->set.n_policies++];

	cr_assert_leq(m->set.n_policies, MODEL_POLICIES);
	*p = (struct pst_policy){.pos = next_pos(), .name = name, .ns = "default", .n_specs = 1};
	p->specs = must(pst_arena_calloc(m->arena, MODEL_SPECS, sizeof(*p->specs)));
	p->specs[0].pos = next_pos();
	p->specs[0].path = "spec";
	p->specs[0].subject = model_selector(m, subject);
	p->specs[0].rules = must(pst_arena_calloc(m->arena, MODEL_RULES, sizeof(struct pst_rule)));
	return &p->specs[0];
}

struct pst_rule *model_rule(struct model *m, struct pst_spec *spec, enum pst_direction direction,
			    bool deny)
{
	struct pst_rule *r = &spec->rules[spec->n_rules++];

	cr_assert_leq(spec->n_rules, MODEL_RULES);
	*r = (struct pst_rule){.pos = next_pos(), .direction = direction, .deny = deny};
	r->peers = must(pst_arena_calloc(m->arena, MODEL_PORTS, sizeof(*r->peers)));
	r->cidrs = must(pst_arena_calloc(m->arena, MODEL_PEERS, sizeof(*r->cidrs)));
	r->fqdns = must(pst_arena_calloc(m->arena, MODEL_PEERS, sizeof(*r->fqdns)));
	r->services = must(pst_arena_calloc(m->arena, MODEL_PEERS, sizeof(*r->services)));
	r->icmps = must(pst_arena_calloc(m->arena, MODEL_PEERS, sizeof(*r->icmps)));
	r->ports = must(pst_arena_calloc(m->arena, MODEL_PORTS, sizeof(*r->ports)));
	spec->default_deny[direction] = true;
	return r;
}

void model_peer(struct model *m, struct pst_rule *rule, const char *text)
{
	rule->peer_kind = PST_PEER_SELECTORS;
	cr_assert_lt(rule->n_peers, MODEL_PORTS);
	rule->peers[rule->n_peers++] = model_selector(m, text);
}

struct pst_port_rule *model_port(struct model *m, struct pst_rule *rule, enum pst_protocol protocol,
				 uint16_t port, uint16_t end)
{
	struct pst_port_rule *p = &rule->ports[rule->n_ports++];

	cr_assert_leq(rule->n_ports, MODEL_PORTS);
	rule->has_ports = true;
	*p = (struct pst_port_rule){.pos = next_pos(), .n_ports = 1};
	p->ports = must(pst_arena_calloc(m->arena, 1, sizeof(*p->ports)));
	p->ports[0] = (struct pst_port){
		.pos = next_pos(),
		.port = port,
		.end_port = end ? end : port,
		.protocol = protocol,
	};
	p->http = must(pst_arena_calloc(m->arena, MODEL_RULES * 8, sizeof(*p->http)));
	return p;
}

static struct pst_text text(const char *s)
{
	return (struct pst_text){.s = s, .len = s ? strlen(s) : 0, .pos = next_pos()};
}

struct pst_http_rule *model_http(struct model *m, struct pst_port_rule *ports, const char *method,
				 const char *path, const char *host)
{
	struct pst_http_rule *h = &ports->http[ports->n_http++];

	(void)m;
	cr_assert_leq(ports->n_http, MODEL_RULES * 8);
	*h = (struct pst_http_rule){
		.pos = next_pos(),
		.index = ports->n_http - 1,
		.method = text(method),
		.path = text(path),
		.host = text(host),
	};
	return h;
}

void model_endpoint(struct model *m, const char *name, const char *labels, const char *addr)
{
	struct pst_endpoint *e = &m->inventory.endpoints[m->inventory.n_endpoints++];

	cr_assert_leq(m->inventory.n_endpoints, MODEL_ENDPOINTS);
	*e = (struct pst_endpoint){
		.pos = next_pos(),
		.name = name,
		.ns = "default",
		.labels = model_labels(m, labels),
		.addrs = must(pst_arena_calloc(m->arena, 1, sizeof(*e->addrs))),
		.n_addrs = 1,
	};
	cr_assert_eq(pst_addr_from_str(addr, &e->addrs[0]), 0);
}

void model_named_port(struct model *m, const char *name, enum pst_protocol protocol, uint16_t port)
{
	struct pst_endpoint *e = &m->inventory.endpoints[m->inventory.n_endpoints - 1];

	if (!e->ports)
		e->ports = must(pst_arena_calloc(m->arena, MODEL_PORTS, sizeof(*e->ports)));
	cr_assert_lt(e->n_ports, MODEL_PORTS);
	e->ports[e->n_ports++] = (struct pst_named_port){name, port, protocol};
}

static struct pst_addr *one_addr(struct model *m, const char *text)
{
	struct pst_addr *addr = must(pst_arena_calloc(m->arena, 1, sizeof(*addr)));

	cr_assert_eq(pst_addr_from_str(text, addr), 0, "%s", text);
	return addr;
}

void model_node(struct model *m, const char *name, const char *labels, const char *addr)
{
	cr_assert_lt(m->inventory.n_nodes, MODEL_PEERS);
	m->inventory.nodes[m->inventory.n_nodes++] = (struct pst_node){
		.pos = next_pos(),
		.name = name,
		.labels = model_labels(m, labels),
		.addrs = one_addr(m, addr),
		.n_addrs = 1,
	};
}

void model_service(struct model *m, const char *name, const char *pods, const char *addr)
{
	struct pst_service *s = &m->inventory.services[m->inventory.n_services++];

	cr_assert_leq(m->inventory.n_services, MODEL_PEERS);
	*s = (struct pst_service){.pos = next_pos(), .name = name, .ns = "default"};
	s->pods = model_selector(m, pods);
	if (!addr)
		return;
	s->addrs = one_addr(m, addr);
	s->n_addrs = 1;
}

struct pst_prefix model_prefix(const char *text)
{
	struct pst_prefix p = {.pos = next_pos(), .len = 128, .is_v4 = !strchr(text, ':')};
	const char *slash = strchr(text, '/');
	struct pst_addr addr;
	char buf[64];

	snprintf(buf, sizeof(buf), "%.*s", slash ? (int)(slash - text) : 63, text);
	cr_assert_eq(pst_addr_from_str(buf, &addr), 0, "%s", text);
	memcpy(p.addr, addr.b, sizeof(p.addr));
	if (slash)
		p.len = (uint8_t)(strtoul(slash + 1, NULL, 10) + (p.is_v4 ? 96 : 0));
	return p;
}

void model_cidr(struct model *m, struct pst_rule *rule, const char *text, const char *except)
{
	struct pst_prefix *p = must(pst_arena_calloc(m->arena, 2, sizeof(*p)));
	struct pst_cidr_peer *peer = &rule->cidrs[rule->n_cidrs++];

	cr_assert_leq(rule->n_cidrs, MODEL_PEERS);
	rule->peer_kind = PST_PEER_SELECTORS;
	p[0] = model_prefix(text);
	if (except)
		p[1] = model_prefix(except);
	*peer = (struct pst_cidr_peer){
		.pos = p[0].pos,
		.prefix = &p[0],
		.except = &p[1],
		.n_except = except ? 1 : 0,
	};
}

static int compare_addrs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pst_addr));
}

void model_backend(struct model *m, const char *addr)
{
	struct pst_service *s = &m->inventory.services[m->inventory.n_services - 1];
	struct pst_addr *v = must(pst_arena_calloc(m->arena, s->n_addrs + 1, sizeof(*v)));

	memcpy(v, s->addrs, s->n_addrs * sizeof(*v));
	cr_assert_eq(pst_addr_from_str(addr, &v[s->n_addrs]), 0);
	s->addrs = v;
	qsort(v, ++s->n_addrs, sizeof(*v), compare_addrs);
}

void model_service_labels(struct model *m, const char *labels)
{
	m->inventory.services[m->inventory.n_services - 1].labels = model_labels(m, labels);
}

void model_group(struct model *m, const char *name, const char *labels, const char *prefix)
{
	struct pst_cidr_group *g = &m->inventory.cidr_groups[m->inventory.n_cidr_groups++];

	cr_assert_leq(m->inventory.n_cidr_groups, MODEL_PEERS);
	*g = (struct pst_cidr_group){.pos = next_pos(), .name = name};
	g->labels = model_labels(m, labels);
	g->prefixes = must(pst_arena_calloc(m->arena, 1, sizeof(*g->prefixes)));
	if (*prefix)
		g->prefixes[g->n_prefixes++] = model_prefix(prefix);
}

void model_name(struct model *m, const char *name, const char *addr)
{
	cr_assert_lt(m->inventory.n_names, MODEL_PEERS);
	m->inventory.names[m->inventory.n_names++] = (struct pst_dns_name){
		.name = name,
		.addrs = one_addr(m, addr),
		.n_addrs = 1,
	};
}

void model_to_group(struct model *m, struct pst_rule *rule, const char *name, const char *labels,
		    const char *except)
{
	struct pst_selector *sel = must(pst_arena_calloc(m->arena, 1, sizeof(*sel)));
	struct pst_prefix *p = must(pst_arena_calloc(m->arena, 1, sizeof(*p)));

	cr_assert_lt(rule->n_cidrs, MODEL_PEERS);
	rule->peer_kind = PST_PEER_SELECTORS;
	if (except)
		*p = model_prefix(except);
	if (!name)
		*sel = model_selector(m, labels);
	rule->cidrs[rule->n_cidrs++] = (struct pst_cidr_peer){
		.pos = next_pos(),
		.group_name = text(name),
		.group_selector = name ? NULL : sel,
		.except = p,
		.n_except = except ? 1 : 0,
	};
}

void model_fqdn(struct model *m, struct pst_rule *rule, const char *name, const char *pattern)
{
	(void)m;
	cr_assert_lt(rule->n_fqdns, MODEL_PEERS);
	rule->peer_kind = PST_PEER_SELECTORS;
	rule->fqdns[rule->n_fqdns++] = (struct pst_fqdn){
		.pos = next_pos(),
		.name = text(name),
		.pattern = text(pattern),
	};
}

void model_to_services(struct model *m, struct pst_rule *rule, const char *labels)
{
	struct pst_selector *sel = must(pst_arena_calloc(m->arena, 1, sizeof(*sel)));

	cr_assert_lt(rule->n_services, MODEL_PEERS);
	*sel = model_selector(m, labels);
	rule->peer_kind = PST_PEER_SELECTORS;
	rule->services[rule->n_services++] = (struct pst_service_peer){
		.pos = next_pos(),
		.selector = sel,
	};
}

void model_to_service(struct model *m, struct pst_rule *rule, const char *name)
{
	(void)m;
	cr_assert_lt(rule->n_services, MODEL_PEERS);
	rule->peer_kind = PST_PEER_SELECTORS;
	rule->services[rule->n_services++] = (struct pst_service_peer){
		.pos = next_pos(),
		.name = text(name),
	};
}

void model_icmp(struct model *m, struct pst_rule *rule, bool is_v6, uint8_t type)
{
	(void)m;
	cr_assert_lt(rule->n_icmps, MODEL_PEERS);
	rule->has_icmps = true;
	rule->icmps[rule->n_icmps++] = (struct pst_icmp){next_pos(), is_v6, type};
}

void model_dns(struct model *m, struct pst_port_rule *ports)
{
	ports->dns = must(pst_arena_calloc(m->arena, 1, sizeof(*ports->dns)));
	ports->dns[0] = (struct pst_fqdn){.pos = next_pos(), .pattern = text("*")};
	ports->n_dns = 1;
}

void model_listener(struct model *m, struct pst_port_rule *ports, const char *name,
		    unsigned int priority)
{
	ports->listener = must(pst_arena_calloc(m->arena, 1, sizeof(*ports->listener)));
	*ports->listener = (struct pst_listener){
		.pos = next_pos(),
		.config_name = text("config"),
		.name = text(name),
		.priority = priority,
	};
}

void model_tls(struct model *m, struct pst_port_rule *ports, const char *secret)
{
	ports->terminating_tls =
		must(pst_arena_calloc(m->arena, 1, sizeof(*ports->terminating_tls)));
	ports->terminating_tls->pos = next_pos();
	ports->terminating_tls->secret.name = text(secret);
}

void model_server_name(struct model *m, struct pst_port_rule *ports)
{
	ports->server_names = must(pst_arena_calloc(m->arena, 1, sizeof(*ports->server_names)));
	ports->server_names[0] = text("name.example");
	ports->n_server_names = 1;
}

void model_close(struct model *m, struct pst_rule *rule)
{
	struct pst_rule *written = must(pst_arena_alloc(m->arena, sizeof(*written)));

	*written = *rule;
	written->refused = rule->refused = true;
	rule->written = written;
	rule->peer_kind = PST_PEER_SELECTORS;
	rule->n_peers = rule->n_cidrs = rule->n_services = rule->n_fqdns = 0;
	rule->auth = PST_AUTH_NONE;
}

struct pst_bundle *model_compile(struct model *m, struct pst_diags *diags)
{
	struct pst_bundle *b = NULL;

	cr_assert_eq(pst_compile(&m->set, &m->inventory, NULL, diags, &b), 0);
	if (pst_bundle_verify(b, diags)) {
		pst_diags_print(diags, stderr);
		cr_assert_fail("the compiler's own bundle does not pass verification");
	}
	return b;
}

struct pst_port_rule *model_web(struct model *m, uint16_t port)
{
	struct pst_rule *rule;

	model_endpoint(m, "web", "k8s:app=web", "10.0.0.1");
	rule = model_rule(m, model_policy(m, "p", "k8s:app=web"), PST_DIRECTION_INGRESS, false);
	return model_port(m, rule, PST_PROTOCOL_TCP, port, 0);
}
