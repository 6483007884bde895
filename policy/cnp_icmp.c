// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_icmp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/nearest.h"

enum {
	MAX_FIELDS = 40, /* per element of icmps, as in Cilium */
	MAX_TYPE = 255,
};

#define REFUSED_NAME "ExtendedEchoReply"

struct type {
	const char *name;
	uint8_t number;
};

static const struct type v4_types[] = {
	{"EchoReply", 0},
	{"DestinationUnreachable", 3},
	{"Redirect", 5},
	{"Echo", 8},
	{"EchoRequest", 8},
	{"RouterAdvertisement", 9},
	{"RouterSelection", 10},
	{"TimeExceeded", 11},
	{"ParameterProblem", 12},
	{"Timestamp", 13},
	{"TimestampReply", 14},
	{"Photuris", 40},
	{"ExtendedEchoRequest", 42},
	{REFUSED_NAME, 43},
};

static const struct type v6_types[] = {
	{"DestinationUnreachable", 1},
	{"PacketTooBig", 2},
	{"TimeExceeded", 3},
	{"ParameterProblem", 4},
	{"EchoRequest", 128},
	{"EchoReply", 129},
	{"MulticastListenerQuery", 130},
	{"MulticastListenerReport", 131},
	{"MulticastListenerDone", 132},
	{"RouterSolicitation", 133},
	{"RouterAdvertisement", 134},
	{"NeighborSolicitation", 135},
	{"NeighborAdvertisement", 136},
	{"RedirectMessage", 137},
	{"RouterRenumbering", 138},
	{"ICMPNodeInformationQuery", 139},
	{"ICMPNodeInformationResponse", 140},
	{"InverseNeighborDiscoverySolicitation", 141},
	{"InverseNeighborDiscoveryAdvertisement", 142},
	{"HomeAgentAddressDiscoveryRequest", 144},
	{"HomeAgentAddressDiscoveryReply", 145},
	{"MobilePrefixSolicitation", 146},
	{"MobilePrefixAdvertisement", 147},
	{"DuplicateAddressRequestCodeSuffix", 157},
	{"DuplicateAddressConfirmationCodeSuffix", 158},
	{"ExtendedEchoRequest", 160},
	{REFUSED_NAME, 161},
};

static const struct family {
	const char *name;
	const struct type *types;
	size_t n_types;
} families[] = {
	{"IPv4", v4_types, sizeof(v4_types) / sizeof(*v4_types)},
	{"IPv6", v6_types, sizeof(v6_types) / sizeof(*v6_types)},
};

enum { N_FAMILIES = sizeof(families) / sizeof(*families) };

struct field {
	size_t family; /* index into families */
	const struct pst_yaml_node *type;
};

static int read_family(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	for (size_t i = 0; i < N_FAMILIES; i++) {
		if (!strcmp(families[i].name, n->s)) {
			((struct field *)obj)->family = i;
			return 0;
		}
	}
	return pst_diags_error(r->diags, "icmp-family", &n->pos,
			       "expected IPv4 or IPv6, found \"%.16s\"", n->s);
}

static int keep_type(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct field *)obj)->type = n;
	return n->kind == PST_YAML_NUMBER ? 0 : pst_fields_expect(r, n, PST_YAML_STRING);
}

static const struct pst_field icmp_fields[] = {
	{.name = "family", .read = read_family},
	{.name = "type", .required = true, .read = keep_type},
};
static const struct pst_fields icmp_table = PST_FIELDS("an ICMP field", icmp_fields);

/* A number, quoted or not, without leading zeros. */
static bool is_number(const char *s, uint8_t *ret_type)
{
	size_t len = strlen(s);

	if (!len || len > 3 || strspn(s, "0123456789") != len || (len > 1 && s[0] == '0') ||
	    strtoul(s, NULL, 10) > MAX_TYPE)
		return false;
	*ret_type = (uint8_t)strtoul(s, NULL, 10);
	return true;
}

static int read_type(struct pst_reader *r, const struct pst_yaml_node *n, const struct family *f,
		     uint8_t *ret_type)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;

	if (is_number(n->s, ret_type))
		return 0;
	pst_nearest_init(&near, n->s);
	for (size_t i = 0; i < f->n_types; i++) {
		if (strcmp(f->types[i].name, n->s)) {
			pst_nearest_offer(&near, f->types[i].name);
			continue;
		}
		*ret_type = f->types[i].number;
		if (strcmp(n->s, REFUSED_NAME))
			return 0;
		return pst_diags_error(r->diags, "icmp-type", &n->pos,
				       "Cilium's schema refuses the name " REFUSED_NAME
				       "; write the number %u",
				       f->types[i].number);
	}
	return pst_diags_error(r->diags, "icmp-type", &n->pos,
			       "expected 0 to %d or the name of a type of %s, found \"%.64s\"%s",
			       MAX_TYPE, f->name, n->s, pst_nearest_hint(&near, hint));
}

static int read_one(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_icmp *icmp)
{
	struct field f = {0};
	int e = pst_fields_read(r, &icmp_table, n, &f);

	if (e)
		return e;
	*icmp = (struct pst_icmp){.pos = n->pos, .is_v6 = f.family > 0};
	return read_type(r, f.type, &families[f.family], &icmp->type);
}

static int read_list(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_rule *rule = obj;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	if (n->len > MAX_FIELDS)
		return pst_diags_error(r->diags, "icmp-too-many", &n->key->pos,
				       "expected at most %d fields, found %zu", MAX_FIELDS, n->len);
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = read_one(r, c, &rule->icmps[rule->n_icmps]);

		rule->n_icmps += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static const struct pst_field element_fields[] = {
	{.name = "fields", .read = read_list},
};
static const struct pst_fields element_table = PST_FIELDS("an element of icmps", element_fields);

static size_t count(const struct pst_yaml_node *n)
{
	size_t sum = 0;

	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		const struct pst_yaml_node *list = pst_yaml_get(c, "fields");

		if (list && list->kind == PST_YAML_LIST)
			sum += list->len;
	}
	return sum;
}

int pst_cnp_icmps_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_rule *rule)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	rule->icmps = pst_arena_calloc(r->arena, count(n), sizeof(*rule->icmps));
	if (!rule->icmps)
		return -ENOMEM;
	rule->has_icmps = n->len > 0;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next)
		worst = pst_fields_worse(worst, pst_fields_read(r, &element_table, c, rule));
	return worst;
}
