/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Saying no: the answer to a denied request, sent in the server's name.
 *
 * The kernel programs drop the denied packet and report it. Nothing more is needed for security;
 * the answer is for whoever has to find out why the application does not work. Which numbers it
 * carries was measured (kernel-facts 6.5):
 *
 *	denied at the server's node (ingress)
 *		server -> client: seq = pkt.ack, ack = pkt.seq + len, PSH|ACK|FIN, the response. The
 *		client's TCP has sent the bytes and wants them acknowledged.
 *	denied at the client's node (egress)
 *		server -> client: seq = pkt.ack, ack = pkt.seq, PSH|ACK|FIN, the response. A packet
 *		dropped on the way out does not count as sent: an ACK for it would be ignored.
 *		client -> server: seq = pkt.seq, RST: the server must not wait for a dead client.
 *
 * Timestamps are echoed: those sent as the server are the denied packet's, swapped; the RST repeats
 * the packet's own. FIN is never left out (clients hang otherwise). The order with SOCK_DESTROY
 * matters too: inject first, destroy after, some 1.5 s later (enforcer/destroy.h), so that the
 * retransmission of a client that missed the answer is answered again.
 *
 * Who calls must know that no response is outstanding on the connection; otherwise the 403 would be
 * read as the answer to another request.
 *
 * A denial storm must not become a packet storm: a token bucket, one token per segment, stands
 * before the socket. What is over it is counted and not sent; the denial stands.
 *
 * The raw sockets belong to the daemon's own (the host's) namespace, which has a route to every
 * pod. They receive nothing (a filter drops all). The programs see what these sockets send like any
 * other packet, in the host namespace and again at the other end, and must let it pass: they know
 * it by the socket's cookie, never by a mark, which a pod could set. A link-local destination needs
 * an interface and is refused.
 */

#include "bpf/abi.h"
#include "enforcer/segment.h"
#include "policy/inventory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PST_INJECT_RATE = 2000, /* segments per second */
	PST_INJECT_BURST = 500,
	PST_INJECT_SEGMENTS = 2, /* at most, of one request */
};

/* What was denied, as the packet said it. Host order. */
struct pst_inject_request {
	struct pst_addr src, dst; /* client, server */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint32_t len; /* payload bytes of the denied packet */
	bool has_ts;  /* it had the timestamp option */
	uint32_t tsval, tsecr;
	enum pst_dir dir;     /* whose rules denied: INGRESS the server's, EGRESS the client's */
	uint16_t window;      /* of the packet; for a relay */
	const void *response; /* not owned; for a relay, what is relayed */
	size_t response_len;
};

struct pst_inject_stats {
	uint64_t sent;	  /* segments */
	uint64_t limited; /* requests not answered because of the rate */
	uint64_t failed;  /* requests of which a segment could not be built or sent */
};

struct pst_inject;

/*
 * Pure: the segments that answer REQ, in the order in which they are sent, into SEGS; returns how
 * many. They point to REQ's response.
 */
size_t pst_inject_plan(const struct pst_inject_request *req,
		       struct pst_segment segs[PST_INJECT_SEGMENTS]);

/*
 * Opens the sockets in the calling thread's namespace, with the given rate limit (pass the defaults
 * above). 0, -ENOMEM, or why there are no sockets (-EPERM: CAP_NET_RAW), logged. A host without
 * IPv6 is fine.
 */
int pst_inject_open(uint32_t rate, uint32_t burst, struct pst_inject **ret_inj);

/* NULL is fine; *INJ becomes NULL. */
void pst_inject_close(struct pst_inject **inj);

/*
 * Answers REQ. 0, -EBUSY (over the rate: nothing sent), the errors of pst_segment_build(),
 * -EAFNOSUPPORT (no IPv6 here), or what send(2) said. All but 0 are counted and not logged.
 */
int pst_inject_send(struct pst_inject *inj, const struct pst_inject_request *req);

/*
 * Sends the server what stands before a denied request in its packet, at REQ's seq, in the client's
 * name: the program has dropped the packet, and judges this like any. The errors are the same.
 */
int pst_inject_relay(struct pst_inject *inj, const struct pst_inject_request *req);

/* Cookies (SO_COOKIE) of the IPv4 and the IPv6 socket, 0 where there is none. */
void pst_inject_cookies(const struct pst_inject *inj, uint64_t ret_cookies[2]);

void pst_inject_stats(const struct pst_inject *inj, struct pst_inject_stats *ret_stats);
