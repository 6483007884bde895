// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_port.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/nearest.h"

enum {
	MAX_PORTS = 40, /* per element of toPorts, as in Cilium */
	MAX_PORT_NUMBER = 65535,
	MAX_SERVICE_NAME = 15,
};

struct build {
	struct pst_port_rule *pr;
	const struct pst_yaml_node *http; /* the list, when it is there */
};

static int read_host(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
static int read_method(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
static int read_path(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);

static int pass(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	(void)r;
	(void)n;
	(void)obj;
	return 0;
}

static const struct pst_field http_fields[] = {
	{.name = "method", .read = read_method},
	{.name = "path", .read = read_path},
	{.name = "host", .read = read_host},
	{.name = "headers", .unsupported = "unsupported-headers", .read = pass},
	{.name = "headerMatches", .unsupported = "unsupported-headers", .read = pass},
};
static const struct pst_fields http_table = PST_FIELDS("an HTTP rule", http_fields);

/* Cilium reads an empty string as an absent field. */
static int read_pattern(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_text *text)
{
	if (n->kind == PST_YAML_STRING && !n->len) {
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "http-empty-field", &n->key->pos,
			      "an empty %s restricts nothing, as if it were absent", n->key->s);
		return 0;
	}
	return pst_fields_text(r, n, text);
}

static int read_method(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_pattern(r, n, &((struct pst_http_rule *)obj)->method);
}

static int read_path(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_pattern(r, n, &((struct pst_http_rule *)obj)->path);
}

static int read_host(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_pattern(r, n, &((struct pst_http_rule *)obj)->host);
}

/* Bad elements are left out and counted; -EINVAL only when nothing is left of a list that said
 * something. */
static int read_http_elements(struct pst_reader *r, const struct pst_yaml_node *list,
			      struct build *b)
{
	struct pst_port_rule *pr = b->pr;
	size_t index = 0;

	pr->http = pst_arena_calloc(r->arena, list->len, sizeof(*pr->http));
	if (!pr->http)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = list->first; c; c = c->next) {
		struct pst_http_rule rule = {.pos = c->pos, .index = index++};
		int e = pst_fields_read(r, &http_table, c, &rule);

		if (e == -ENOMEM)
			return e;
		if (!e)
			pr->http[pr->n_http++] = rule;
	}
	return list->len && !pr->n_http ? -EINVAL : 0;
}

static int read_http(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int e = pst_fields_expect(r, n, PST_YAML_LIST);

	if (e)
		return e;
	if (!n->len)
		pst_diags_add(
			r->diags, PST_SEVERITY_WARNING, "http-empty", &n->key->pos,
			"an empty list of HTTP rules restricts nothing: every request is allowed");
	b->http = n;
	return read_http_elements(r, n, b);
}

static const struct pst_field rules_fields[] = {
	{.name = "http", .read = read_http},
	{.name = "dns", .unsupported = "unsupported-dns", .read = pass},
	{.name = "kafka",
	 .use = PST_FIELD_FORBIDDEN,
	 .id = "removed-field",
	 .why = "Kafka rules were removed from Cilium in version 1.20"},
	{.name = "l7proto",
	 .use = PST_FIELD_FORBIDDEN,
	 .id = "removed-field",
	 .why = "generic L7 rules (l7proto) were removed from Cilium in version 1.20"},
	{.name = "l7",
	 .use = PST_FIELD_FORBIDDEN,
	 .id = "removed-field",
	 .why = "generic L7 rules (l7) were removed from Cilium in version 1.20"},
};
static const struct pst_fields rules_table = PST_FIELDS("rules", rules_fields);

static int read_rules(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_read(r, &rules_table, n, obj);
}

/* Letters, digits and single inner hyphens, at least one letter: an IANA service name. */
static bool is_service_name(const char *s, size_t len)
{
	bool letter = false;

	if (!len || len > MAX_SERVICE_NAME || s[0] == '-' || s[len - 1] == '-' || strstr(s, "--"))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
		letter = letter || isalpha((unsigned char)s[i]);
	}
	return letter;
}

static int read_port_number(struct pst_reader *r, const struct pst_yaml_node *n,
			    struct pst_port *port)
{
	/* A leading zero means octal, as in Go's strconv. */
	bool octal = n->s[0] == '0' && n->len > 1;
	unsigned long value;

	if (strspn(n->s, octal ? "01234567" : "0123456789") != n->len || n->len > 12)
		return pst_diags_error(r->diags, "port-invalid", &n->pos,
				       "expected a port number from 0 to 65535, found \"%.32s\"%s",
				       n->s, octal ? " (a leading zero means octal)" : "");
	value = strtoul(n->s, NULL, octal ? 8 : 10);
	if (value > MAX_PORT_NUMBER)
		return pst_diags_error(r->diags, "port-range", &n->pos,
				       "expected a port number from 0 to 65535, found %lu", value);
	if (octal)
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "port-octal", &n->pos,
			      "a leading zero means octal: this is port %lu", value);
	port->port = (uint16_t)value;
	return 0;
}

static int read_port(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	if (!n->len)
		return pst_diags_error(
			r->diags, "port-invalid", &n->pos,
			"expected a port number from 0 to 65535, found an empty string");
	if (is_service_name(n->s, n->len))
		return pst_diags_error(r->diags, "unsupported-named-port", &n->pos,
				       "named ports (\"%s\") are not supported yet", n->s);
	return read_port_number(r, n, obj);
}

static int read_end_port(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_port *port = obj;
	unsigned int value = 0;
	int e = pst_fields_uint(r, n, MAX_PORT_NUMBER, &value);

	if (!e)
		port->end_port = (uint16_t)value;
	return e;
}

static const struct {
	const char *name;
	enum pst_protocol protocol;
	bool supported;
} protocols[] = {
	{"TCP", PST_PROTOCOL_TCP, true},   {"UDP", PST_PROTOCOL_UDP, true},
	{"SCTP", PST_PROTOCOL_SCTP, true}, {"ANY", PST_PROTOCOL_ANY, true},
	{"VRRP", PST_PROTOCOL_ANY, false}, {"IGMP", PST_PROTOCOL_ANY, false},
	{"GRE", PST_PROTOCOL_ANY, false},  {"IPIP", PST_PROTOCOL_ANY, false},
	{"IPV6", PST_PROTOCOL_ANY, false}, {"ESP", PST_PROTOCOL_ANY, false},
	{"AH", PST_PROTOCOL_ANY, false},
};

static int read_protocol(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	pst_nearest_init(&near, n->s);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		pst_nearest_offer(&near, protocols[i].name);
		if (strcmp(protocols[i].name, n->s))
			continue;
		((struct pst_port *)obj)->protocol = protocols[i].protocol;
		if (protocols[i].supported)
			return 0;
		return pst_diags_error(r->diags, "unsupported-protocol", &n->pos,
				       "the protocol %s is not supported yet", n->s);
	}
	return pst_diags_error(r->diags, "unknown-protocol", &n->pos,
			       "expected TCP, UDP, SCTP or ANY, found \"%.32s\"%s", n->s,
			       pst_nearest_hint(&near, hint));
}

static const struct pst_field port_fields[] = {
	{.name = "port", .required = true, .read = read_port},
	{.name = "endPort", .read = read_end_port},
	{.name = "protocol", .read = read_protocol},
};
static const struct pst_fields port_table = PST_FIELDS("a port", port_fields);

/* Makes end_port what the model promises. */
static int settle_range(struct pst_reader *r, struct pst_port *p)
{
	if (p->end_port && !p->port)
		return pst_diags_error(r->diags, "end-port-without-port", &p->pos,
				       "port 0 means every port and cannot start a range to %u",
				       p->end_port);
	if (p->end_port && p->end_port < p->port)
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "end-port-ignored", &p->pos,
			      "endPort %u is below port %u: only port %u is meant", p->end_port,
			      p->port, p->port);
	if (p->end_port < p->port)
		p->end_port = p->port;
	return 0;
}

static int read_port_element(struct pst_reader *r, const struct pst_yaml_node *n,
			     struct pst_port *p)
{
	int e;

	*p = (struct pst_port){.pos = n->pos, .protocol = PST_PROTOCOL_ANY};
	e = pst_fields_read(r, &port_table, n, p);
	if (!e)
		e = settle_range(r, p);
	if (e)
		p->port = p->end_port = 0;
	return e;
}

static int read_ports(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_port_rule *pr = ((struct build *)obj)->pr;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	if (n->len > MAX_PORTS)
		worst = pst_diags_error(r->diags, "too-many-ports", &n->key->pos,
					"%zu ports in one entry; the limit is %d", n->len,
					MAX_PORTS);
	pr->ports = pst_arena_calloc(r->arena, n->len, sizeof(*pr->ports));
	if (!pr->ports)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = read_port_element(r, c, &pr->ports[pr->n_ports++]);

		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static const struct pst_field allow_fields[] = {
	{.name = "ports", .read = read_ports},
	{.name = "rules", .read = read_rules},
	{.name = "terminatingTLS", .unsupported = "unsupported-tls", .read = pass},
	{.name = "originatingTLS", .unsupported = "unsupported-tls", .read = pass},
	{.name = "serverNames", .unsupported = "unsupported-server-names", .read = pass},
	{.name = "listener", .unsupported = "unsupported-listener", .read = pass},
};
static const struct pst_fields allow_table = PST_FIELDS("an entry of toPorts", allow_fields);

#define NOT_IN_DENY(field)                                                                    \
	{                                                                                     \
		.name = (field), .use = PST_FIELD_FORBIDDEN, .id = "not-in-deny",             \
		.why = "a deny rule is about ports: there is no \"" field "\" in its toPorts" \
	}

static const struct pst_field deny_fields[] = {
	{.name = "ports", .read = read_ports},
	{.name = "rules",
	 .use = PST_FIELD_FORBIDDEN,
	 .id = "http-in-deny",
	 .why = "a deny rule has no L7 part: it would deny the whole port"},
	NOT_IN_DENY("terminatingTLS"),
	NOT_IN_DENY("originatingTLS"),
	NOT_IN_DENY("serverNames"),
	NOT_IN_DENY("listener"),
};
static const struct pst_fields deny_table = PST_FIELDS("an entry of toPorts", deny_fields);

/* HTTP is spoken over TCP, on ports that are told. */
static int check_http_ports(struct pst_reader *r, const struct build *b)
{
	int worst = 0;

	if (!b->http || !b->http->len)
		return 0;
	for (size_t i = 0; i < b->pr->n_ports; i++) {
		const struct pst_port *p = &b->pr->ports[i];

		if (p->protocol != PST_PROTOCOL_TCP)
			worst = pst_diags_error(
				r->diags, "http-needs-tcp", &p->pos,
				"HTTP rules need \"protocol: TCP\" on each of their ports; without a protocol, ANY is meant");
		if (!p->port)
			worst = pst_diags_error(
				r->diags, "http-port-zero", &p->pos,
				"HTTP rules cannot be used with port 0 (every port)");
	}
	return worst;
}

static int widen(struct pst_reader *r, struct pst_port_rule *pr)
{
	pr->ports = pst_arena_alloc(r->arena, sizeof(*pr->ports));
	if (!pr->ports)
		return -ENOMEM;
	pr->ports[0] = (struct pst_port){.pos = pr->pos, .protocol = PST_PROTOCOL_ANY};
	pr->n_ports = 1;
	return -EINVAL;
}

int pst_cnp_port_rule_read(struct pst_reader *r, const struct pst_yaml_node *n,
			   const struct pst_cnp_rule_context *ctx, struct pst_port_rule *pr)
{
	struct build b = {.pr = pr};
	int e;

	*pr = (struct pst_port_rule){.pos = n->pos};
	e = pst_fields_read(r, ctx->deny ? &deny_table : &allow_table, n, &b);
	if (!e)
		e = check_http_ports(r, &b);
	if (e == -EINVAL && !pr->n_ports)
		return widen(r, pr);
	if (!e && !pr->n_ports)
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "ports-missing", &n->pos,
			      "an entry of toPorts without ports %s nothing",
			      ctx->deny ? "denies" : "allows");
	return e;
}
