/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ending a connection whose bytes are dropped: SOCK_DESTROY, at once or later.
 *
 * After a kill or an injected 403 both ends still hold a socket for a connection over which nothing
 * passes any more. SOCK_DESTROY (sock_diag(7), the call behind `ss -K`) ends the local one: its
 * owner gets ECONNABORTED, the peer an RST. It must be issued in the network namespace of the
 * socket (kernel-facts 6.5), which enforcer/netns.h finds by the cookie of the namespace.
 *
 * Address and port say where to look; the socket's cookie (bpf_get_socket_cookie, the same number
 * as inet_diag's) says which socket is meant: a new connection that reuses the ports is never hit.
 * Mapped addresses are looked up as IPv4: the kernel's table finds an AF_INET6 socket with mapped
 * addresses there as well. A socket that is bound to an interface (as every link-local one is) is
 * found only with its index.
 *
 * The queue. After an injected 403 the socket must live for another second or two
 * (enforcer/inject.h). The queue holds PST_DESTROY_PENDING sockets in fixed arrays and has one
 * timerfd: at a denial per 0.5 ms and 1.5 s of delay some 3,000 are waiting. Insertion and expiry
 * read one array of 8-byte numbers from end to end, 32 KiB, about two microseconds; expiry is
 * rounded up to 10 ms, so that it happens at most 100 times a second. A heap would need more code
 * and not be faster. When the queue is full the socket is destroyed at once: the client may miss
 * its 403, the connection ends all the same.
 *
 * A socket is in the queue once. Asked for again, the earlier time stands: a client that keeps on
 * sending does not prolong its connection.
 *
 * When the namespace cannot be found yet (netns.h: -EAGAIN) the queue tries again, ten times in
 * three seconds. What the daemon fails to destroy stays harmless: the kernel programs go on
 * dropping.
 *
 * Needs CAP_NET_ADMIN in the socket's namespace, CONFIG_INET_DIAG_DESTROY and tcp_diag.
 */

#include "policy/inventory.h"

#include <stdint.h>

struct pst_netns_set;
struct pst_destroy_queue;

enum { PST_DESTROY_PENDING = 4096 };

/* Which socket. Host order; addresses as the socket sees them. */
struct pst_destroy_request {
	uint64_t netns_cookie;
	uint64_t sk_cookie;
	struct pst_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t ifindex; /* of the interface the socket is bound to, usually 0 */
};

struct pst_destroy_stats {
	uint64_t destroyed;
	uint64_t gone;	    /* the socket or its namespace was no more */
	uint64_t failed;    /* given up */
	uint64_t retried;   /* postponed because the namespace was not found yet */
	uint64_t repeated;  /* asked for while already in the queue */
	uint64_t overflows; /* destroyed at once because the queue was full */
	uint32_t pending;   /* waiting now */
};

/*
 * Destroys the socket. 0; -ENOENT: there is no such socket (any more); -EAGAIN: its namespace is
 * not known and it is too early to look; -EINVAL: no cookie, or addresses of two families;
 * -EOPNOTSUPP: this kernel cannot, or not in the socket's present state; -EPERM.
 */
int pst_destroy_socket(struct pst_netns_set *set, const struct pst_destroy_request *req);

/* A queue that uses SET (not owned, must outlive it). 0, -ENOMEM, or why there is no timer. */
int pst_destroy_queue_new(struct pst_netns_set *set, struct pst_destroy_queue **ret_queue);

/* Forgets what is pending. NULL is fine; *QUEUE becomes NULL. */
void pst_destroy_queue_free(struct pst_destroy_queue **queue);

/*
 * Destroys the socket MS milliseconds from now. 0 when it is in the queue (or was already); when
 * the queue is full the result of destroying it at once; -EINVAL without a cookie.
 */
int pst_destroy_after(struct pst_destroy_queue *queue, const struct pst_destroy_request *req,
		      uint32_t ms);

/* Becomes readable when pst_destroy_dispatch() has something to do. Owned by the queue. */
int pst_destroy_fd(const struct pst_destroy_queue *queue);

/* Destroys what is due. Results go to the statistics. */
void pst_destroy_dispatch(struct pst_destroy_queue *queue);

void pst_destroy_stats(const struct pst_destroy_queue *queue, struct pst_destroy_stats *ret_stats);
