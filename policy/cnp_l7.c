// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_l7.h"

#include <assert.h>
#include <errno.h>

#include "policy/cnp_fqdn.h"
#include "policy/cnp_http.h"

enum {
	L7_REMOVED = 20, /* kafka, l7proto, l7 */
	KAFKA_DEPRECATED = 18,
	L7PROTO_DEPRECATED = 16,
	RANGES_ALLOWED = 17,
};

struct build {
	const struct pst_cnp_rule_context *ctx;
	struct pst_port_rule *pr;
	struct pst_cnp_l7 *l7;
};

static int read_http(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;

	b->l7->written[PST_CNP_L7_HTTP] = n;
	b->pr->http_pos = n->key->pos;
	return pst_cnp_http_read(r, n, b->pr, &b->l7->closed);
}

static int read_dns(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int e = pst_cnp_fqdns_read(r, n, &b->pr->dns, &b->pr->n_dns);

	b->l7->written[PST_CNP_L7_DNS] = n;
	b->pr->dns_pos = n->key->pos;
	if (n->kind != PST_YAML_LIST)
		return e;
	if (!n->len) {
		pst_diags_add(
			r->diags, PST_SEVERITY_WARNING, "dns-empty", &n->key->pos,
			"an empty list of DNS rules restricts nothing: every query is allowed");
		return e;
	}
	if (b->ctx->direction == PST_DIRECTION_INGRESS)
		return pst_fields_worse(e, pst_diags_error(r->diags, "dns-on-ingress", &n->key->pos,
							   "DNS rules can stand in egress only"));
	if (pst_reader_unsupported(r, "unsupported-dns", &n->key->pos,
				   "postern does not enforce DNS rules yet"))
		b->l7->closed = true;
	return e;
}

/* Has the field, whose removal is known, gone? -EINVAL if so. */
static int check_removed(struct pst_reader *r, const struct pst_yaml_node *n, unsigned int since)
{
	if (pst_reader_at_least(r, L7_REMOVED))
		return pst_diags_error(r->diags, "removed-field", &n->key->pos,
				       "\"%s\" was removed from Cilium in version 1.%d", n->key->s,
				       L7_REMOVED);
	if (pst_reader_at_least(r, since))
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "deprecated-field", &n->key->pos,
			      "\"%s\" is deprecated since Cilium 1.%u and was removed in 1.%d",
			      n->key->s, since, L7_REMOVED);
	return 0;
}

/* A list of mappings whose fields are nobody's business here. */
static int check_mappings(struct pst_reader *r, const struct pst_yaml_node *n)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	for (const struct pst_yaml_node *c = n->first; !worst && c; c = c->next)
		worst = pst_fields_expect(r, c, PST_YAML_MAPPING);
	return worst;
}

static int read_kafka(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int e = check_removed(r, n, KAFKA_DEPRECATED);

	if (e)
		return e;
	b->l7->written[PST_CNP_L7_KAFKA] = n;
	e = check_mappings(r, n);
	if (!e && n->len &&
	    pst_reader_unsupported(r, "unsupported-kafka", &n->key->pos,
				   "postern does not enforce Kafka rules"))
		b->l7->closed = true;
	return e;
}

static int read_l7proto(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int e = check_removed(r, n, L7PROTO_DEPRECATED);

	if (!e)
		e = pst_fields_expect(r, n, PST_YAML_STRING);
	if (e || !n->len)
		return e;
	b->l7->written[PST_CNP_L7_PROTO] = n;
	if (pst_reader_unsupported(r, "unsupported-l7proto", &n->key->pos,
				   "postern does not enforce rules of the protocol \"%.32s\"",
				   n->s))
		b->l7->closed = true;
	return 0;
}

static int read_generic(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int e = check_removed(r, n, L7PROTO_DEPRECATED);

	if (!e)
		e = check_mappings(r, n);
	if (!e)
		b->l7->generic = n;
	return e;
}

static const struct pst_field rules_fields[] = {
	{.name = "http", .read = read_http},   {.name = "dns", .read = read_dns},
	{.name = "kafka", .read = read_kafka}, {.name = "l7proto", .read = read_l7proto},
	{.name = "l7", .read = read_generic},
};
static const struct pst_fields rules_table = PST_FIELDS("rules", rules_fields);

int pst_cnp_l7_read(struct pst_reader *r, const struct pst_yaml_node *n,
		    const struct pst_cnp_rule_context *ctx, struct pst_port_rule *pr,
		    struct pst_cnp_l7 *l7)
{
	struct build b = {.ctx = ctx, .pr = pr, .l7 = l7};

	return pst_fields_read(r, &rules_table, n, &b);
}

static const char *const family_names[] = {
	[PST_CNP_L7_HTTP] = "HTTP",
	[PST_CNP_L7_DNS] = "DNS",
	[PST_CNP_L7_KAFKA] = "Kafka",
	[PST_CNP_L7_PROTO] = "generic L7",
};
static_assert(sizeof(family_names) / sizeof(*family_names) == PST_CNP_L7_MAX, "each has a name");

/* Of lists and of a string alike, len is 0 when they say nothing. */
static bool has_family(const struct pst_cnp_l7 *l7, enum pst_cnp_l7_family family)
{
	return l7->written[family] && l7->written[family]->len;
}

bool pst_cnp_l7_has_rules(const struct pst_cnp_l7 *l7)
{
	for (int i = 0; i < PST_CNP_L7_MAX; i++) {
		if (has_family(l7, i))
			return true;
	}
	return false;
}

/* Cilium counts families that are written, also as empty lists. */
static int check_families(struct pst_reader *r, const struct pst_cnp_l7 *l7)
{
	const struct pst_yaml_node *first = NULL;
	int worst = 0;

	for (int i = 0; i < PST_CNP_L7_MAX; i++) {
		const struct pst_yaml_node *n = l7->written[i];

		if (n && first)
			worst = pst_diags_error(
				r->diags, "two-l7-kinds", &n->key->pos,
				"\"%s\" cannot be combined with \"%s\" of line %u; write two entries",
				n->key->s, first->key->s, first->key->pos.line);
		if (n && !first)
			first = n;
	}
	if (l7->generic && !l7->written[PST_CNP_L7_PROTO])
		worst = pst_diags_error(r->diags, "l7-without-l7proto", &l7->generic->key->pos,
					"\"l7\" needs \"l7proto\" beside it");
	return worst;
}

static int check_port(struct pst_reader *r, const struct pst_port *p, enum pst_cnp_l7_family family)
{
	bool is_range = !p->name.s && p->end_port > p->port;
	const char *name = family_names[family];
	int worst = 0;

	if (family != PST_CNP_L7_DNS && p->protocol != PST_PROTOCOL_TCP)
		worst = pst_diags_error(
			r->diags, "http-needs-tcp", &p->pos,
			"%s rules need \"protocol: TCP\" on each of their ports; without a protocol, ANY is meant",
			name);
	if (!p->name.s && !p->port)
		worst = pst_diags_error(r->diags, "http-port-zero", &p->pos,
					"%s rules cannot be used with port 0 (every port)", name);
	if (is_range && family == PST_CNP_L7_DNS)
		worst = pst_diags_error(r->diags, "dns-port-range", &p->pos,
					"DNS rules cannot be used with a range of ports");
	else if (is_range && !pst_reader_at_least(r, RANGES_ALLOWED))
		worst = pst_diags_error(
			r->diags, "l7-port-range", &p->pos,
			"%s rules on a range of ports are refused before Cilium 1.%d", name,
			RANGES_ALLOWED);
	return worst;
}

int pst_cnp_l7_check(struct pst_reader *r, const struct pst_cnp_l7 *l7,
		     const struct pst_port_rule *pr)
{
	int worst = check_families(r, l7);

	if (has_family(l7, PST_CNP_L7_DNS) && !pr->n_ports)
		worst = pst_diags_error(r->diags, "dns-without-ports",
					&l7->written[PST_CNP_L7_DNS]->key->pos,
					"DNS rules need ports, usually 53");
	for (int i = 0; i < PST_CNP_L7_MAX; i++) {
		for (size_t k = 0; has_family(l7, i) && k < pr->n_ports; k++)
			worst = pst_fields_worse(worst, check_port(r, &pr->ports[k], i));
	}
	return worst;
}
