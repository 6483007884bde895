// SPDX-License-Identifier: Apache-2.0
#include "cli/diff_actor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/labels.h"

/* By the bits of pst_diff_protocols; behind them is every other protocol. */
static const char *const protocol_names[] = {
	"TCP",	"UDP", "SCTP", "ICMP", "ICMPv6", "IGMP",  "IPIP",
	"IPv6", "GRE", "ESP",  "AH",   "VRRP",	 "other",
};

static void print(const char *s, FILE *out)
{
	pst_escape_print(out, s, strlen(s));
}

/* Labels that a pod always has are said in words, or not at all. */
static bool is_usual(const struct pst_label *l)
{
	return !strcmp(l->key, PST_LABEL_NAMESPACE) ||
	       (!strcmp(l->key, PST_LABEL_CLUSTER) && !strcmp(l->value, PST_CLUSTER_NAME));
}

static void print_labels(const struct pst_diff_actor *a, FILE *out)
{
	const char *ns = pst_labels_get(&a->labels, "k8s", PST_LABEL_NAMESPACE);
	const char *between = " with ";

	fputs("any pod", out);
	for (size_t i = 0; i < a->labels.n; i++) {
		const struct pst_label *l = &a->labels.v[i];

		if (is_usual(l))
			continue;
		fputs(between, out);
		print(l->key, out);
		fputc('=', out);
		print(l->value, out);
		between = ",";
	}
	if (!strcmp(between, " with "))
		fputs(" without labels that count", out);
	if (ns) {
		fputs(" in ", out);
		print(ns, out);
	}
}

void cli_diff_actor_text(const struct pst_diff_actor *a, FILE *out)
{
	if (a->kind == PST_DIFF_LABELS) {
		print_labels(a, out);
		return;
	}
	if (a->kind == PST_DIFF_NODE)
		fputs("node ", out);
	print(a->name, out);
	if (a->n_alike)
		fprintf(out, " (and %zu like it)", a->n_alike);
}

/* What `postern explain` adds by itself. */
static bool is_default(const struct pst_label *l)
{
	return (!strcmp(l->key, PST_LABEL_NAMESPACE) && !strcmp(l->value, "default")) ||
	       (!strcmp(l->key, PST_LABEL_CLUSTER) && !strcmp(l->value, PST_CLUSTER_NAME));
}

/* Labels as they are written behind --from; at least one. */
static void print_peer_labels(const struct pst_labels *labels, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < labels->n; i++) {
		const struct pst_label *l = &labels->v[i];

		if (is_default(l) && (any || i + 1 < labels->n))
			continue;
		if (any)
			fputc(',', out);
		any = true;
		if (strcmp(l->source, "k8s"))
			fprintf(out, "%s:", l->source);
		print(l->key, out);
		if (l->value[0]) {
			fputc('=', out);
			print(l->value, out);
		}
	}
}

void cli_diff_actor_peer(const struct pst_diff_actor *a, FILE *out)
{
	char text[64];

	if (a->kind == PST_DIFF_OUTSIDE)
		fputs(pst_addr_to_str(&a->addr, text, sizeof(text)), out);
	else
		print_peer_labels(&a->labels, out);
}

static const char *kind_name(enum pst_diff_actor_kind kind)
{
	static const char *const names[] = {
		[PST_DIFF_POD] = "pod",		  [PST_DIFF_LABELS] = "labels",
		[PST_DIFF_NODE] = "node",	  [PST_DIFF_RESERVED] = "reserved",
		[PST_DIFF_OUTSIDE] = "addresses",
	};

	return names[kind];
}

int cli_diff_actor_json(const struct pst_diff_actor *a, struct pst_json *j, const char *key)
{
	pst_auto_free char *peer = NULL;
	size_t len = 0;
	pst_auto_file FILE *text = open_memstream(&peer, &len);

	if (!text)
		return -ENOMEM;
	cli_diff_actor_peer(a, text);
	if (fflush(text))
		return -ENOMEM;
	pst_json_object(j, key);
	pst_json_str(j, "kind", kind_name(a->kind));
	pst_json_str(j, "name", a->name);
	pst_json_strn(j, "peer", peer, len);
	pst_json_u64(j, "alike", a->n_alike);
	pst_json_bool(j, "in_old", a->known[PST_DIFF_OLD]);
	pst_json_bool(j, "in_new", a->known[PST_DIFF_NEW]);
	pst_json_end(j);
	return 0;
}

void cli_diff_protocols_text(uint32_t protocols, FILE *out)
{
	const bool others = protocols >> PST_DIFF_N_PROTOCOLS & 1;
	const char *between = "";

	if (protocols == PST_DIFF_ANY_PROTOCOL) {
		fputs("any protocol", out);
		return;
	}
	if (others)
		fputs("any protocol but ", out);
	for (int i = 0; i < PST_DIFF_N_PROTOCOLS; i++) {
		if ((protocols >> i & 1) == others)
			continue;
		fprintf(out, "%s%s", between, protocol_names[i]);
		between = ", ";
	}
}

void cli_diff_protocols_json(uint32_t protocols, struct pst_json *j, const char *key)
{
	pst_json_array(j, key);
	for (int i = 0; i < PST_DIFF_N_PROTOCOLS; i++) {
		if (protocols >> i & 1)
			pst_json_str(j, NULL, protocol_names[i]);
	}
	if (protocols >> PST_DIFF_N_PROTOCOLS & 1)
		pst_json_str(j, NULL, "other");
	pst_json_end(j);
}

const char *cli_diff_protocol(uint32_t protocols)
{
	int i = 0;

	while (i < PST_DIFF_N_PROTOCOLS && !(protocols >> i & 1))
		i++;
	return protocol_names[i];
}
