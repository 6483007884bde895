/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Packets of connections with HTTP rules: bpf/judge.h and bpf/follow.h meet packets and maps here,
 * and what they find is reported.
 */

#include "bpf/context.bpf.h"

struct pst_src {
	struct __sk_buff *skb;
	const struct packet *packet;
	__u32 events; /* 1: report what is allowed, too */
};

static __always_inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	/* 6.1 refuses a length masked as n & 31 with a test for zero behind it. */
	return bpf_skb_load_bytes(src->skb, off, buf, ((n - 1) & (PST_HTTP_CHUNK - 1)) + 1);
}

static __always_inline __u32 pst_clock_us(void)
{
	return (__u32)(bpf_ktime_get_ns() / 1000);
}

#include "bpf/follow.h"
#include "bpf/judge.h"

/* The bytes of heads and chunk framing that TCP may not have taken yet (bpf/raw.h): 4 x 2.5 MiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PST_RAW_SHARDS);
	__type(key, __u32);
	__type(value, struct pst_raw);
} pst_kept __weak SEC(".maps");

static __always_inline struct pst_raw *pst_raw_shard(__u32 shard)
{
	return bpf_map_lookup_elem(&pst_kept, &shard);
}

static __always_inline __u32 pst_raw_here(void)
{
	return bpf_get_smp_processor_id();
}

enum {
	MAX_REPORTS = 8,       /* per denied connection: the answer may be lost on the way */
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
	struct kept_head k = {.e = e, .slot = f->raw_last, .seq = f->head_seq};

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

PST_SUBPROG int pst_report_allowed(struct __sk_buff *skb, const struct packet *p,
				   const struct pst_flow *f)
{
	struct pst_event *e;

	if (!p || !f)
		return -1;
	e = report_flow(skb, p, f, PST_REASON_RULE, PST_LAYER_L7);
	if (!e)
		return 0;
	e->allowed = 1;
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
	e->allowed = 1;
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

static __always_inline void pst_judge_allowed(const struct pst_judge *j)
{
	pst_count(PST_REASON_RULE, j->walk.src->packet->direction);
	if (j->walk.src->events)
		pst_report_allowed(j->walk.src->skb, j->walk.src->packet, j->flow);
}

static __always_inline void pst_follow_answered(const struct pst_follower *fw, __u32 status,
						__u32 us)
{
	if (fw->walk.src->events)
		pst_report_answer(fw->walk.src->skb, fw->walk.src->packet, fw->flow, status, us);
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
	if (f->follow & (PST_FOLLOW_LOST | PST_FOLLOW_OPAQUE) || due < 0)
		return PST_REQUEST_KILL;
	if (due > 0)
		return PST_REQUEST_DEFER;
	if (f->follow & (PST_FOLLOW_BEGUN | PST_FOLLOW_TO_CLOSE))
		return PST_REQUEST_KILL;
	if (p->h.ack != f->followed || (p->direction == PST_DIR_INGRESS && p->h.ack != p->sent))
		return PST_REQUEST_DEFER;
	return PST_REQUEST_INJECT;
}

/* The first denial of a connection. */
PST_SUBPROG int pst_deny_l7(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f,
			    __u32 action, __u32 reason)
{
	if (!p || !f)
		return -1;
	f->flags |= PST_FLOW_DENIED;
	f->deny_reason = (__u8)reason;
	f->deny_head = f->http.method == PST_METHOD_HEAD;
	f->deny_request = action == PST_ACTION_DENY ? (__u8)how_to_answer(p, f) : PST_REQUEST_KILL;
	f->denied_seq = p->h.seq;
	f->reported_ns = bpf_ktime_get_ns();
	f->reports = 1;
	return pst_report_denied(skb, p, f, f->deny_request, 0);
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

/* The peer repeats what was denied: the answer may have been lost. Reported again, at a bounded
 * rate. */
PST_SUBPROG int pst_denied_again(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f)
{
	__u64 now = bpf_ktime_get_ns();

	if (!p || !f)
		return -1;
	if (f->deny_request == PST_REQUEST_DEFER) {
		answer_now(skb, p, f);
	} else if (p->h.seq == f->denied_seq && f->reports < MAX_REPORTS &&
		   now - f->reported_ns > report_interval_ns) {
		f->reports++;
		f->reported_ns = now;
		pst_report_denied(skb, p, f, f->deny_request, 1);
	}
	return PST_REASON_AFTER_DENY;
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

enum { OPT_END = 0, OPT_NOP = 1, OPT_MPTCP = 30, MAX_OPTIONS = 40 };

struct option_scan {
	struct __sk_buff *skb;
	__u32 off, end;
	__u32 found;
};

PST_CALLBACK long next_option(__u32 i, void *ctx)
{
	struct option_scan *s = ctx;
	__u8 opt[2];

	(void)i;
	/* The last byte of the options can only be a one-byte one: the payload behind it is never
	 * empty. */
	if (s->off >= s->end || bpf_skb_load_bytes(s->skb, s->off, opt, sizeof(opt)))
		return 1;
	if (opt[0] == OPT_MPTCP)
		s->found = 1;
	if (opt[0] == OPT_END || opt[0] == OPT_MPTCP || (opt[0] != OPT_NOP && opt[1] < 2))
		return 1;
	s->off += opt[0] == OPT_NOP ? 1 : opt[1];
	return 0;
}

/*
 * Does the packet belong to a multipath connection? sock_create keeps new multipath sockets out; a
 * listener older than the daemon may still be one, and no single path shows what its application
 * reads (kernel-facts 3.5). OFF .. END are the TCP options; the usual ones, timestamps alone, are
 * told by their first four bytes.
 */
PST_SUBPROG int pst_is_multipath(struct __sk_buff *skb, __u32 off, __u32 end)
{
	struct option_scan s = {.skb = skb, .off = off, .end = end};
	__u8 usual[4];

	if (off >= end || bpf_skb_load_bytes(skb, off, usual, sizeof(usual)))
		return 0;
	if (end - off == 12 && usual[0] == OPT_NOP && usual[1] == OPT_NOP && usual[2] == 8 &&
	    usual[3] == 10)
		return 0;
	bpf_loop(MAX_OPTIONS, next_option, &s, 0);
	return s.found;
}

/* How the HTTP of a flow is judged. */
struct judging {
	__u8 observe; /* only find its requests */
	__u8 renew;   /* a newer policy waits */
	__u8 events;
	__u8 any_form; /* paths need not be in normal form */
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
		.accepted = p->accepted,
		.ordered = p->direction == PST_DIR_EGRESS,
		.observe = how->observe,
		.renew = how->renew,
		.any_form = how->any_form,
		.fin = !!(p->h.tcp_flags & PST_TCP_FIN),
	};

	return pst_judge_packet(f, t, &src, &pkt);
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
	t = pst_table_get(f->generation);
	if (!t)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_OLD_GENERATION);
	ruling = judge_by_table(skb, p, f, t, how);
	/* The slot may have been given away meanwhile: then the walk proves nothing. */
	if (ruling >> 8 == PST_ACTION_PASS && !pst_table_get(f->generation))
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
	if (f->verdict == PST_VERDICT_FALLBACK)
		return pst_ruling(PST_ACTION_DENY, PST_REASON_FALLBACK_GONE);
	if (f->verdict != PST_VERDICT_ALLOW && f->verdict != PST_VERDICT_JUDGE)
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
		(f->verdict == PST_VERDICT_JUDGE && f->flags & PST_FLOW_STREAM_KNOWN));
}

PST_SUBPROG int pst_judge_side(struct __sk_buff *skb, const struct packet *p, struct pst_flow *f,
			       const struct pst_config *config)
{
	__u32 ruling, action, reason, direction;

	if (!p || !f || !config)
		return SKB_DROP;
	direction = p->direction;
	if (!pst_lock(&f->judge_lock))
		return verdict(PST_REASON_STATE_BUSY, direction, SKB_DROP);
	if (f->flags & PST_FLOW_DENIED) {
		reason = pst_denied_again(skb, p, f);
		pst_unlock(&f->judge_lock);
		return verdict(reason, direction, SKB_DROP);
	}
	/* Without payload no request begins: the policy is not asked anew. */
	if (p->h.payload == p->len)
		ruling = pst_judge_fin(f, p->h.seq,
				       direction == PST_DIR_EGRESS ? f->judged : p->accepted);
	else
		ruling = judge_locked(skb, p, f, config);
	action = ruling >> 8;
	reason = ruling & 0xff;
	if (action == PST_ACTION_DENY || action == PST_ACTION_KILL)
		pst_deny_l7(skb, p, f, action, reason);
	pst_unlock(&f->judge_lock);
	return action == PST_ACTION_PASS ? SKB_PASS : verdict(reason, direction, SKB_DROP);
}

static __always_inline void follow_by_table(struct __sk_buff *skb, const struct packet *p,
					    struct pst_flow *f, const struct pst_table *t,
					    __u32 events)
{
	struct pst_src src = {
		.skb = skb, .packet = p, .events = events && f->verdict == PST_VERDICT_JUDGE};
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
				__u32 events)
{
	const struct pst_table *t;

	if (!p || !f)
		return SKB_DROP;
	if (f->verdict != PST_VERDICT_JUDGE && !(f->flags & PST_FLOW_COURTESY))
		return SKB_PASS;
	if (!pst_lock(&f->follow_lock)) {
		f->follow |= PST_FOLLOW_LOST;
		return SKB_PASS;
	}
	t = pst_table_get(f->generation);
	/* In the middle of a field's name, the row is one of another table. */
	if (f->response.row && f->follow_generation != (__u8)f->generation)
		f->follow |= PST_FOLLOW_LOST;
	f->follow_generation = (__u8)f->generation;
	if (t)
		follow_by_table(skb, p, f, t, events);
	if (!t || !pst_table_get(f->generation))
		f->follow |= PST_FOLLOW_LOST;
	pst_unlock(&f->follow_lock);
	return SKB_PASS;
}
