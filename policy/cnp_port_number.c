// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_port_number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/nearest.h"

enum {
	MAX_PORT_NUMBER = 65535,
	MAX_SERVICE_NAME = 15,
	EXTENDED_SINCE = 20, /* protocols without ports */
};

struct build {
	struct pst_port *p;
	bool has_port;	/* and it is not empty */
	bool has_digit; /* other than a plain "0": protocols without ports do not like it */
	const struct pst_yaml_node *end_port;
	bool extended;
};

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

/* Cilium compares names in lower case. */
static int read_port_name(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_port *p)
{
	char *name = pst_arena_strndup(r->arena, n->s, n->len);

	if (!name)
		return -ENOMEM;
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	p->name = (struct pst_text){.s = name, .len = n->len, .pos = n->pos};
	return 0;
}

static int read_port_number(struct pst_reader *r, const struct pst_yaml_node *n,
			    struct pst_port *port)
{
	/* A leading zero means octal, as in Go's strconv. */
	bool octal = n->s[0] == '0' && n->len > 1;
	unsigned long value;

	if (strspn(n->s, octal ? "01234567" : "0123456789") != n->len || n->len > 12)
		return pst_diags_error(
			r->diags, "port-invalid", &n->pos,
			"expected a port number from 0 to 65535, or a name of at most "
			"15 letters, digits and single hyphens; found \"%.32s\"%s",
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
	struct build *b = obj;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	b->has_port = n->len > 0 || e;
	if (e || !n->len)
		return e;
	if (is_service_name(n->s, n->len))
		return read_port_name(r, n, b->p);
	b->has_digit = strcmp(n->s, "0") != 0;
	return read_port_number(r, n, b->p);
}

static int read_end_port(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	unsigned int value = 0;
	int e = pst_fields_uint(r, n, MAX_PORT_NUMBER, &value);

	if (e)
		return e;
	b->end_port = n;
	b->p->end_port = (uint16_t)value;
	return 0;
}

static const struct {
	const char *name;
	enum pst_protocol protocol;
	bool extended;
} protocols[] = {
	{"TCP", PST_PROTOCOL_TCP, false},   {"UDP", PST_PROTOCOL_UDP, false},
	{"SCTP", PST_PROTOCOL_SCTP, false}, {"ANY", PST_PROTOCOL_ANY, false},
	{"VRRP", PST_PROTOCOL_VRRP, true},  {"IGMP", PST_PROTOCOL_IGMP, true},
	{"GRE", PST_PROTOCOL_GRE, true},    {"IPIP", PST_PROTOCOL_IPIP, true},
	{"IPV6", PST_PROTOCOL_IPV6, true},  {"ESP", PST_PROTOCOL_ESP, true},
	{"AH", PST_PROTOCOL_AH, true},
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(*protocols) };

static bool may_extend(const struct pst_reader *r)
{
	return pst_reader_at_least(r, EXTENDED_SINCE) &&
	       r->options->features & PST_FEATURE_EXTENDED_IP_PROTOCOLS;
}

static int read_protocol(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	bool knows_extended = pst_reader_at_least(r, EXTENDED_SINCE);
	char hint[PST_NEAREST_HINT_SIZE];
	struct build *b = obj;
	struct pst_nearest near;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	pst_nearest_init(&near, n->s);
	for (size_t i = 0; i < N_PROTOCOLS; i++) {
		if (protocols[i].extended && !knows_extended)
			continue;
		pst_nearest_offer(&near, protocols[i].name);
		if (strcmp(protocols[i].name, n->s))
			continue;
		if (protocols[i].extended && !may_extend(r))
			return pst_diags_error(
				r->diags, "extended-protocol", &n->pos,
				"the protocol %s needs Cilium's option enable-extended-ip-protocols",
				n->s);
		b->p->protocol = protocols[i].protocol;
		b->extended = protocols[i].extended;
		return 0;
	}
	return pst_diags_error(r->diags, "unknown-protocol", &n->pos,
			       "expected TCP, UDP, SCTP or ANY, found \"%.32s\"%s", n->s,
			       pst_nearest_hint(&near, hint));
}

static const struct pst_field port_fields[] = {
	{.name = "port", .read = read_port},
	{.name = "endPort", .since = 16, .read = read_end_port},
	{.name = "protocol", .read = read_protocol},
};
static const struct pst_fields port_table = PST_FIELDS("a port", port_fields);

static int check_port(struct pst_reader *r, const struct build *b, const struct pst_pos *pos)
{
	if (!b->has_port && !may_extend(r))
		return pst_diags_error(r->diags, "port-missing", pos,
				       "a port needs a number or a name; \"0\" is every port");
	if (b->extended && b->has_digit)
		return pst_diags_error(
			r->diags, "protocol-with-port", pos,
			"this protocol has no ports: expected no port or \"0\", found \"%u\"",
			b->p->port);
	return 0;
}

/* Makes end_port what the model promises. */
static int settle_range(struct pst_reader *r, const struct build *b)
{
	struct pst_port *p = b->p;

	if (p->name.s) {
		if (b->end_port)
			pst_diags_add(r->diags, PST_SEVERITY_WARNING, "end-port-ignored",
				      &b->end_port->key->pos,
				      "endPort %u is ignored behind the name \"%s\"", p->end_port,
				      p->name.s);
		p->end_port = 0;
		return 0;
	}
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

static void widen(struct pst_port *p)
{
	p->name = (struct pst_text){0};
	p->port = p->end_port = 0;
}

int pst_cnp_port_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_port *p)
{
	struct build b = {.p = p};
	int e;

	*p = (struct pst_port){.pos = n->pos, .protocol = PST_PROTOCOL_ANY};
	e = pst_fields_read(r, &port_table, n, &b);
	if (n->kind == PST_YAML_MAPPING)
		e = pst_fields_worse(e, check_port(r, &b, &n->pos));
	if (!e)
		e = settle_range(r, &b);
	if (e) {
		widen(p);
		if (b.extended)
			p->protocol = PST_PROTOCOL_ANY;
	}
	return e;
}
