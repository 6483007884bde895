// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/report.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "compiler/bundle.h"
#include "compiler/explain.h"
#include "policy/inventory.h"

/* In the map IPv4 is a part of IPv6, and prefixes count from there. */
enum { V4_BITS = 96 };

static const char *direction_name(int direction)
{
	return direction == PST_DIR_INGRESS ? "ingress" : "egress";
}

static void protocol_name(const struct pst_policy_key *k, char *buf, size_t size)
{
	const char *name = k->prefixlen == PST_POLICY_STATIC_BITS ? "any"
			   : k->protocol == IPPROTO_TCP		  ? "TCP"
			   : k->protocol == IPPROTO_UDP		  ? "UDP"
			   : k->protocol == IPPROTO_SCTP	  ? "SCTP"
			   : k->protocol == IPPROTO_ICMP	  ? "ICMP"
			   : k->protocol == IPPROTO_ICMPV6	  ? "ICMPv6"
								  : NULL;

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%u", k->protocol);
}

/* The ports of an entry (of ICMP: the types): "any", "80" or "80-95". */
static void port_name(const struct pst_policy_key *k, char *buf, size_t size)
{
	unsigned int first = (unsigned int)k->port_be[0] << 8 | k->port_be[1];
	unsigned int bits;

	if (k->prefixlen <= PST_POLICY_STATIC_BITS + 8) {
		snprintf(buf, size, "any");
		return;
	}
	bits = k->prefixlen - PST_POLICY_STATIC_BITS - 8;
	if (bits == 16)
		snprintf(buf, size, "%u", first);
	else
		snprintf(buf, size, "%u-%u", first, first + (1u << (16 - bits)) - 1);
}

static const char *addr_text(const struct pst_bundle_addr *a, char *buf, size_t size)
{
	struct pst_addr addr;

	memcpy(addr.b, a->addr, sizeof(addr.b));
	return pst_addr_to_str(&addr, buf, size);
}

/* The prefix's length as people count it. */
static uint32_t prefix_len(const struct pst_bundle_addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return a->prefix >= V4_BITS && !memcmp(a->addr, mapped, sizeof(mapped))
		       ? a->prefix - V4_BITS
		       : a->prefix;
}

static const struct {
	uint32_t flag;
	const char *text, *key;
} addr_flags[] = {
	{PST_ADDR_HOST, "node", "node"},
	{PST_ADDR_ENDPOINT, "endpoint", "endpoint"},
	{PST_ADDR_ENFORCE_INGRESS, "ingress enforced", "enforce_ingress"},
	{PST_ADDR_ENFORCE_EGRESS, "egress enforced", "enforce_egress"},
};

enum { N_ADDR_FLAGS = sizeof(addr_flags) / sizeof(*addr_flags) };

static void print_identity(const struct pst_bundle_identity *id)
{
	printf("  %-8u", id->id);
	for (size_t i = 0; i < id->labels.n; i++) {
		const struct pst_label *l = &id->labels.v[i];

		fputs(i ? "," : "", stdout);
		pst_report_str(l->source, stdout);
		putchar(':');
		pst_report_str(l->key, stdout);
		if (l->value[0]) {
			putchar('=');
			pst_report_str(l->value, stdout);
		}
	}
	for (int d = 0; d < 2; d++)
		fputs(id->enforce[d] ? d ? "  default-deny egress" : "  default-deny ingress" : "",
		      stdout);
	putchar('\n');
}

static void print_addr(const struct pst_bundle_addr *a)
{
	char text[64];

	printf("  %s/%u  identity %u", addr_text(a, text, sizeof(text)), prefix_len(a),
	       a->value.identity);
	for (int i = 0; i < N_ADDR_FLAGS; i++) {
		if (a->value.flags & addr_flags[i].flag)
			printf("  %s", addr_flags[i].text);
	}
	if (a->name) {
		fputs("  ", stdout);
		pst_report_str(a->name, stdout);
	}
	putchar('\n');
}

static void print_entry(const struct pst_bundle *b, const struct pst_bundle_entry *e)
{
	const struct pst_bundle_rule *rule = pst_report_rule(b, e->value.rule);
	char protocol[16], port[16];

	protocol_name(&e->key, protocol, sizeof(protocol));
	port_name(&e->key, port, sizeof(port));
	printf("  %u %s ", e->key.subject, direction_name(e->key.direction));
	if (e->key.peer == PST_ID_ANY)
		fputs("others", stdout);
	else
		printf("%u", e->key.peer);
	printf(" %s %s %s", protocol, port, pst_explain_verdict_name(e->value.verdict));
	if (e->value.verdict >= PST_VERDICT_JUDGE)
		printf(" rule set %u", e->value.ruleset);
	fputs(e->value.deny_rule ? " by a deny rule" : "", stdout);
	if (rule) {
		fputs("  ", stdout);
		pst_report_rule_text(rule, stdout);
	}
	putchar('\n');
}

static void print_rule(const struct pst_bundle *b, size_t index)
{
	printf("  %-6zu", index);
	pst_report_rule_text(&b->rules[index], stdout);
	putchar('\n');
}

static int print_text(const struct pst_bundle *b)
{
	int r = pst_report_text(b, stdout);

	puts("\nidentities: number, labels");
	for (size_t i = 0; i < b->n_identities; i++)
		print_identity(&b->identities[i]);
	puts("\naddresses");
	for (size_t i = 0; i < b->n_addrs; i++)
		print_addr(&b->addrs[i]);
	puts("\npolicy entries: subject, direction, peer, protocol, ports, verdict, rule");
	for (size_t i = 0; i < b->n_entries; i++)
		print_entry(b, &b->entries[i]);
	puts("\nrules: number, place, policy");
	for (size_t i = 0; i < b->n_rules; i++)
		print_rule(b, i);
	return r;
}

static void write_identity(const struct pst_bundle_identity *id, struct pst_json *j)
{
	pst_json_object(j, NULL);
	pst_json_u64(j, "id", id->id);
	pst_json_bool(j, "default_deny_ingress", id->enforce[PST_DIR_INGRESS]);
	pst_json_bool(j, "default_deny_egress", id->enforce[PST_DIR_EGRESS]);
	pst_json_array(j, "labels");
	for (size_t i = 0; i < id->labels.n; i++) {
		pst_json_object(j, NULL);
		pst_json_str(j, "source", id->labels.v[i].source);
		pst_json_str(j, "key", id->labels.v[i].key);
		pst_json_str(j, "value", id->labels.v[i].value);
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_end(j);
}

static void write_addr(const struct pst_bundle_addr *a, struct pst_json *j)
{
	char text[64];

	pst_json_object(j, NULL);
	pst_json_str(j, "address", addr_text(a, text, sizeof(text)));
	pst_json_u64(j, "prefix", prefix_len(a));
	pst_json_u64(j, "identity", a->value.identity);
	for (int i = 0; i < N_ADDR_FLAGS; i++)
		pst_json_bool(j, addr_flags[i].key, a->value.flags & addr_flags[i].flag);
	pst_json_str(j, "name", a->name);
	pst_json_end(j);
}

static void write_entry(const struct pst_bundle *b, const struct pst_bundle_entry *e,
			struct pst_json *j)
{
	char protocol[16], port[16];

	protocol_name(&e->key, protocol, sizeof(protocol));
	port_name(&e->key, port, sizeof(port));
	pst_json_object(j, NULL);
	pst_json_u64(j, "subject", e->key.subject);
	pst_json_str(j, "direction", direction_name(e->key.direction));
	pst_json_u64(j, "peer", e->key.peer);
	pst_json_str(j, "protocol", protocol);
	pst_json_str(j, "ports", port);
	pst_json_str(j, "verdict", pst_explain_verdict_name(e->value.verdict));
	if (e->value.verdict >= PST_VERDICT_JUDGE)
		pst_json_u64(j, "rule_set", e->value.ruleset);
	pst_json_bool(j, "deny_rule", e->value.deny_rule);
	pst_report_rule_json(pst_report_rule(b, e->value.rule), j, "rule");
	pst_json_end(j);
}

static int print_json(const struct pst_bundle *b)
{
	struct pst_json j;
	int r;

	pst_json_init(&j, stdout);
	pst_json_object(&j, NULL);
	r = pst_report_json(b, &j);
	pst_json_array(&j, "identity_list");
	for (size_t i = 0; i < b->n_identities; i++)
		write_identity(&b->identities[i], &j);
	pst_json_end(&j);
	pst_json_array(&j, "address_list");
	for (size_t i = 0; i < b->n_addrs; i++)
		write_addr(&b->addrs[i], &j);
	pst_json_end(&j);
	pst_json_array(&j, "entry_list");
	for (size_t i = 0; i < b->n_entries; i++)
		write_entry(b, &b->entries[i], &j);
	pst_json_end(&j);
	pst_json_array(&j, "rule_list");
	for (size_t i = 0; i < b->n_rules; i++)
		pst_report_rule_json(&b->rules[i], &j, NULL);
	pst_json_end(&j);
	pst_json_end(&j);
	return r ? r : pst_json_finish(&j);
}

static int inspect(const char *path, bool json)
{
	struct pst_diags *diags pst_cleanup(pst_diags_free) = pst_diags_new();
	struct pst_bundle *b pst_cleanup(pst_bundle_free) = NULL;
	int r;

	if (!diags)
		return PST_EXIT_FAILED;
	r = pst_bundle_read(path, diags, &b);
	pst_diags_print(diags, stderr);
	if (r)
		return pst_diags_errors(diags) ? PST_EXIT_NO : PST_EXIT_FAILED;
	r = json ? print_json(b) : print_text(b);
	return r ? PST_EXIT_FAILED : PST_EXIT_OK;
}

int pst_cli_inspect(int argc, char **argv)
{
	return pst_cli_about_one(pst_cli_verb_find("inspect"), argc, argv, "BUNDLE", inspect);
}
