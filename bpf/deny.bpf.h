/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Events about connections with HTTP rules, and how their denials are answered (kernel-facts 6.5).
 */

#include "bpf/core.bpf.h"

enum {
	MAX_REPORTS = 8,       /* per denied connection: the answer may be lost on the way */
	MAX_RELAYS = 4,	       /* of what stands before the denied request: then it ends */
	EVENT_SLOTS = 1 << 10, /* looked at for the head of an event */
	ACK_AHEAD = 1 << 20,   /* of snd_nxt: more than one packet */
	ACK_BEHIND = 1 << 24,  /* of snd_una */
};

static const __u64 report_interval_ns = 150 * 1000 * 1000ULL;

struct kept_head {
	struct pst_event *e;
	__u64 slot;
	__u32 seq; /* of the head */
	__u32 len;
};

PST_CALLBACK long report_slot(__u32 i, void *ctx)
{
	struct kept_head *k = ctx;
	struct pst_raw *raw = pst_raw_shard(k->slot & (PST_RAW_SHARDS - 1));
	const struct pst_raw_slot *slot;
	__u32 off, n;

	(void)i;
	if (!k->slot || !raw)
		return 1;
	slot = &raw->slots[(k->slot >> PST_RAW_SHARD_BITS) & (PST_RAW_SLOTS - 1)];
	off = slot->seq - k->seq;
	n = slot->len;
	k->slot = slot->before;
	if (off > PST_EVENT_HEAD - PST_HTTP_CHUNK || n > PST_HTTP_CHUNK)
		return 0;
	/* Behind the bytes of a slot are zeroes, where the next slot's are already. */
	PST_UNROLL
	for (int w = 0; w < PST_HTTP_CHUNK / 8; w++)
		*(__u64 *)(k->e->head + off + 8 * w) |= slot->bytes.words[w];
	if (off + n > k->len)
		k->len = off + n;
	if (off)
		return 0;
	k->e->head_len = (__u16)k->len;
	return 1;
}

/*
 * The beginning of a head that did not come in one packet, out of what is kept of it. Whoever
 * overwrites a slot meanwhile spoils an event; but a head without its first byte is not shown.
 */
static __always_inline void report_kept(struct pst_event *e, const struct pst_flow *f)
{
	struct kept_head k = {.e = e, .slot = pst_raw_newest(f), .seq = f->head_seq};

	__builtin_memset(e->head, 0, sizeof(e->head));
	bpf_loop(EVENT_SLOTS, report_slot, &k, 0);
}

/* Head bytes of the packet at hand. Constant sizes where the packet is long enough. */
static __always_inline void report_head(struct pst_event *e, struct __sk_buff *skb, __u32 off)
{
	__u32 n = skb->len - off;

	if (off >= skb->len || !n)
		return;
	if (n > PST_EVENT_HEAD)
		n = PST_EVENT_HEAD;
	pst_opaque(n);
	n = ((n - 1) & (PST_EVENT_HEAD - 1)) + 1;
	if (!bpf_skb_load_bytes(skb, off, e->head, n))
		e->head_len = (__u16)n;
}

/* Its TCP options. */
static __always_inline void report_options(struct pst_event *e, struct __sk_buff *skb,
					   const struct packet *p)
{
	__u32 opts = p->h.payload - p->h.transport - sizeof(struct tcphdr);

	if (!opts || opts > PST_EVENT_OPTIONS)
		return;
	pst_opaque(opts);
	opts = ((opts - 1) & 63) + 1;
	if (opts <= PST_EVENT_OPTIONS &&
	    !bpf_skb_load_bytes(skb, p->h.transport + sizeof(struct tcphdr), e->options, opts))
		e->options_len = (__u8)opts;
}

/* An event about connection F, begun. NULL when the ring is full. */
static __always_inline struct pst_event *report_flow(struct __sk_buff *skb, const struct packet *p,
						     const struct pst_flow *f, __u32 reason,
						     __u32 layer)
{
	struct pst_event *e = report_begin(skb, p, f->role);

	if (!e)
		return NULL;
	e->generation = f->generation;
	e->subject = f->subject;
	e->peer = f->peer;
	e->rule = f->rule;
	e->ruleset = f->ruleset;
	e->reason = (__u8)reason;
	e->netns_cookie = f->netns_cookie;
	e->layer = (__u8)layer;
	e->payload = p->len - p->h.payload;
	return e;
}

/*
 * The head of the request under way: in the packet, or begun in one before. Of a request whose head
 * was allowed long ago nothing is left.
 */
static __always_inline void report_request(struct pst_event *e, struct __sk_buff *skb,
					   const struct packet *p, const struct pst_flow *f)
{
	__s32 skip = pst_seq_diff(f->head_seq, p->h.seq);

	if (skip < 0)
		report_kept(e, f);
	else
		report_head(e, skb, p->h.payload + skip);
}

/* A request that passes: a rule allows it, or, in audit, none does, which is counted here. */
PST_SUBPROG int pst_report_passed(struct __sk_buff *skb, const struct packet *p,
				  const struct pst_flow *f)
{
	struct pst_event *e;

	if (!p || !f)
		return -1;
	if (!f->http.allow)
		pst_count_audited(PST_REASON_NO_RULE_L7, p->direction);
	e = report_flow(skb, p, f, PST_REASON_RULE, PST_LAYER_L7);
	if (!e)
		return 0;
	e->outcome = PST_OUTCOME_ALLOWED;
	if (!f->http.allow) {
		e->outcome = PST_OUTCOME_AUDITED;
		e->reason = PST_REASON_NO_RULE_L7;
	}
	e->number = f->requests - 1;
	report_request(e, skb, p, f);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

PST_SUBPROG int pst_report_answer(struct __sk_buff *skb, const struct packet *p,
				  const struct pst_flow *f, __u32 status, __u32 us)
{
	struct pst_event *e;

	if (!p || !f)
		return -1;
	e = report_flow(skb, p, f, PST_REASON_REPLY, PST_LAYER_ANSWER);
	if (!e)
		return 0;
	e->outcome = PST_OUTCOME_ALLOWED;
	e->number = f->responses;
	e->status = (__u16)status;
	e->latency_us = us;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* REQUEST (enum pst_request) asks the daemon to do something about the denied connection. */
PST_SUBPROG int pst_report_denied(struct __sk_buff *skb, const struct packet *p,
				  const struct pst_flow *f, __u32 request, __u32 again)
{
	struct pst_event *e;

	if (!p || !f)
		return -1;
	e = report_flow(skb, p, f, f->deny_reason, PST_LAYER_L7);
	if (!e)
		return 0;
	if (f->flags & PST_FLOW_UNJUDGED)
		e->outcome = PST_OUTCOME_AUDITED;
	e->request = (__u8)request;
	e->again = (__u8)again;
	e->is_head = f->deny_head;
	e->number = f->requests;
	report_options(e, skb, p);
	if (!again)
		report_request(e, skb, p, f);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline int is_request_side(const struct packet *p, const struct pst_flow *f)
{
	return (f->role == PST_ROLE_CLIENT) == (p->direction == PST_DIR_EGRESS);
}

static __always_inline int read_positions(struct packet *p, struct bpf_sock *sk)
{
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);

	if (!tcp)
		return 0;
	p->accepted = tcp->rcv_nxt;
	p->sent = tcp->snd_nxt;
	p->acked = tcp->snd_una;
	return 1;
}

/*
 * Does TCP discard the packet whatever it says (RFC 9293 section 3.10.7.4, RFC 5961 section 5)? Who
 * forges packets has to guess the sequence number of the judge's next byte, as of TCP's: what TCP
 * asks for besides is asked for here, or it would be easier to have a connection denied than to
 * reset it. snd_nxt moves behind the packet that it counts; nobody knows the peer's largest window.
 */
static __always_inline int is_unacceptable(const struct packet *p)
{
	if (p->direction == PST_DIR_EGRESS)
		return 0;
	return (p->h.tcp_flags & (PST_TCP_ACK | PST_TCP_SYN)) != PST_TCP_ACK ||
	       pst_seq_diff(p->h.ack, p->sent) > ACK_AHEAD ||
	       pst_seq_diff(p->acked, p->h.ack) > ACK_BEHIND;
}

/*
 * At the client, what came out of order may have completed an answer. One try for the lock: a flow
 * whose follower is at work has another packet to learn from.
 */
PST_OUTLINE void catch_up(const struct packet *p, struct pst_flow *f)
{
	if (p->direction != PST_DIR_EGRESS || f->followed == p->accepted ||
	    __sync_val_compare_and_swap(&f->follow_lock, 0, 1))
		return;
	pst_follow_catch_up(f, p->accepted);
	pst_unlock(&f->follow_lock);
}

/* Has the server's TCP not yet taken all that stands before the denied request? */
static __always_inline int is_before_denied(const struct packet *p, const struct pst_flow *f)
{
	return p->direction == PST_DIR_INGRESS && pst_seq_diff(f->head_seq, p->accepted) > 0;
}

/*
 * How can a denial be answered, now that packet P has come from the client? In the server's name
 * only when no earlier answer is due and the client has seen all that the server sent: otherwise
 * the 403 would be taken for another request's (6.5). The follower's position says it: TCP moves
 * snd_nxt only after the packet that ends an answer has passed here, and at the client TCP may have
 * dropped what was followed. Later when that is still to come; never when the answer to the denied
 * request itself has begun, or nobody knows.
 */
PST_OUTLINE __u32 how_to_answer(const struct packet *p, struct pst_flow *f)
{
	__s32 due;

	catch_up(p, f);
	due = pst_flow_due_before(f);
	if (f->follow & (PST_FOLLOW_LOST | PST_FOLLOW_OPAQUE | PST_FOLLOW_SWITCHED) || due < 0)
		return PST_REQUEST_KILL;
	if (due > 0 || is_before_denied(p, f))
		return PST_REQUEST_DEFER;
	if (f->follow & (PST_FOLLOW_BEGUN | PST_FOLLOW_TO_CLOSE))
		return PST_REQUEST_KILL;
	if (p->h.ack != f->followed || (p->direction == PST_DIR_INGRESS && p->h.ack != p->sent))
		return PST_REQUEST_DEFER;
	return PST_REQUEST_INJECT;
}

struct relay {
	struct __sk_buff *skb;
	const struct packet *packet;
	const struct pst_flow *flow;
	__u32 at, end; /* in the packet */
};

/* One event's worth. What is not sent for want of room, the client repeats. */
PST_CALLBACK long relay_part(__u32 i, void *ctx)
{
	struct relay *r = ctx;
	__u32 n = r->end - r->at;
	struct pst_event *e;

	(void)i;
	if (r->at >= r->end)
		return 1;
	e = report_flow(r->skb, r->packet, r->flow, PST_REASON_RULE, PST_LAYER_L7);
	if (!e)
		return 1;
	e->request = PST_REQUEST_RELAY;
	e->again = 1;
	e->seq = r->packet->h.seq + (r->at - r->packet->h.payload);
	bpf_skb_load_bytes(r->skb, r->packet->h.transport + 14, &e->window, sizeof(e->window));
	e->window = bpf_ntohs(e->window);
	report_options(e, r->skb, r->packet);
	if (n > PST_EVENT_HEAD)
		n = PST_EVENT_HEAD;
	pst_opaque(n);
	n = ((n - 1) & (PST_EVENT_HEAD - 1)) + 1;
	if (!bpf_skb_load_bytes(r->skb, r->at, e->head, n))
		e->head_len = (__u16)n;
	r->at += n;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/*
 * Packet P, of which the server gets nothing, begins with what was allowed: the daemon sends it as
 * packets of its own, which are judged like any. Then the answers come, and then the 403. Returns
 * what to ask for: a kill where it is too much.
 */
PST_SUBPROG int pst_relay(struct __sk_buff *skb, const struct packet *p, const struct pst_flow *f)
{
	struct relay r = {.skb = skb, .packet = p, .flow = f};
	__s32 have;

	if (!p || !f)
		return PST_REQUEST_KILL;
	have = pst_seq_diff(p->accepted, p->h.seq);
	r.at = p->h.payload + (have > 0 ? have : 0);
	r.end = p->h.payload + (f->head_seq - p->h.seq);
	if (r.end > p->len || r.at >= r.end || r.end - r.at > PST_RELAY_PARTS * PST_EVENT_HEAD)
		return PST_REQUEST_KILL;
	bpf_loop(PST_RELAY_PARTS, relay_part, &r, 0);
	return PST_REQUEST_DEFER;
}

/*
 * In audit the stream passes on, but the judge has lost its place in it: this is the last that is
 * told of it. When audit ends, it is a connection that nobody has seen begin.
 */
static __always_inline __u32 lose_stream(struct __sk_buff *skb, const struct packet *p,
					 struct pst_flow *f, __u32 reason)
{
	f->flags |= PST_FLOW_UNJUDGED;
	f->flags &= ~(PST_FLOW_STREAM_KNOWN | PST_FLOW_COURTESY);
	f->follow |= PST_FOLLOW_LOST;
	pst_count_audited(reason, p->direction);
	pst_report_denied(skb, p, f, PST_REQUEST_NONE, 0);
	return pst_ruling(PST_ACTION_PASS, PST_REASON_L4_ALLOW);
}

/* The first denial of a connection. Returns what RULING comes to. */
PST_SUBPROG int pst_deny_l7(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f,
			    __u32 ruling)
{
	__u32 action = ruling >> 8, reason = ruling & 0xff;

	if (!p || !f)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_IMPOSSIBLE);
	f->deny_reason = (__u8)reason;
	if (f->verdict == PST_VERDICT_AUDIT)
		return lose_stream(skb, p, f, reason);
	f->flags |= PST_FLOW_DENIED;
	f->deny_head = f->http.method == PST_METHOD_HEAD;
	f->deny_request = PST_REQUEST_KILL;
	if (action != PST_ACTION_KILL && reason != PST_REASON_HTTP2) /* who would not read a 403 */
		f->deny_request = (__u8)how_to_answer(p, f);
	if (action == PST_ACTION_CUT && f->deny_request == PST_REQUEST_DEFER)
		f->deny_request = (__u8)pst_relay(skb, p, f);
	f->denied_seq = p->h.seq;
	f->reported_ns = bpf_ktime_get_ns();
	f->reports = 1;
	pst_report_denied(skb, p, f, f->deny_request, 0);
	return ruling;
}

/*
 * A denied connection whose answer had to wait: is it time now? A waiting client sends something
 * when it has an answer: an acknowledgement, or what was denied once more.
 */
PST_OUTLINE int answer_now(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f)
{
	__u32 request = how_to_answer(p, f);

	if (request == PST_REQUEST_DEFER)
		return 0;
	f->deny_request = (__u8)request;
	f->reported_ns = bpf_ktime_get_ns();
	pst_report_denied(skb, p, f, request, 1);
	return 0;
}

/* A packet without payload. It passes whatever comes of it. */
static __always_inline int answer_deferred(struct __sk_buff *skb, struct bpf_sock *sk,
					   struct packet *p, struct pst_flow *f)
{
	if (!(f->flags & PST_FLOW_DENIED) || f->deny_request != PST_REQUEST_DEFER ||
	    !is_request_side(p, f) || !read_positions(p, sk) || !pst_lock(&f->judge_lock))
		return SKB_PASS;
	if (f->deny_request == PST_REQUEST_DEFER)
		answer_now(skb, p, f);
	pst_unlock(&f->judge_lock);
	return SKB_PASS;
}

/*
 * The client repeats a packet whose beginning the server should have by now. Whoever cannot get it
 * there in a few tries, such as a daemon whose packets are filtered, ends the connection.
 */
PST_OUTLINE int relay_again(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f)
{
	__u64 now = bpf_ktime_get_ns();

	if (now - f->reported_ns <= report_interval_ns)
		return 0;
	f->reported_ns = now;
	if (f->reports++ < MAX_RELAYS)
		f->deny_request = (__u8)pst_relay(skb, p, f);
	else
		f->deny_request = PST_REQUEST_KILL;
	if (f->deny_request == PST_REQUEST_KILL)
		pst_report_denied(skb, p, f, PST_REQUEST_KILL, 1);
	return 0;
}

/* Does the packet reach from what the server should have by now into what was denied? */
static __always_inline int is_across(const struct packet *p, const struct pst_flow *f)
{
	return is_before_denied(p, f) && pst_seq_diff(p->h.seq, p->accepted) <= 0 &&
	       pst_seq_diff(p->h.seq + (p->len - p->h.payload), f->head_seq) > 0;
}

/* May a packet of a denied connection pass, because all of it stands before what was denied? */
PST_SUBPROG int pst_is_before_denied(struct __sk_buff *skb, const struct packet *p,
				     struct pst_flow *f)
{
	struct pst_src src = {.skb = skb, .packet = p};
	struct pst_packet pkt = {.len = 0};

	if (!p || !f)
		return 0;
	if (f->deny_request != PST_REQUEST_DEFER || p->len == p->h.payload ||
	    p->h.tcp_flags & PST_TCP_URG ||
	    pst_is_multipath(skb, p->h.transport + sizeof(struct tcphdr), p->h.payload))
		return 0;
	pkt.seq = p->h.seq;
	pkt.len = p->len - p->h.payload;
	pkt.off = p->h.payload;
	pkt.accepted = p->accepted;
	pkt.ordered = p->direction == PST_DIR_EGRESS;
	pkt.fin = !!(p->h.tcp_flags & PST_TCP_FIN);
	return pst_judge_denied(f, &src, &pkt) >> 8 == PST_ACTION_PASS;
}

/* Is it what was denied? At the server it may come without what stood before it, or with more. */
static __always_inline int is_denied_part(const struct packet *p, const struct pst_flow *f)
{
	if (p->direction == PST_DIR_EGRESS)
		return p->h.seq == f->denied_seq;
	return pst_seq_diff(p->h.seq, p->accepted) <= 0 &&
	       pst_seq_diff(p->h.seq + (p->len - p->h.payload), p->accepted) > 0;
}

/* The peer repeats what was denied: the answer may have been lost. Reported again, at a bounded
 * rate. */
PST_SUBPROG int pst_denied_again(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f)
{
	__u64 now = bpf_ktime_get_ns();

	if (!p || !f)
		return -1;
	if (f->deny_request == PST_REQUEST_DEFER) {
		if (is_across(p, f))
			relay_again(skb, p, f);
		else
			answer_now(skb, p, f);
	} else if (is_denied_part(p, f) && f->reports < MAX_REPORTS &&
		   now - f->reported_ns > report_interval_ns) {
		f->reports++;
		f->reported_ns = now;
		pst_report_denied(skb, p, f, f->deny_request, 1);
	}
	return PST_REASON_AFTER_DENY;
}
