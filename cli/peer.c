// SPDX-License-Identifier: Apache-2.0
#include "cli/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "compiler/resolve.h"
#include "policy/labels.h"

enum { MAX_LABELS = 256 };

static const struct pst_pos nowhere;

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{"TCP", IPPROTO_TCP},	{"UDP", IPPROTO_UDP},	    {"SCTP", IPPROTO_SCTP},
	{"ICMP", IPPROTO_ICMP}, {"ICMPv6", IPPROTO_ICMPV6},
};

int pst_protocol_from_str(const char *text, uint8_t *ret_protocol)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (strcasecmp(text, protocols[i].name))
			continue;
		*ret_protocol = protocols[i].number;
		return 0;
	}
	return -EINVAL;
}

/* What a pod's identity always has. */
static const struct pst_label defaults[] = {
	{"k8s", "io.kubernetes.pod.namespace", "default"},
	{"k8s", "io.cilium.k8s.policy.cluster", "default"},
};

enum { N_DEFAULTS = sizeof(defaults) / sizeof(*defaults) };

static bool is_pod(const struct pst_labels *labels)
{
	static const char *const others[] = {"reserved", "cidr", "fqdn"};

	for (size_t i = 0; i < labels->n; i++) {
		for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++) {
			if (!strcmp(labels->v[i].source, others[k]))
				return false;
		}
	}
	return true;
}

/* The first address of the prefix in KEY. */
static int take_prefix(const char *key, struct pst_diags *diags, struct pst_peer *peer)
{
	struct pst_prefix prefix;
	bool host_bits;
	char text[64];
	size_t n = 0;

	for (; key[n] && n < sizeof(text) - 1; n++)
		text[n] = key[n];
	text[n] = 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '-')
			text[i] = ':';
	}
	if (key[n] || pst_prefix_from_str(text, &prefix, &host_bits))
		return pst_diags_error(diags, "label-invalid", &nowhere,
				       "expected a prefix behind \"cidr:\", found \"%.64s\"", key);
	peer->by_addr = true;
	memcpy(peer->addr.b, prefix.addr, sizeof(peer->addr.b));
	return 0;
}

/* What labels of addresses and names say. */
static int take_outside(struct pst_arena *arena, struct pst_diags *diags, struct pst_peer *peer)
{
	const struct pst_labels *labels = &peer->labels;
	int r = 0;

	peer->names = pst_arena_calloc(arena, labels->n, sizeof(*peer->names));
	if (!peer->names)
		return -ENOMEM;
	for (size_t i = 0; !r && i < labels->n; i++) {
		const struct pst_label *l = &labels->v[i];

		if (!strcmp(l->source, "cidr") && peer->by_addr)
			r = pst_diags_error(diags, "label-invalid", &nowhere,
					    "a peer has one label of source cidr");
		else if (!strcmp(l->source, "cidr"))
			r = take_prefix(l->key, diags, peer);
		else if (!strcmp(l->source, "fqdn"))
			peer->names[peer->n_names++] = l->key;
	}
	return r;
}

static bool has_key(const struct pst_labels *labels, const struct pst_label *l)
{
	for (size_t i = 0; i < labels->n; i++) {
		if (!strcmp(labels->v[i].source, l->source) && !strcmp(labels->v[i].key, l->key))
			return true;
	}
	return false;
}

/* A misspelt label is nobody's, and an answer about nobody misleads. */
static int check_label(const struct pst_label *l, struct pst_diags *diags)
{
	struct pst_label one = *l;

	if (!strcmp(l->source, "cidr") || !strcmp(l->source, "fqdn"))
		return 0;
	if (!strcmp(l->source, "reserved") &&
	    !pst_resolve_reserved(&(struct pst_labels){.v = &one, .n = 1}))
		return pst_diags_error(diags, "label-invalid", &nowhere,
				       "there is no reserved:%.64s; expected host, world, "
				       "remote-node, kube-apiserver or another of Cilium's names",
				       l->key);
	if (!pst_label_key_is_valid(l->key) || !pst_label_value_is_valid(l->value))
		return pst_diags_error(diags, "label-invalid", &nowhere,
				       "expected an address or labels like k8s:app=web, found "
				       "%.64s:%.128s=%.128s",
				       l->source, l->key, l->value);
	return 0;
}

/* Of digits, dots and colons only: somebody meant an address. */
static bool looks_like_addr(const char *text)
{
	return strpbrk(text, ".:") && text[strspn(text, "0123456789abcdefABCDEF.:/")] == 0 &&
	       strpbrk(text, "0123456789");
}

static int parse_label(const char *text, size_t len, struct pst_arena *arena,
		       struct pst_diags *diags, struct pst_label *ret)
{
	char *copy = pst_arena_strndup(arena, text, len);
	size_t source_len = 0;
	char *key, *equals;

	if (!copy)
		return -ENOMEM;
	key = copy + (pst_label_key_split(copy, &source_len) - copy);
	equals = strchr(key, '=');
	if (equals)
		*equals = 0;
	if (!key[0])
		return pst_diags_error(diags, "label-invalid", &nowhere,
				       "expected a label like k8s:app=web, found \"%.*s\"",
				       (int)len, text);
	if (source_len)
		copy[source_len] = 0;
	*ret = (struct pst_label){
		.source = source_len ? copy : "k8s",
		.key = key,
		.value = equals ? equals + 1 : "",
	};
	return check_label(ret, diags);
}

static int add_label(struct pst_labels *labels, const struct pst_label *l, struct pst_diags *diags)
{
	if (has_key(labels, l))
		return pst_diags_error(diags, "label-invalid", &nowhere,
				       "the label %s:%s is given twice", l->source, l->key);
	if (labels->n == MAX_LABELS)
		return pst_diags_error(diags, "label-invalid", &nowhere,
				       "more than %d labels for one peer", MAX_LABELS);
	labels->v[labels->n++] = *l;
	return 0;
}

/* As from the inventory: what the filter drops is no selector's to see. */
static void drop_others(struct pst_labels *labels, struct pst_diags *diags)
{
	size_t n = 0;

	for (size_t i = 0; i < labels->n; i++) {
		if (strcmp(labels->v[i].source, "k8s") || pst_label_can_be_had(labels->v[i].key))
			labels->v[n++] = labels->v[i];
		else
			pst_diags_add(diags, PST_SEVERITY_WARNING, "label-not-identity", &nowhere,
				      "the label %.128s of a pod is not looked at: Cilium's label "
				      "filter drops it",
				      labels->v[i].key);
	}
	labels->n = n;
}

static int settle(struct pst_labels *labels, struct pst_arena *arena, struct pst_diags *diags,
		  struct pst_peer *ret_peer)
{
	struct pst_peer peer = {0};
	int r = 0;

	if (is_pod(labels))
		drop_others(labels, diags);
	for (int i = 0; !r && is_pod(labels) && i < N_DEFAULTS; i++) {
		if (!has_key(labels, &defaults[i]))
			r = add_label(labels, &defaults[i], diags);
	}
	if (r)
		return r;
	pst_labels_sort(labels);
	peer.labels = *labels;
	r = take_outside(arena, diags, &peer);
	if (!r)
		*ret_peer = peer;
	return r;
}

static struct pst_label *alloc_labels(struct pst_arena *arena)
{
	return pst_arena_calloc(arena, MAX_LABELS, sizeof(struct pst_label));
}

int pst_peer_from_labels(const char *const *list, size_t n, struct pst_arena *arena,
			 struct pst_diags *diags, struct pst_peer *ret_peer)
{
	struct pst_labels labels = {.v = alloc_labels(arena)};
	struct pst_label l;
	int r = labels.v ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < n; i++) {
		r = parse_label(list[i], strlen(list[i]), arena, diags, &l);
		if (!r)
			r = add_label(&labels, &l, diags);
	}
	return r ? r : settle(&labels, arena, diags, ret_peer);
}

int pst_peer_parse(const char *text, struct pst_arena *arena, struct pst_diags *diags,
		   struct pst_peer *ret_peer)
{
	struct pst_peer by_addr = {.by_addr = true};
	struct pst_labels labels = {.v = alloc_labels(arena)};
	struct pst_label l;
	int r = labels.v ? 0 : -ENOMEM;

	if (!r && !pst_addr_from_str(text, &by_addr.addr)) {
		*ret_peer = by_addr;
		return 0;
	}
	if (!r && !*text)
		return pst_diags_error(diags, "peer-invalid", &nowhere,
				       "expected an address or labels, found nothing");
	if (!r && looks_like_addr(text))
		return pst_diags_error(diags, "peer-invalid", &nowhere,
				       "\"%.64s\" is not an address", text);
	while (!r && *text) {
		size_t len = strcspn(text, ",");

		r = parse_label(text, len, arena, diags, &l);
		if (!r)
			r = add_label(&labels, &l, diags);
		text += len + (text[len] == ',');
	}
	return r ? r : settle(&labels, arena, diags, ret_peer);
}
