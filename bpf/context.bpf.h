/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * One packet on its way through a cgroup_skb program: what its steps share, how they ask for the
 * L3/L4 decision, and how they say what they decided.
 */

#include "bpf/decide.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/report.bpf.h"

enum {
	SKB_DROP = 0,
	SKB_PASS = 1,
	SOCKET_STREAM = 1,    /* SOCK_STREAM */
	SOCKET_RAW = 3,	      /* SOCK_RAW */
	LOOPBACK_IFINDEX = 1, /* of every network namespace */
};

/*
 * Does this kernel give cgroup_skb the cookie of the network namespace? Set by the loader, which
 * asks; 6.1 and 6.12 do not. The daemon needs it to end a connection that sockops has never seen.
 */
const volatile __u8 pst_has_netns_cookie __weak;

/*
 * What is known about the packet; on the stack of the program. Numbers only, no pointers: the
 * verifier proves the big steps once, for any content of it (PST_SUBPROG).
 */
struct packet {
	struct pst_headers h;
	__u32 len;
	__u32 accepted;	  /* rcv_nxt */
	__u32 sent;	  /* snd_nxt */
	__u32 acked;	  /* snd_una */
	__u8 direction;	  /* of the packet: enum pst_dir */
	__u8 on_loopback; /* it does not leave its network namespace */
	__u16 device;	  /* that it has come by, or leaves by: device_of() */
};

/* Its index; the largest value is for all that are larger. */
static __always_inline __u16 device_of(const struct __sk_buff *skb)
{
	__u32 index = skb->ifindex;

	return index < 0xffff ? (__u16)index : 0xffff;
}

/* What is dropped passes where the daemon only audits. */
static __always_inline int verdict(__u32 reason, __u32 direction, int pass)
{
	if (pass == SKB_DROP && pst_is_audit()) {
		pst_count_audited(reason, direction);
		return SKB_PASS;
	}
	pst_count(reason, direction);
	return pass;
}

/* A packet that must wait for others, and that the peer will repeat. */
static __always_inline int verdict_later(__u32 reason, __u32 direction)
{
	pst_count(reason, direction);
	return SKB_DROP;
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
	q->on_loopback = p->on_loopback;
}

/* An event begun: who talks to whom. ROLE is the local endpoint's. NULL when the ring is full. */
static __always_inline struct pst_event *report_begin(struct __sk_buff *skb, const struct packet *p,
						      __u32 role)
{
	int from_client = (role == PST_ROLE_CLIENT) == (p->direction == PST_DIR_EGRESS);
	struct pst_event *e =
		pst_event_begin(role == PST_ROLE_CLIENT ? PST_DIR_EGRESS : PST_DIR_INGRESS);

	if (!e)
		return NULL;
	e->socket_cookie = bpf_get_socket_cookie(skb);
	e->seq = p->h.seq;
	e->ack = p->h.ack;
	__builtin_memcpy(e->client, from_client ? p->h.src : p->h.dst, 16);
	__builtin_memcpy(e->server, from_client ? p->h.dst : p->h.src, 16);
	e->client_port = from_client ? p->h.src_port : p->h.dst_port;
	e->server_port = from_client ? p->h.dst_port : p->h.src_port;
	e->protocol = p->h.protocol;
	return e;
}

/* A denied connection set-up or packet without connection, said once per packet. Returns what
 * becomes of it: a denial that is no DENY only is audited. */
PST_SUBPROG int pst_deny_l3l4(struct __sk_buff *skb, const struct packet *p,
			      const struct pst_decision *d, __u32 role)
{
	__u32 direction = role == PST_ROLE_CLIENT ? PST_DIR_EGRESS : PST_DIR_INGRESS;
	struct pst_event *e;

	if (!p || !d)
		return SKB_DROP;
	e = report_begin(skb, p, role);
	if (e) {
		e->generation = d->generation;
		e->subject = d->subject;
		e->peer = d->peer;
		e->rule = d->rule;
		e->ruleset = d->ruleset;
		e->reason = d->reason;
		e->layer = PST_LAYER_L3L4;
		if (pst_is_lenient(d))
			e->outcome = PST_OUTCOME_AUDITED;
		bpf_ringbuf_submit(e, 0);
	}
	if (!pst_is_lenient(d)) {
		pst_count(d->reason, direction);
		return SKB_DROP;
	}
	pst_count_audited(d->reason, direction);
	return SKB_PASS;
}
