// SPDX-License-Identifier: Apache-2.0
#include "compiler/diff_ports.h"

#include "compiler/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROTOCOL_BITS = PST_POLICY_STATIC_BITS + 8,
	PORTS = 1 << 16,
	ICMP_TYPES = 1 << 8,
};

const uint8_t pst_diff_protocols[PST_DIFF_N_PROTOCOLS] = {
	PST_PROTOCOL_TCP,    PST_PROTOCOL_UDP,	PST_PROTOCOL_SCTP, PST_PROTOCOL_ICMP,
	PST_PROTOCOL_ICMPV6, PST_PROTOCOL_IGMP, PST_PROTOCOL_IPIP, PST_PROTOCOL_IPV6,
	PST_PROTOCOL_GRE,    PST_PROTOCOL_ESP,	PST_PROTOCOL_AH,   PST_PROTOCOL_VRRP,
};

struct cuts PST_VEC(uint32_t);

static bool is_of(const struct pst_bundle_entry *e, uint32_t subject, enum pst_dir direction,
		  uint32_t peer)
{
	return e->key.subject == subject && e->key.direction == direction && e->key.peer == peer;
}

static size_t count(const struct pst_bundle *b, size_t first)
{
	size_t n = 0;

	while (first + n < b->n_entries &&
	       is_of(&b->entries[first + n], b->entries[first].key.subject,
		     b->entries[first].key.direction, b->entries[first].key.peer))
		n++;
	return n;
}

static struct pst_policy_value plain(enum pst_verdict verdict)
{
	return (struct pst_policy_value){.verdict = (uint8_t)verdict, .rule = UINT32_MAX};
}

/* Only then is a miss a denial. */
static bool is_looked_up(const struct pst_bundle *b, uint32_t subject, enum pst_dir direction)
{
	const struct pst_bundle_identity *identity = pst_identity_by_id(b, subject);

	return (identity && identity->enforce[direction]) ||
	       pst_bundle_has_entries(b, subject, direction);
}

/* As pst_judge_l4() looks it up: the peer's own entries, else those for any peer. */
struct pst_diff_map pst_diff_map_of(const struct pst_bundle *b, uint32_t subject,
				    enum pst_dir direction, uint32_t peer)
{
	const uint32_t asked[] = {peer, PST_ID_ANY};
	struct pst_diff_map map = {
		.rest = plain(is_looked_up(b, subject, direction) ? PST_VERDICT_DENY
								  : PST_VERDICT_ALLOW),
	};

	const struct pst_bundle_identity *identity = pst_identity_by_id(b, subject);

	if (map.rest.verdict == PST_VERDICT_DENY && identity && identity->audit[direction])
		map.rest.deny_rule = PST_POLICY_AUDIT;
	for (size_t i = 0; !map.n && i < sizeof(asked) / sizeof(*asked); i++) {
		size_t first = pst_bundle_lower_bound(b, subject, direction, asked[i]);

		if (first == b->n_entries ||
		    !is_of(&b->entries[first], subject, direction, asked[i]))
			continue;
		map.entries = &b->entries[first];
		map.n = count(b, first);
	}
	return map;
}

struct pst_diff_map pst_diff_map_unknown(void)
{
	struct pst_diff_map map = {.rest = plain(PST_VERDICT_DENY)};

	map.rest.ruleset = PST_DIFF_NO_SUBJECT;
	return map;
}

/* Entries of one peer are sorted by prefix length: the last that covers the port is the longest. */
static struct pst_policy_value look_up(const struct pst_diff_map *m, uint8_t protocol,
				       uint32_t port)
{
	struct pst_policy_value best = m->rest;

	for (size_t i = 0; i < m->n; i++) {
		const struct pst_policy_key *k = &m->entries[i].key;
		const uint32_t block = (uint32_t)k->port_be[0] << 8 | k->port_be[1];

		if (k->prefixlen > PST_POLICY_STATIC_BITS && k->protocol != protocol)
			continue;
		if (k->prefixlen <= PROTOCOL_BITS ||
		    !((block ^ port) >> (PROTOCOL_BITS + 16 - k->prefixlen)))
			best = m->entries[i].value;
	}
	return best;
}

/* What no entry with a protocol says. */
static struct pst_policy_value catch_all(const struct pst_diff_map *m)
{
	struct pst_policy_value best = m->rest;

	for (size_t i = 0; i < m->n; i++) {
		if (m->entries[i].key.prefixlen == PST_POLICY_STATIC_BITS)
			best = m->entries[i].value;
	}
	return best;
}

static bool is_mentioned(const struct pst_diff_map maps[PST_DIFF_SIDES], uint8_t protocol)
{
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		for (size_t i = 0; i < maps[s].n; i++) {
			if (maps[s].entries[i].key.prefixlen > PST_POLICY_STATIC_BITS &&
			    maps[s].entries[i].key.protocol == protocol)
				return true;
		}
	}
	return false;
}

static int cmp_cut(const void *va, const void *vb)
{
	const uint32_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

/* The first ports of spans, ascending, ending with PORTS. */
static int find_cuts(const struct pst_diff_map maps[PST_DIFF_SIDES], uint8_t protocol,
		     struct cuts *cuts)
{
	int r = 0;

	cuts->n = 0;
	if (pst_vec_push(cuts, 0) || pst_vec_push(cuts, PORTS))
		return -ENOMEM;
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		for (size_t i = 0; !r && i < maps[s].n; i++) {
			const struct pst_policy_key *k = &maps[s].entries[i].key;
			const uint32_t block = (uint32_t)k->port_be[0] << 8 | k->port_be[1];

			if (k->prefixlen <= PROTOCOL_BITS || k->protocol != protocol)
				continue;
			r = pst_vec_push(cuts, block);
			if (!r)
				r = pst_vec_push(
					cuts, block + (1U << (PROTOCOL_BITS + 16 - k->prefixlen)));
		}
	}
	qsort(cuts->v, cuts->n, sizeof(*cuts->v), cmp_cut);
	return r;
}

static bool same_value(const struct pst_policy_value *a, const struct pst_policy_value *b)
{
	return a->verdict == b->verdict && a->deny_rule == b->deny_rule &&
	       a->ruleset == b->ruleset && a->rule == b->rule;
}

static bool same_values(const struct pst_diff_span *a, const struct pst_diff_span *b)
{
	return same_value(&a->value[PST_DIFF_OLD], &b->value[PST_DIFF_OLD]) &&
	       same_value(&a->value[PST_DIFF_NEW], &b->value[PST_DIFF_NEW]);
}

enum pst_verdict pst_diff_lets(const struct pst_policy_value *v)
{
	return v->deny_rule & PST_POLICY_AUDIT ? PST_VERDICT_ALLOW : (enum pst_verdict)v->verdict;
}

static bool is_settled(const struct pst_diff_span *s)
{
	const enum pst_verdict a = pst_diff_lets(&s->value[PST_DIFF_OLD]);
	const enum pst_verdict b = pst_diff_lets(&s->value[PST_DIFF_NEW]);

	return a == b && (a == PST_VERDICT_ALLOW || a == PST_VERDICT_DENY);
}

/* Joins S with the last span, if they are neighbours of one protocol and one answer. */
static int append(struct pst_diff_spans *spans, size_t from, const struct pst_diff_span *s)
{
	struct pst_diff_span *last = spans->n > from ? &spans->v[spans->n - 1] : NULL;

	if (is_settled(s))
		return 0;
	if (last && last->last + 1U == s->first && same_values(last, s)) {
		last->last = s->last;
		return 0;
	}
	return pst_vec_push(spans, *s);
}

static bool is_icmp(uint8_t protocol)
{
	return protocol == PST_PROTOCOL_ICMP || protocol == PST_PROTOCOL_ICMPV6;
}

static int cut_protocol(const struct pst_diff_map maps[PST_DIFF_SIDES], int bit, struct cuts *cuts,
			struct pst_diff_spans *spans)
{
	const uint8_t protocol = pst_diff_protocols[bit];
	const uint32_t ports = is_icmp(protocol) ? ICMP_TYPES : PORTS;
	const size_t from = spans->n;
	int r = find_cuts(maps, protocol, cuts);

	for (size_t i = 0; !r && cuts->v[i] < ports; i++) {
		struct pst_diff_span s = {
			.protocols = 1U << bit,
			.first = (uint16_t)cuts->v[i],
			/* Every type is every port: so that it reads like the other protocols. */
			.last = (uint16_t)((cuts->v[i + 1] >= ports ? PORTS : cuts->v[i + 1]) - 1),
		};

		if (cuts->v[i] == cuts->v[i + 1])
			continue;
		for (int k = 0; k < PST_DIFF_SIDES; k++)
			s.value[k] = look_up(&maps[k], protocol, s.first);
		r = append(spans, from, &s);
	}
	return r;
}

/* Spans of several protocols that say the same become one. */
static void join(struct pst_diff_spans *spans, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < spans->n; i++) {
		struct pst_diff_span *s = &spans->v[i];
		size_t k = from;

		while (k < kept && !(spans->v[k].first == s->first && spans->v[k].last == s->last &&
				     same_values(&spans->v[k], s)))
			k++;
		if (k < kept)
			spans->v[k].protocols |= s->protocols;
		else
			spans->v[kept++] = *s;
	}
	spans->n = kept;
}

int pst_diff_spans_find(const struct pst_diff_map maps[PST_DIFF_SIDES],
			struct pst_diff_spans *spans)
{
	struct pst_diff_span rest = {.last = PORTS - 1, .protocols = 1U << PST_DIFF_N_PROTOCOLS};
	const size_t from = spans->n;
	struct cuts cuts = {0};
	int r = 0;

	for (int bit = 0; !r && bit < PST_DIFF_N_PROTOCOLS; bit++) {
		if (is_mentioned(maps, pst_diff_protocols[bit]))
			r = cut_protocol(maps, bit, &cuts, spans);
		else
			rest.protocols |= 1U << bit;
	}
	for (int s = 0; s < PST_DIFF_SIDES; s++)
		rest.value[s] = catch_all(&maps[s]);
	if (!r && !is_settled(&rest))
		r = pst_vec_push(spans, rest);
	join(spans, from);
	pst_vec_free(&cuts);
	return r;
}
