/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Verdict events. The ring never blocks: when it is full the event is lost and counted, the verdict
 * is not.
 */

#include "bpf/maps.bpf.h"

/* Where an event's head comes from, beside the fields that the caller fills in. */
struct pst_report {
	const struct pst_flow *flow; /* NULL: a packet without connection state */
	__u64 socket_cookie;
	__u32 generation, subject, peer, rule;
	__u32 seq, ack, payload;
	__u16 ruleset;
	__u16 client_port, server_port;
	__u8 client[16], server[16];
	__u8 layer, direction, protocol, allowed, reason, request, answered, again;
};

PST_INLINE struct pst_event *pst_event_begin(const struct pst_report *r)
{
	struct pst_event *e = bpf_ringbuf_reserve(&pst_events, sizeof(*e), 0);

	if (!e) {
		pst_count(PST_REASON_MAX, r->direction);
		return NULL;
	}
	__builtin_memset(e, 0, __builtin_offsetof(struct pst_event, head));
	e->time_ns = bpf_ktime_get_ns();
	e->netns_cookie = r->flow ? r->flow->netns_cookie : 0;
	e->socket_cookie = r->socket_cookie;
	e->generation = r->generation;
	e->subject = r->subject;
	e->peer = r->peer;
	e->rule = r->rule;
	e->seq = r->seq;
	e->ack = r->ack;
	e->payload = r->payload;
	e->ruleset = r->ruleset;
	e->client_port = r->client_port;
	e->server_port = r->server_port;
	__builtin_memcpy(e->client, r->client, 16);
	__builtin_memcpy(e->server, r->server, 16);
	e->layer = r->layer;
	e->direction = r->direction;
	e->protocol = r->protocol;
	e->allowed = r->allowed;
	e->reason = r->reason;
	e->request = r->request;
	e->answered = r->answered;
	e->again = r->again;
	return e;
}
