/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Packets of connections with HTTP rules: bpf/judge.h and bpf/follow.h meet packets and maps here.
 */

#include "bpf/deny.bpf.h"

static __always_inline void pst_judge_allowed(const struct pst_judge *j)
{
	if (!j->packet->audit || j->flow->http.allow) {
		pst_count(PST_REASON_RULE, j->walk.src->packet->direction);
		if (!j->walk.src->events)
			return;
	}
	pst_report_passed(j->walk.src->skb, j->walk.src->packet, j->flow);
}

static __always_inline void pst_follow_answered(const struct pst_follower *fw, __u32 status,
						__u32 us)
{
	if (fw->walk.src->events)
		pst_report_answer(fw->walk.src->skb, fw->walk.src->packet, fw->flow, status, us);
}

static __always_inline void adopt_decision(struct pst_flow *f, const struct pst_decision *d)
{
	f->generation = d->generation;
	f->subject = d->subject;
	f->peer = d->peer;
	f->rule = d->rule;
	f->ruleset = d->ruleset;
	f->verdict = d->verdict;
	f->reason = d->reason;
}

/*
 * A new generation is published. L3/L4 is asked at once, and a connection that it denies now ends.
 * The rest of the decision is taken over where a request begins (ADOPT): until then the request
 * under way belongs to the generation that allowed it. Returns why the connection ends, or 0.
 */
PST_OUTLINE __u32 refresh(const struct packet *p, struct pst_flow *f, __u32 generation, __u32 adopt)
{
	__u32 known = f->generation;
	struct pst_question q;
	struct pst_decision d;

	ask(&q, p, f->role);
	pst_decide(&d, &q, generation);
	if (d.verdict == PST_VERDICT_DENY)
		adopt = 1; /* for the event */
	if (adopt)
		adopt_decision(f, &d);
	if (d.verdict == PST_VERDICT_DENY)
		return known ? PST_REASON_POLICY_CHANGED : d.reason;
	return 0;
}

/* How the HTTP of a flow is judged. */
struct judging {
	__u8 observe; /* only find its requests */
	__u8 renew;   /* a newer policy waits */
	__u8 events;
	__u8 any_form;	  /* paths need not be in normal form */
	__u32 generation; /* whose table */
};

/* Judges by the HTTP rules of the flow, whose table is T. Returns a ruling. */
static __always_inline __u32 judge_by_table(struct __sk_buff *skb, const struct packet *p,
					    struct pst_flow *f, const struct pst_table *t,
					    const struct judging *how)
{
	struct pst_src src = {.skb = skb, .packet = p, .events = how->events && !how->observe};
	struct pst_packet pkt = {
		.seq = p->h.seq,
		.len = p->len - p->h.payload,
		.off = p->h.payload,
		.accepted = p->direction == PST_DIR_EGRESS ? p->acked : p->accepted,
		.ordered = p->direction == PST_DIR_EGRESS,
		.observe = how->observe,
		.renew = how->renew,
		.any_form = how->any_form,
		.audit = f->verdict == PST_VERDICT_AUDIT,
		.fin = !!(p->h.tcp_flags & PST_TCP_FIN),
	};

	return pst_judge_packet(f, t, &src, &pkt);
}

/* See table_to_use(): no head that passes has so many fields. */
static __always_inline int has_outlived_table(const struct pst_flow *f)
{
	return f->http.fields > PST_MAX_FIELDS;
}

PST_SUBPROG int pst_judge_http(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f,
			       const struct judging *how)
{
	const struct pst_table *t;
	__u32 ruling;

	if (!p || !f || !how)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_IMPOSSIBLE);
	if (!(f->flags & PST_FLOW_STREAM_KNOWN))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_UNKNOWN_FLOW);
	if (p->h.tcp_flags & PST_TCP_URG)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_URGENT);
	if (pst_is_multipath(skb, p->h.transport + sizeof(struct tcphdr), p->h.payload))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_MPTCP);
	t = pst_table_get(how->generation);
	if (!t)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_OLD_GENERATION);
	ruling = judge_by_table(skb, p, f, t, how);
	/* The slot may have been given away meanwhile: then the walk proves nothing. */
	if (ruling >> 8 == PST_ACTION_PASS && !has_outlived_table(f) &&
	    !pst_table_get(f->generation))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_OLD_GENERATION);
	return ruling;
}

/* By what the flow's verdict says. */
static __always_inline __u32 judge_by_verdict(struct __sk_buff *skb, const struct packet *p,
					      struct pst_flow *f, struct judging *how)
{
	__u32 ruling;

	if (f->verdict == PST_VERDICT_ALLOW && !(f->flags & PST_FLOW_COURTESY)) {
		f->flags &= ~PST_FLOW_STREAM_KNOWN;
		return pst_ruling(PST_ACTION_PASS, PST_REASON_L4_ALLOW);
	}
	if (f->verdict == PST_VERDICT_FALLBACK) {
		/* Nobody looks for it, but a request begins here: what ends before it was allowed.
		 */
		f->head_seq = f->judged;
		return pst_ruling(f->flags & PST_FLOW_STREAM_KNOWN ? PST_ACTION_DENY
								   : PST_ACTION_KILL,
				  PST_REASON_FALLBACK_GONE);
	}
	if (f->verdict == PST_VERDICT_AUDIT && f->flags & PST_FLOW_UNJUDGED)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_L4_ALLOW);
	if (f->verdict != PST_VERDICT_ALLOW && !pst_flow_is_judged(f))
		return pst_ruling(PST_ACTION_KILL, f->reason);
	how->observe = f->verdict == PST_VERDICT_ALLOW;
	ruling = pst_judge_http(skb, p, f, how);
	if (!how->observe || (ruling & 0xff) == PST_REASON_RENEWED)
		return ruling;
	/* The courtesy has lost its place in the stream: it is off, the bytes pass. */
	if (ruling >> 8 != PST_ACTION_PASS)
		f->flags &= ~(PST_FLOW_STREAM_KNOWN | PST_FLOW_COURTESY);
	return pst_ruling(PST_ACTION_PASS, PST_REASON_L4_ALLOW);
}

/*
 * Whose table is to be used. When that of the flow's generation is gone and the request is behind
 * its head, any: it asks nothing of a table there but what trailers must not be called. So a body
 * may take as long as it likes, and from then on any trailer is one field too many.
 */
PST_OUTLINE __u32 table_to_use(struct pst_flow *f, __u32 newest)
{
	if (f->generation == newest)
		return newest;
	if (f->flags & PST_FLOW_REQUEST && f->flags & PST_FLOW_QUEUED && !f->http.row &&
	    !pst_table_get(f->generation))
		f->http.fields = PST_MAX_FIELDS + 1;
	return has_outlived_table(f) ? newest : f->generation;
}

/*
 * A packet with payload in the request direction; the caller owns the judge's lock. A flow whose
 * recogniser is inside a request holds places in the tables of its generation: it takes over a
 * newer one where the next request begins.
 */
static __always_inline __u32 judge_locked(struct __sk_buff *skb, const struct packet *p,
					  struct pst_flow *f, const struct pst_config *config)
{
	struct judging how = {
		.events = !!(config->flags & PST_CONFIG_EVENTS_ALL),
		.any_form = !!(config->flags & PST_CONFIG_ANY_FORM),
	};
	__u32 ruling, why;

	if (f->generation != config->generation) {
		how.renew = f->flags & PST_FLOW_STREAM_KNOWN && !(f->follow & PST_FOLLOW_OPAQUE) &&
			    !pst_judge_at_rest(f);
		why = refresh(p, f, config->generation, !how.renew);
		if (why)
			return pst_ruling(PST_ACTION_KILL, why);
	}
	/* What ends at the proxy is judged by the proxy; whether it may be there is asked here. */
	if (f->flags & PST_FLOW_OURS)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_L4_ALLOW);
	how.generation = table_to_use(f, config->generation);
	ruling = judge_by_verdict(skb, p, f, &how);
	if (ruling == pst_ruling(PST_ACTION_DROP, PST_REASON_RENEWED)) {
		why = refresh(p, f, config->generation, 1);
		if (why)
			return pst_ruling(PST_ACTION_KILL, why);
	}
	return ruling;
}

/* May the client's packet without payload not pass at once? */
static __always_inline int is_end(const struct packet *p, const struct pst_flow *f)
{
	return p->h.tcp_flags & PST_TCP_FIN && is_request_side(p, f) &&
	       (f->flags & PST_FLOW_DENIED ||
		(pst_flow_is_judged(f) && f->flags & PST_FLOW_STREAM_KNOWN));
}

/* At the client: has TCP taken the 101 that was seen? */
PST_OUTLINE void confirm_switch(const struct packet *p, struct pst_flow *f)
{
	if (p->direction != PST_DIR_EGRESS || !pst_lock(&f->follow_lock))
		return;
	pst_follow_confirm(f, p->accepted);
	pst_unlock(&f->follow_lock);
}

PST_SUBPROG int pst_judge_side(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f,
			       const struct pst_config *config)
{
	__u32 ruling, action, reason, direction;

	if (!p || !f || !config)
		return SKB_DROP;
	direction = p->direction;
	if (direction == PST_DIR_EGRESS && !pst_senders_judged)
		pst_senders_judged = 1;
	if (!pst_lock(&f->judge_lock))
		return verdict_later(PST_REASON_STATE_BUSY, direction);
	if (f->flags & PST_FLOW_DENIED) {
		reason = PST_REASON_RULE;
		if (!pst_is_before_denied(skb, p, f))
			reason = pst_denied_again(skb, p, f);
		pst_unlock(&f->judge_lock);
		return reason == PST_REASON_RULE ? SKB_PASS : verdict(reason, direction, SKB_DROP);
	}
	if ((f->follow & (PST_FOLLOW_SWITCHED | PST_FOLLOW_OPAQUE)) == PST_FOLLOW_SWITCHED)
		confirm_switch(p, f);
	/* Without payload no request begins: the policy is not asked anew. */
	if (p->h.payload == p->len)
		ruling = pst_judge_fin(f, p->h.seq,
				       direction == PST_DIR_EGRESS ? f->judged : p->accepted);
	else
		ruling = judge_locked(skb, p, f, config);
	action = ruling >> 8;
	if (action != PST_ACTION_PASS && action != PST_ACTION_DROP)
		ruling = pst_deny_l7(skb, p, f, ruling);
	pst_unlock(&f->judge_lock);
	return ruling >> 8 == PST_ACTION_PASS ? SKB_PASS : verdict_later(ruling & 0xff, direction);
}

static __always_inline void follow_by_table(struct __sk_buff *skb, const struct packet *p,
					    struct pst_flow *f, const struct pst_table *t,
					    __u32 events)
{
	struct pst_src src = {.skb = skb, .packet = p, .events = events && pst_flow_is_judged(f)};
	struct pst_packet pkt = {
		.seq = p->h.seq,
		.len = p->len - p->h.payload,
		.off = p->h.payload,
		.accepted = p->accepted,
		.ordered = p->direction == PST_DIR_EGRESS,
	};

	pst_follow_packet(f, t, &src, &pkt);
}

/* The response direction is never held up: what cannot be followed is lost, not dropped. */
PST_SUBPROG int pst_follow_side(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f,
				const struct pst_config *config)
{
	const struct pst_table *t;
	__u32 generation;

	if (!p || !f || !config)
		return SKB_DROP;
	if ((!pst_flow_is_judged(f) && !(f->flags & PST_FLOW_COURTESY)) || f->flags & PST_FLOW_OURS)
		return SKB_PASS;
	if (!pst_lock(&f->follow_lock)) {
		f->follow |= PST_FOLLOW_LOST;
		return SKB_PASS;
	}
	generation = f->generation;
	t = pst_table_get(generation);
	if (!t) { /* a long answer: any table will do */
		generation = config->generation;
		t = pst_table_get(generation);
	}
	/* In the middle of a field's name, the row is one of another table. */
	if (f->response.row && f->follow_generation != (__u8)generation)
		f->follow |= PST_FOLLOW_LOST;
	f->follow_generation = (__u8)generation;
	if (t)
		follow_by_table(skb, p, f, t, config->flags & PST_CONFIG_EVENTS_ALL);
	if (!t || !pst_table_get(generation))
		f->follow |= PST_FOLLOW_LOST;
	pst_unlock(&f->follow_lock);
	return SKB_PASS;
}
