/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The L3/L4 decision: who is the subject, who is the peer, what does the policy say about the port.
 * Asked at connection set-up, and again when a new generation is published. compiler/judge.c
 * mirrors it natively.
 *
 * Audit is decided here, for all who ask: a denial that is only to be reported is ALLOW with the
 * reason of the denial (pst_is_denial()), HTTP rules are AUDIT instead of JUDGE, and what the proxy
 * would judge passes, since nobody else can.
 */

#include "bpf/maps.bpf.h"

struct pst_decision {
	__u32 generation;
	__u32 subject, peer;
	__u32 rule;
	__u16 ruleset;
	__u8 verdict; /* enum pst_verdict */
	__u8 reason;  /* enum pst_reason */
};

struct pst_question {
	__u8 local[16], remote[16];
	__u16 port; /* of the server */
	__u8 protocol;
	__u8 direction;	  /* enum pst_dir, seen from the local endpoint */
	__u8 on_loopback; /* the packet does not leave its network namespace */
	__u8 pad[3];
};

PST_INLINE void pst_decide_by(struct pst_decision *d, __u32 verdict, __u32 reason)
{
	d->verdict = (__u8)verdict;
	d->reason = (__u8)reason;
	d->rule = ~0U;
}

PST_INLINE const struct pst_addr_value *pst_addr_find(__u32 slot, const __u8 addr[16])
{
	struct pst_addr_key key = {.prefixlen = 32 + 128, .slot = slot};

	__builtin_memcpy(key.addr, addr, 16);
	return bpf_map_lookup_elem(&pst_addrs, &key);
}

PST_INLINE const struct pst_policy_value *pst_policy_find(__u32 slot, __u32 subject, __u32 peer,
							  const struct pst_question *q)
{
	struct pst_policy_key key = {
		.prefixlen = PST_POLICY_STATIC_BITS + 8 + 16,
		.slot = slot,
		.subject = subject,
		.peer = peer,
		.direction = q->direction,
		.protocol = q->protocol,
		.port_be = {(__u8)(q->port >> 8), (__u8)q->port},
	};

	return bpf_map_lookup_elem(&pst_policies, &key);
}

/* 127.0.0.0/8 and ::1: what is sent there stays where it is. */
PST_INLINE int pst_is_loopback(const __u8 addr[16])
{
	const __u64 *a = (const __u64 *)addr;
	const __u32 *w = (const __u32 *)addr;

	if (a[0])
		return 0;
	if (w[2] == bpf_htonl(0xffff))
		return addr[12] == 127;
	return !w[2] && w[3] == bpf_htonl(1);
}

/* An address that is no endpoint: the node itself, what stays inside a namespace, or something
 * unknown. */
PST_INLINE void pst_decide_stranger(struct pst_decision *d, const struct pst_addr_value *v,
				    const struct pst_question *q)
{
	if ((v && v->flags & PST_ADDR_HOST) || q->on_loopback)
		pst_decide_by(d, PST_VERDICT_ALLOW, PST_REASON_NO_POLICY);
	else
		pst_decide_by(d, PST_VERDICT_DENY, PST_REASON_UNKNOWN_LOCAL);
}

/* Is it to be reported as a denial, whether or not it is one? */
PST_INLINE int pst_is_denial(const struct pst_decision *d)
{
	return d->verdict == PST_VERDICT_DENY ||
	       (d->verdict == PST_VERDICT_ALLOW && d->reason > PST_REASON_LOCAL);
}

/* May packets pass before they are followed as a stream? */
PST_INLINE int pst_is_lenient(const struct pst_decision *d)
{
	return d->verdict == PST_VERDICT_ALLOW || d->verdict == PST_VERDICT_AUDIT;
}

PST_INLINE void pst_decide_audit(struct pst_decision *d)
{
	d->verdict = d->verdict == PST_VERDICT_JUDGE ? PST_VERDICT_AUDIT : PST_VERDICT_ALLOW;
}

/* ENFORCED: the subject's flags for the direction, PST_ADDR_ENFORCE_* and PST_ADDR_AUDIT_*. */
PST_INLINE void pst_decide_policy(struct pst_decision *d, __u32 slot, const struct pst_question *q,
				  __u32 enforced)
{
	const struct pst_policy_value *p = pst_policy_find(slot, d->subject, d->peer, q);

	if (!p)
		p = pst_policy_find(slot, d->subject, PST_ID_ANY, q);
	if (!p) {
		if (!enforced)
			pst_decide_by(d, PST_VERDICT_ALLOW, PST_REASON_NO_POLICY);
		else
			pst_decide_by(d,
				      enforced & (PST_ADDR_AUDIT_INGRESS | PST_ADDR_AUDIT_EGRESS)
					      ? PST_VERDICT_ALLOW
					      : PST_VERDICT_DENY,
				      PST_REASON_NO_RULE_L4);
		return;
	}
	d->verdict = p->verdict;
	d->ruleset = p->ruleset;
	d->rule = p->rule;
	if (p->verdict == PST_VERDICT_ALLOW || p->verdict == PST_VERDICT_JUDGE)
		d->reason = PST_REASON_L4_ALLOW;
	else if (p->verdict == PST_VERDICT_FALLBACK)
		d->reason = PST_REASON_FALLBACK_GONE;
	else
		d->reason = p->deny_rule & 1 ? PST_REASON_DENY_RULE : PST_REASON_NO_RULE_L4;
	if (p->deny_rule & PST_POLICY_AUDIT && d->verdict != PST_VERDICT_ALLOW)
		pst_decide_audit(d);
}

PST_INLINE void pst_decide_strictly(struct pst_decision *d, const struct pst_question *q,
				    __u32 generation)
{
	const struct pst_addr_value *local, *remote;
	__u32 slot = generation % PST_GEN_SLOTS, enforced;

	enforced = q->direction == PST_DIR_INGRESS
			   ? PST_ADDR_ENFORCE_INGRESS | PST_ADDR_AUDIT_INGRESS
			   : PST_ADDR_ENFORCE_EGRESS | PST_ADDR_AUDIT_EGRESS;
	if (!generation) {
		pst_decide_by(d, PST_VERDICT_DENY, PST_REASON_NO_GENERATION);
		return;
	}
	local = pst_addr_find(slot, q->local);
	remote = pst_addr_find(slot, q->remote);
	d->subject = local ? local->identity : PST_ID_ANY;
	d->peer = remote ? remote->identity : PST_ID_WORLD;
	if (!local || !(local->flags & PST_ADDR_ENDPOINT))
		pst_decide_stranger(d, local, q);
	else if (q->on_loopback &&
		 (pst_same_addr(q->local, q->remote) || pst_is_loopback(q->remote)))
		pst_decide_by(d, PST_VERDICT_ALLOW, PST_REASON_LOCAL);
	else
		pst_decide_policy(d, slot, q, local->flags & enforced);
}

PST_SUBPROG int pst_decide(struct pst_decision *d, const struct pst_question *q, __u32 generation)
{
	if (!d || !q)
		return -1;
	__builtin_memset(d, 0, sizeof(*d));
	d->generation = generation;
	pst_decide_strictly(d, q, generation);
	if (d->verdict != PST_VERDICT_ALLOW && pst_is_audit())
		pst_decide_audit(d);
	return 0;
}
