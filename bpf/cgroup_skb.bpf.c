// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The authority: cgroup_skb, ingress and egress, at wire order, with the socket at hand
 * (kernel-facts 6.1-6.3).
 *
 * Every packet of a socket below the enforced cgroup comes through here. Connection set-up is
 * decided by L3/L4; then a connection's request direction is judged (bpf/judge.h) where the subject
 * is, and its response direction is followed (bpf/follow.h). Nothing returns "pass" because
 * something failed: each way of giving up is a reason of bpf/reason.h, counted.
 */
#include "bpf/decide.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/report.bpf.h"

struct pst_src {
	struct __sk_buff *skb;
};

static __always_inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	/* 6.1 refuses a length masked as n & 31 with a test for zero behind it. */
	return bpf_skb_load_bytes(src->skb, off, buf, ((n - 1) & (PST_HTTP_CHUNK - 1)) + 1);
}

#include "bpf/follow.h"
#include "bpf/judge.h"

enum {
	SKB_DROP = 0,
	SKB_PASS = 1,
	SOCKET_STREAM = 1,    /* SOCK_STREAM */
	LOOPBACK_IFINDEX = 1, /* of every network namespace */
	MAX_REPORTS = 8,      /* per denied connection: the answer may be lost on the way */
};

static const __u64 report_interval_ns = 150 * 1000 * 1000ULL;
static const __u64 exchange_timeout_ns = 60 * 1000 * 1000 * 1000ULL;

/*
 * Does this kernel give cgroup_skb the cookie of the network namespace? Set by the loader, which
 * asks; 6.1 and 6.12 do not. The daemon needs it to end a connection that sockops has never seen.
 */
const volatile __u8 pst_has_netns_cookie;

/* What the steps of one packet share; on the stack of the program. */
struct packet {
	struct __sk_buff *skb;
	struct bpf_sock *sk;
	struct pst_headers h;
	__u32 direction; /* of the packet: enum pst_dir */
	__u32 accepted;	 /* rcv_nxt */
	__u32 sent;	 /* snd_nxt */
};

static __always_inline int verdict(__u32 reason, __u32 direction, int pass)
{
	pst_count(reason, direction);
	return pass;
}

/* ROLE is the local endpoint's role in the connection. */
static __always_inline void ask(struct pst_question *q, const struct packet *p, __u32 role)
{
	int out = p->direction == PST_DIR_EGRESS;

	__builtin_memset(q, 0, sizeof(*q));
	__builtin_memcpy(q->local, out ? p->h.src : p->h.dst, 16);
	__builtin_memcpy(q->remote, out ? p->h.dst : p->h.src, 16);
	/* The server's port: the destination of what the client sends. */
	q->port = (role == PST_ROLE_CLIENT) == out ? p->h.dst_port : p->h.src_port;
	q->protocol = p->h.protocol;
	q->direction = role == PST_ROLE_CLIENT ? PST_DIR_EGRESS : PST_DIR_INGRESS;
	q->on_loopback = p->skb->ifindex == LOOPBACK_IFINDEX;
}

/* Who talks to whom, and what was decided. ROLE is the local endpoint's. */
static __always_inline struct pst_event *report_begin(const struct packet *p,
						      const struct pst_decision *d, __u32 role)
{
	int from_client = (role == PST_ROLE_CLIENT) == (p->direction == PST_DIR_EGRESS);
	struct pst_event *e =
		pst_event_begin(role == PST_ROLE_CLIENT ? PST_DIR_EGRESS : PST_DIR_INGRESS);

	if (!e)
		return NULL;
	e->socket_cookie = bpf_get_socket_cookie(p->skb);
	e->generation = d->generation;
	e->subject = d->subject;
	e->peer = d->peer;
	e->rule = d->rule;
	e->ruleset = d->ruleset;
	e->seq = p->h.seq;
	e->ack = p->h.ack;
	__builtin_memcpy(e->client, from_client ? p->h.src : p->h.dst, 16);
	__builtin_memcpy(e->server, from_client ? p->h.dst : p->h.src, 16);
	e->client_port = from_client ? p->h.src_port : p->h.dst_port;
	e->server_port = from_client ? p->h.dst_port : p->h.src_port;
	e->protocol = p->h.protocol;
	e->reason = d->reason;
	return e;
}

/* A denied connection set-up or packet without connection: dropped, said once per packet. */
PST_OUTLINE int deny_l3l4(const struct packet *p, const struct pst_decision *d, __u32 role)
{
	struct pst_event *e = report_begin(p, d, role);

	if (e) {
		e->layer = PST_LAYER_L3L4;
		bpf_ringbuf_submit(e, 0);
	}
	return verdict(d->reason, role == PST_ROLE_CLIENT ? PST_DIR_EGRESS : PST_DIR_INGRESS,
		       SKB_DROP);
}

/* Head bytes and TCP options of the packet at hand. Constant sizes where the packet is long enough.
 */
static __always_inline void report_bytes(struct pst_event *e, const struct packet *p, __u32 off)
{
	__u32 n = p->skb->len - off, opts = p->h.payload - p->h.transport - sizeof(struct tcphdr);

	if (off < p->skb->len && n) {
		if (n > PST_EVENT_HEAD)
			n = PST_EVENT_HEAD;
		pst_opaque(n);
		n = ((n - 1) & (PST_EVENT_HEAD - 1)) + 1;
		if (!bpf_skb_load_bytes(p->skb, off, e->head, n))
			e->head_len = (__u16)n;
	}
	if (opts && opts <= PST_EVENT_OPTIONS) {
		pst_opaque(opts);
		opts = ((opts - 1) & 63) + 1;
		if (opts <= PST_EVENT_OPTIONS &&
		    !bpf_skb_load_bytes(p->skb, p->h.transport + sizeof(struct tcphdr), e->options,
					opts))
			e->options_len = (__u8)opts;
	}
}

struct l7_report {
	__u32 reason;
	__u32 request; /* enum pst_request */
	__u32 head;    /* offset of the head in the packet */
	__u32 allowed;
	__u32 again;
};

PST_OUTLINE int report_l7(const struct packet *p, const struct pst_flow *f,
			  const struct l7_report *l)
{
	struct pst_decision d = {
		.generation = f->generation,
		.subject = f->subject,
		.peer = f->peer,
		.rule = f->rule,
		.ruleset = f->ruleset,
		.reason = (__u8)l->reason,
	};
	struct pst_event *e = report_begin(p, &d, f->role);

	if (!e)
		return 0;
	e->netns_cookie = f->netns_cookie;
	e->layer = PST_LAYER_L7;
	e->request = (__u8)l->request;
	e->allowed = (__u8)l->allowed;
	e->again = (__u8)l->again;
	e->payload = p->skb->len - p->h.payload;
	report_bytes(e, p, l->head);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/*
 * Can the denied request be answered in the server's name? Only when no earlier answer is due and
 * the peer has seen all that the server sent: otherwise the 403 would be taken for another
 * request's (6.5). The follower's position says it: TCP moves snd_nxt only after the packet that
 * ends an answer has passed here, and at the client TCP may have dropped what was followed.
 */
static __always_inline __u32 answerable(const struct packet *p, const struct pst_flow *f)
{
	if (f->follow & (PST_FOLLOW_LOST | PST_FOLLOW_TO_CLOSE) || pst_flow_due(f))
		return 0;
	return p->h.ack == f->followed && (p->direction == PST_DIR_EGRESS || p->h.ack == p->sent);
}

/* The first denial of a connection. */
PST_OUTLINE void deny_l7(const struct packet *p, struct pst_flow *f, __u32 action, __u32 reason)
{
	__u32 skip = f->judged - p->h.seq;
	struct l7_report l = {
		.reason = reason,
		.request = action == PST_ACTION_DENY && answerable(p, f) ? PST_REQUEST_INJECT
									 : PST_REQUEST_KILL,
		.head = p->h.payload + (skip < p->skb->len ? skip : 0),
	};

	f->flags |= PST_FLOW_DENIED;
	f->deny_reason = (__u8)reason;
	f->deny_request = (__u8)l.request;
	f->denied_seq = p->h.seq;
	f->reported_ns = bpf_ktime_get_ns();
	f->reports = 1;
	report_l7(p, f, &l);
}

/* The peer repeats what was denied: the answer may have been lost. Reported again, at a bounded
 * rate. */
PST_OUTLINE int denied_again(const struct packet *p, struct pst_flow *f)
{
	__u64 now = bpf_ktime_get_ns();
	struct l7_report l = {
		.reason = f->deny_reason,
		.request = f->deny_request,
		.head = p->h.payload,
		.again = 1,
	};

	if (p->h.seq == f->denied_seq && f->reports < MAX_REPORTS &&
	    now - f->reported_ns > report_interval_ns) {
		f->reports++;
		f->reported_ns = now;
		report_l7(p, f, &l);
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
 * The rest of the decision is taken over when a request may begin in this packet (ADOPT): until
 * then the request under way belongs to the generation that allowed it. Returns why the connection
 * ends, or 0.
 */
PST_OUTLINE __u32 refresh(struct packet *p, struct pst_flow *f, __u32 generation, __u32 adopt)
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

/* Judges by the HTTP rules of the flow, or only finds its requests (OBSERVE). Returns a ruling. */
static __always_inline __u32 judge_http(struct packet *p, struct pst_flow *f, __u32 observe)
{
	const struct pst_table *t = pst_table_get(f->generation);
	struct pst_src src = {.skb = p->skb};
	struct pst_packet pkt = {
		.seq = p->h.seq,
		.len = p->skb->len - p->h.payload,
		.off = p->h.payload,
		.accepted = p->accepted,
		.ordered = p->direction == PST_DIR_EGRESS,
		.observe = observe,
	};
	__u32 ruling;

	if (!(f->flags & PST_FLOW_STREAM_KNOWN))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_UNKNOWN_FLOW);
	if (p->h.tcp_flags & PST_TCP_URG)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_URGENT);
	if (pst_is_multipath(p->skb, p->h.transport + sizeof(struct tcphdr), p->h.payload))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_MPTCP);
	if (!t)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_OLD_GENERATION);
	ruling = pst_judge_packet(f, t, &src, &pkt);
	/* The slot may have been given away meanwhile: then the walk proves nothing. */
	if (ruling >> 8 == PST_ACTION_PASS && !pst_table_get(f->generation))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_OLD_GENERATION);
	return ruling;
}

/* A packet with payload in the request direction; the caller owns the judge's lock. */
static __always_inline __u32 judge_locked(struct packet *p, struct pst_flow *f,
					  const struct pst_config *config)
{
	if (f->generation != config->generation) {
		__u32 ahead = p->h.seq + (p->skb->len - p->h.payload) - f->judged;
		/* May a request begin in it? Not when all of it lies in the current body, or before
		 * it. */
		__u32 adopt = f->verdict != PST_VERDICT_JUDGE ||
			      ((__s32)ahead > 0 && ahead > f->body_left);
		__u32 why = refresh(p, f, config->generation, adopt);

		if (why)
			return pst_ruling(PST_ACTION_KILL, why);
	}
	if (f->verdict == PST_VERDICT_ALLOW && !(f->flags & PST_FLOW_COURTESY)) {
		f->flags &= ~PST_FLOW_STREAM_KNOWN;
		return pst_ruling(PST_ACTION_PASS, PST_REASON_L4_ALLOW);
	}
	if (f->verdict == PST_VERDICT_ALLOW || f->verdict == PST_VERDICT_JUDGE) {
		__u32 observe = f->verdict == PST_VERDICT_ALLOW;
		__u32 ruling = judge_http(p, f, observe);

		if (!observe)
			return ruling;
		/* The courtesy has lost its place in the stream: it is off, the bytes pass. */
		if (ruling >> 8 != PST_ACTION_PASS)
			f->flags &= ~(PST_FLOW_STREAM_KNOWN | PST_FLOW_COURTESY);
		return pst_ruling(PST_ACTION_PASS, PST_REASON_L4_ALLOW);
	}
	if (f->verdict == PST_VERDICT_FALLBACK)
		return pst_ruling(PST_ACTION_DENY, PST_REASON_FALLBACK_GONE);
	return pst_ruling(PST_ACTION_KILL, f->reason);
}

static __always_inline int judge_side(struct packet *p, struct pst_flow *f,
				      const struct pst_config *config)
{
	__u32 requests = f->requests, ruling, action, reason;
	__u32 direction = p->direction;

	if (!pst_lock(&f->judge_lock))
		return verdict(PST_REASON_STATE_BUSY, direction, SKB_DROP);
	if (f->flags & PST_FLOW_DENIED) {
		reason = denied_again(p, f);
		pst_unlock(&f->judge_lock);
		return verdict(reason, direction, SKB_DROP);
	}
	ruling = judge_locked(p, f, config);
	action = ruling >> 8;
	reason = ruling & 0xff;
	if (action == PST_ACTION_DENY || action == PST_ACTION_KILL) {
		deny_l7(p, f, action, reason);
	} else if (reason == PST_REASON_RULE && f->requests != requests) {
		verdict(PST_REASON_RULE, direction, 0);
		if (config->flags & PST_CONFIG_EVENTS_ALL) {
			struct l7_report l = {
				.reason = reason,
				.head = p->h.payload + (f->head_seq - p->h.seq),
				.allowed = 1,
			};

			report_l7(p, f, &l);
		}
	}
	pst_unlock(&f->judge_lock);
	return action == PST_ACTION_PASS ? SKB_PASS : verdict(reason, direction, SKB_DROP);
}

/* The response direction is never held up: what cannot be followed is lost, not dropped. */
static __always_inline int follow_side(struct packet *p, struct pst_flow *f)
{
	const struct pst_table *t;
	struct pst_src src = {.skb = p->skb};
	struct pst_packet pkt = {
		.seq = p->h.seq,
		.len = p->skb->len - p->h.payload,
		.off = p->h.payload,
		.accepted = p->accepted,
		.ordered = p->direction == PST_DIR_EGRESS,
	};

	if (f->verdict != PST_VERDICT_JUDGE && !(f->flags & PST_FLOW_COURTESY))
		return SKB_PASS;
	if (!pst_lock(&f->follow_lock)) {
		f->follow |= PST_FOLLOW_LOST;
		return SKB_PASS;
	}
	t = pst_table_get(f->generation);
	if (t)
		pst_follow_packet(f, t, &src, &pkt);
	if (!t || !pst_table_get(f->generation))
		f->follow |= PST_FOLLOW_LOST;
	pst_unlock(&f->follow_lock);
	return SKB_PASS;
}

/* The client's SYN on its way out: the flow begins here. */
PST_OUTLINE int client_begins(struct packet *p, const struct pst_config *config)
{
	struct pst_flow *f =
		bpf_sk_storage_get(&pst_flows, p->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	struct pst_question q;
	struct pst_decision d;

	if (!f)
		return verdict(PST_REASON_NO_STATE, PST_DIR_EGRESS, SKB_DROP);
	ask(&q, p, PST_ROLE_CLIENT);
	pst_decide(&d, &q, config->generation);
	if (d.verdict == PST_VERDICT_DENY)
		return deny_l3l4(p, &d, PST_ROLE_CLIENT);
	if (p->h.payload != p->skb->len && d.verdict != PST_VERDICT_ALLOW)
		return verdict(PST_REASON_HANDSHAKE_DATA, PST_DIR_EGRESS, SKB_DROP);
	/* A socket may have been connected before, connect(AF_UNSPEC) does not free its storage:
	 * what is left of the old stream, such as an endless body, is none of this one's. */
	__builtin_memset(f, 0, sizeof(*f));
	f->role = PST_ROLE_CLIENT;
	f->flags = PST_FLOW_STREAM_KNOWN;
	f->judged = p->h.seq + 1;
	adopt_decision(f, &d);
	return SKB_PASS;
}

/*
 * An urgent pointer takes a byte out of what the server reads, one that may come much later and in
 * packets without the flag; the packet that announces it needs no payload. It is dropped, not a
 * reason to end the connection: anybody can forge such a packet without knowing a sequence number.
 */
static __always_inline int is_urgent(const struct packet *p)
{
	return p->direction == PST_DIR_INGRESS && p->h.tcp_flags & PST_TCP_URG;
}

/* What reaches a listener: SYNs, and the last packet of a handshake. */
PST_OUTLINE int at_listener(struct packet *p, const struct pst_config *config)
{
	struct pst_question q;
	struct pst_decision d;

	ask(&q, p, PST_ROLE_SERVER);
	pst_decide(&d, &q, config->generation);
	if (d.verdict == PST_VERDICT_DENY)
		return deny_l3l4(p, &d, PST_ROLE_SERVER);
	if (is_urgent(p) && d.verdict != PST_VERDICT_ALLOW)
		return verdict(PST_REASON_URGENT, PST_DIR_INGRESS, SKB_DROP);
	if (p->h.payload != p->skb->len && d.verdict != PST_VERDICT_ALLOW)
		return verdict(PST_REASON_HANDSHAKE_DATA, PST_DIR_INGRESS, SKB_DROP);
	return SKB_PASS;
}

/* Would the connection be free of rules whichever side began it? */
PST_OUTLINE int free_of_rules(const struct packet *p, const struct pst_config *config)
{
	struct pst_question q;
	struct pst_decision d;

	ask(&q, p, PST_ROLE_CLIENT);
	pst_decide(&d, &q, config->generation);
	if (d.verdict != PST_VERDICT_ALLOW)
		return 0;
	ask(&q, p, PST_ROLE_SERVER);
	pst_decide(&d, &q, config->generation);
	return d.verdict == PST_VERDICT_ALLOW;
}

/*
 * A connection without state is older than the daemon, or was made by other means than a handshake.
 * Which side began it is not known: it passes only when neither direction would be restricted.
 */
static __always_inline int unknown_flow(struct packet *p, const struct pst_config *config)
{
	struct pst_flow *f;

	if (config->flags & PST_CONFIG_OLD_SOCKETS_PASS || free_of_rules(p, config))
		return SKB_PASS;
	f = bpf_sk_storage_get(&pst_flows, p->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (f && !(f->flags & PST_FLOW_DENIED)) {
		f->generation = config->generation;
		f->rule = ~0U;
		f->role = p->direction == PST_DIR_EGRESS ? PST_ROLE_CLIENT : PST_ROLE_SERVER;
		f->judged = p->h.seq;
		if (pst_has_netns_cookie)
			f->netns_cookie = bpf_get_netns_cookie(p->skb);
		deny_l7(p, f, PST_ACTION_KILL, PST_REASON_UNKNOWN_FLOW);
	}
	return verdict(PST_REASON_UNKNOWN_FLOW, p->direction, SKB_DROP);
}

static __always_inline int established(struct packet *p, const struct pst_config *config)
{
	struct pst_flow *f;
	struct bpf_tcp_sock *tcp;

	int empty = p->h.payload == p->skb->len;

	/* Control packets carry nothing to judge: set-up was decided, teardown is welcome. */
	if (empty && !is_urgent(p))
		return SKB_PASS;
	f = bpf_sk_storage_get(&pst_flows, p->sk, NULL, 0);
	if (!f || f->role == PST_ROLE_NONE)
		return empty ? SKB_PASS : unknown_flow(p, config);
	/* Nothing to judge and nothing to learn: the common case of an endpoint without HTTP rules.
	 */
	if (f->verdict == PST_VERDICT_ALLOW && f->generation == config->generation &&
	    !(f->flags & (PST_FLOW_COURTESY | PST_FLOW_STREAM_KNOWN | PST_FLOW_DENIED)))
		return SKB_PASS;
	if (is_urgent(p) && f->role == PST_ROLE_SERVER) {
		if (!f->generation || f->verdict != PST_VERDICT_ALLOW)
			return verdict(PST_REASON_URGENT, p->direction, SKB_DROP);
		f->flags &= ~PST_FLOW_STREAM_KNOWN; /* HTTP rules can never apply to it */
	}
	if (empty)
		return SKB_PASS;
	tcp = bpf_tcp_sock(p->sk);
	if (!tcp)
		return verdict(PST_REASON_NO_STATE, p->direction, SKB_DROP);
	p->accepted = tcp->rcv_nxt;
	p->sent = tcp->snd_nxt;
	if ((f->role == PST_ROLE_CLIENT) == (p->direction == PST_DIR_EGRESS))
		return judge_side(p, f, config);
	return follow_side(p, f);
}

/*
 * TCP from a socket that is not TCP's: the daemon's answers, known by the socket's cookie (a mark
 * could be set by a pod), or somebody's raw socket, which has no stream to judge.
 */
PST_OUTLINE int on_raw(struct packet *p, const struct pst_config *config)
{
	__u64 cookie = bpf_get_socket_cookie(p->skb);
	struct pst_question q;
	struct pst_decision d;

	if (p->direction == PST_DIR_INGRESS)
		return SKB_PASS; /* a copy for a listener on raw sockets: it takes part in no
				    connection */
	if (cookie && (cookie == config->own_sockets[0] || cookie == config->own_sockets[1]))
		return SKB_PASS;
	ask(&q, p, PST_ROLE_CLIENT);
	pst_decide(&d, &q, config->generation);
	if (d.verdict == PST_VERDICT_ALLOW)
		return SKB_PASS;
	if (d.verdict != PST_VERDICT_DENY)
		d.reason = PST_REASON_RAW_SOCKET;
	return deny_l3l4(p, &d, PST_ROLE_CLIENT);
}

static __always_inline int on_tcp(struct packet *p, const struct pst_config *config)
{
	if (p->direction == PST_DIR_INGRESS && p->sk->state == BPF_TCP_LISTEN)
		return at_listener(p, config);
	if (p->direction == PST_DIR_EGRESS &&
	    (p->h.tcp_flags & (PST_TCP_SYN | PST_TCP_ACK)) == PST_TCP_SYN)
		return client_begins(p, config);
	return established(p, config);
}

static __always_inline void exchange_key(struct pst_exchange_key *k, const struct packet *p,
					 __u32 began)
{
	int out = p->direction == PST_DIR_EGRESS;

	__builtin_memset(k, 0, sizeof(*k));
	__builtin_memcpy(k->local, out ? p->h.src : p->h.dst, 16);
	__builtin_memcpy(k->remote, out ? p->h.dst : p->h.src, 16);
	k->local_port = out ? p->h.src_port : p->h.dst_port;
	k->remote_port = out ? p->h.dst_port : p->h.src_port;
	k->protocol = p->h.protocol;
	k->direction = (__u8)began;
}

/* Neighbour discovery is part of the link, not of anybody's policy (RFC 4861). */
static __always_inline int is_neighbour_discovery(const struct packet *p)
{
	return p->h.protocol == IPPROTO_ICMPV6 && p->h.icmp_type >= 133 && p->h.icmp_type <= 137;
}

/* Is the packet the reply in an exchange that was allowed the other way, not long ago? */
PST_OUTLINE int is_reply(const struct packet *p)
{
	struct pst_exchange_key key;
	__u64 *seen;

	exchange_key(&key, p, !p->direction);
	seen = bpf_map_lookup_elem(&pst_exchanges, &key);
	return seen && bpf_ktime_get_ns() - *seen < exchange_timeout_ns;
}

PST_OUTLINE int remember_exchange(const struct packet *p)
{
	__u64 now = bpf_ktime_get_ns();
	struct pst_exchange_key key;

	exchange_key(&key, p, p->direction);
	return bpf_map_update_elem(&pst_exchanges, &key, &now, BPF_ANY);
}

/* UDP, ICMP and what else has no connection: allowed by policy, or as the reply to what was
 * allowed. */
PST_OUTLINE int on_datagram(struct packet *p, const struct pst_config *config)
{
	__u32 role = p->direction == PST_DIR_EGRESS ? PST_ROLE_CLIENT : PST_ROLE_SERVER;
	struct pst_question q;
	struct pst_decision d;

	if (is_neighbour_discovery(p) || is_reply(p))
		return SKB_PASS;
	ask(&q, p, role);
	/* Policies tell ICMP messages apart by type; the identifier only pairs them (is_reply()).
	 */
	if (p->h.protocol == IPPROTO_ICMP || p->h.protocol == IPPROTO_ICMPV6)
		q.port = p->h.icmp_type;
	pst_decide(&d, &q, config->generation);
	if (d.verdict != PST_VERDICT_ALLOW)
		return deny_l3l4(p, &d, role);
	/* The node's own traffic needs no memory; for the others a full table costs a reply. */
	if (d.reason != PST_REASON_NO_POLICY || d.subject >= PST_ID_LOCAL)
		remember_exchange(p);
	return SKB_PASS;
}

static __always_inline int on_packet(struct __sk_buff *skb, __u32 direction)
{
	const struct pst_config *config = pst_config_get();
	struct packet p = {.skb = skb, .direction = direction};

	if (!config)
		return SKB_DROP;
	if (pst_read_headers(skb, &p.h))
		return verdict(PST_REASON_BAD_PACKET, direction, SKB_DROP);
	if (p.h.protocol != IPPROTO_TCP)
		return on_datagram(&p, config);
	p.sk = skb->sk;
	if (p.sk)
		p.sk = bpf_sk_fullsock(p.sk);
	if (!p.sk)
		return verdict(PST_REASON_NO_STATE, direction, SKB_DROP);
	if (p.sk->type != SOCKET_STREAM)
		return on_raw(&p, config);
	return on_tcp(&p, config);
}

SEC("cgroup_skb/ingress")
int pst_ingress(struct __sk_buff *skb)
{
	return on_packet(skb, PST_DIR_INGRESS);
}

SEC("cgroup_skb/egress")
int pst_egress(struct __sk_buff *skb)
{
	return on_packet(skb, PST_DIR_EGRESS);
}

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";
