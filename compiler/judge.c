// SPDX-License-Identifier: Apache-2.0
#include "compiler/judge.h"

#include <string.h>

/* Whether the first BITS bits of A and B are equal. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes))
		return false;
	return !rest || !((a[bytes] ^ b[bytes]) >> (8 - rest));
}

struct pst_addr_value pst_judge_addr(const struct pst_bundle *b, const uint8_t addr[16])
{
	const struct pst_bundle_addr *best = NULL;

	for (size_t i = 0; i < b->n_addrs; i++) {
		const struct pst_bundle_addr *a = &b->addrs[i];

		if (same_prefix(a->addr, addr, a->prefix) && (!best || a->prefix > best->prefix))
			best = a;
	}
	return best ? best->value : (struct pst_addr_value){.identity = PST_ID_WORLD};
}

/* The bits of a key behind the peer, as the longest-prefix map compares them. */
static bool key_matches(const struct pst_policy_key *k, const struct pst_l4_query *q)
{
	const uint8_t have[] = {k->protocol, k->port_be[0], k->port_be[1]};
	const uint8_t want[] = {q->protocol, (uint8_t)(q->port >> 8), (uint8_t)q->port};

	return same_prefix(have, want, k->prefixlen - PST_POLICY_STATIC_BITS);
}

static const struct pst_policy_value *find_policy(const struct pst_bundle *b,
						  const struct pst_l4_query *q, uint32_t peer)
{
	size_t i = pst_bundle_lower_bound(b, q->subject.identity, q->direction, peer);
	const struct pst_policy_value *best = NULL;

	/* Entries of one peer are sorted by prefix length: the last that matches is the longest. */
	for (; i < b->n_entries; i++) {
		const struct pst_bundle_entry *e = &b->entries[i];

		if (e->key.subject != q->subject.identity || e->key.peer != peer ||
		    e->key.direction != q->direction)
			break;
		if (key_matches(&e->key, q))
			best = &e->value;
	}
	return best;
}

static void set_reason(struct pst_l4_result *r, enum pst_verdict verdict, enum pst_reason reason)
{
	r->verdict = verdict;
	r->reason = reason;
}

static void set_policy(struct pst_l4_result *r, const struct pst_policy_value *v)
{
	const enum pst_reason reasons[] = {
		[PST_VERDICT_DENY] =
			v->deny_rule & 1 ? PST_REASON_DENY_RULE : PST_REASON_NO_RULE_L4,
		[PST_VERDICT_ALLOW] = PST_REASON_L4_ALLOW,
		[PST_VERDICT_JUDGE] = PST_REASON_L4_ALLOW,
		[PST_VERDICT_FALLBACK] = PST_REASON_FALLBACK_GONE,
	};

	set_reason(r, v->verdict, reasons[v->verdict]);
	r->ruleset = v->ruleset;
	r->rule = v->rule;
	r->audited = v->deny_rule & PST_POLICY_AUDIT;
}

/* The same questions in the same order as bpf/decide.bpf.h, but for what needs the addresses. */
struct pst_l4_result pst_judge_l4(const struct pst_bundle *b, const struct pst_l4_query *q)
{
	const uint32_t enforced = q->direction == PST_DIR_INGRESS ? PST_ADDR_ENFORCE_INGRESS
								  : PST_ADDR_ENFORCE_EGRESS;
	struct pst_l4_result r = {
		.rule = UINT32_MAX,
		.subject = q->subject.identity,
		.peer = q->peer,
	};
	const uint32_t audited =
		q->direction == PST_DIR_INGRESS ? PST_ADDR_AUDIT_INGRESS : PST_ADDR_AUDIT_EGRESS;
	const struct pst_policy_value *v;

	if (!(q->subject.flags & PST_ADDR_ENDPOINT)) {
		if (q->subject.flags & PST_ADDR_HOST)
			set_reason(&r, PST_VERDICT_ALLOW, PST_REASON_NO_POLICY);
		else
			set_reason(&r, PST_VERDICT_DENY, PST_REASON_UNKNOWN_LOCAL);
		return r;
	}
	v = find_policy(b, q, q->peer);
	if (!v)
		v = find_policy(b, q, PST_ID_ANY);
	if (v)
		set_policy(&r, v);
	else if (q->subject.flags & enforced)
		set_reason(&r, PST_VERDICT_DENY, PST_REASON_NO_RULE_L4);
	else
		set_reason(&r, PST_VERDICT_ALLOW, PST_REASON_NO_POLICY);
	if (!v && r.verdict == PST_VERDICT_DENY)
		r.audited = q->subject.flags & audited;
	return r;
}
