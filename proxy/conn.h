/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A connection of the proxy: two sockets and what goes between them (proxy/pair.h).
 *
 * Sockets are not blocking and are watched at edges: a flag remembers that one can be read or
 * written until the kernel says that it cannot. Nothing is read for which the other side has no
 * room, so a slow reader slows its writer down. Large bodies and streams are moved from socket to
 * socket without a copy, as long as the pair lets them.
 *
 * The server is asked for a connection when the first bytes for it are allowed. When a connection
 * ends with an answer the client gets the end of the stream behind it and some time to read it:
 * what it still sends is thrown away, because closing on unread bytes would reset the connection
 * and with it the answer.
 */

#include "policy/inventory.h"
#include "proxy/clock.h"
#include "proxy/pair.h"
#include "proxy/pipe.h"
#include "proxy/policy.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct pst_conn;

/* An end of it, as the poll hands it back. */
struct pst_conn_end {
	struct pst_conn *conn;
	enum pst_side side;
	int fd; /* -1: none */
	bool can_read, can_write;
	bool bulk;    /* it sends much at once: worth to be moved without a copy */
	bool hung_up; /* the stream has an end, behind what can be read */
	bool shut;    /* we said that nothing more comes */
};

/* What connections share. */
struct pst_conn_home {
	int epoll_fd;
	struct pst_clock clock;
	struct pst_memory memory;
	struct pst_pipe pipe;
	const struct pst_reply *denied[2];
	struct pst_tally_row *tally; /* or NULL */
	size_t rested;	      /* connections that gave memory back: there are holes in the heap */
	uint64_t last_number; /* of a connection; no other home has the same ones */
	void (*on_event)(void *ctx, const struct pst_conn *c, const struct pst_pair_event *event);
	void (*on_answer)(void *ctx, const struct pst_conn *c,
			  const struct pst_pair_answer *answer); /* or NULL */
	/* Somebody else makes the way to the server, and pst_conn_reached() tells: 0 or -errno;
	 * given up when the connection ends before. NULL: connected to `upstream`. */
	int (*reach)(void *ctx, struct pst_conn *c);
	void (*give_up)(void *ctx, const struct pst_conn *c);
	void *ctx;
};

struct pst_conn {
	struct pst_conn_home *home;
	struct pst_conn_end end[2];
	struct pst_pair *pair;
	uint64_t number;			       /* its own, from 1 */
	struct pst_purse purse;			       /* of what it holds */
	struct pst_proxy_policy *policy, *next_policy; /* in use; to be taken over, or NULL */
	struct sockaddr_storage upstream;
	socklen_t upstream_len;
	struct pst_addr client, server;
	uint16_t client_port, server_port;
	enum pst_dir direction; /* of the workload whose rules apply */
	struct pst_timer timer;
	struct pst_conn *prev, *next; /* of all */
	bool asked_server;	      /* for a connection: once, whatever becomes of it */
	bool reaching;		      /* and that is somebody else's work */
	bool connecting, lingering;
	uint32_t head_number; /* of the request whose head the timer waits for */
	bool reset;	      /* ends at once, both sides learn that something went wrong */
	bool server_reset;    /* the client does, when it has got what came before */
	bool done;	      /* closed: only to be freed */
	bool queued;	      /* has more to do than one turn allows */
	bool buried;	      /* is in no list of the living */
	bool audited;	      /* its policy is in audit, which was told */
};

/*
 * What a connection is made of. FD is taken over, POLICY referenced, unless it fails. SHARE is
 * borrowed, and has none of its bytes when it is freed.
 */
struct pst_conn_start {
	int fd;
	struct pst_proxy_policy *policy;
	struct pst_share *share; /* of its workload; or NULL */
	uint32_t ruleset;
	bool opaque;
	const struct sockaddr_storage *upstream; /* where the server is to be reached */
	socklen_t upstream_len;
	struct pst_addr client, server;
	uint16_t client_port, server_port;
	enum pst_dir direction;
	uint32_t rule; /* of L3/L4 that decided; UINT32_MAX: none */
};

/* 0, -ENOMEM or -errno. */
int pst_conn_new(struct pst_conn_home *home, const struct pst_conn_start *start,
		 struct pst_conn **ret_conn);
void pst_conn_free(struct pst_conn **c);

/* FD, taken over, is on its way to the server; or -errno. */
void pst_conn_reached(struct pst_conn *c, int fd);

/* The kernel reports EVENTS (of epoll) for END. */
void pst_conn_notice(struct pst_conn_end *end, uint32_t events);

/* Does what can be done now. True: there is more, and others are to have their turn first. */
bool pst_conn_run(struct pst_conn *c);

/* Its deadline is over. */
void pst_conn_time_out(struct pst_conn *c);

/* POLICY is in force now, with rule set RULESET for this connection: the next request is judged by
 * it, or not at all (PST_PAIR_UNJUDGED). */
void pst_conn_renew(struct pst_conn *c, struct pst_proxy_policy *policy, uint32_t ruleset);

/* The policy that its requests are judged by now. */
const struct pst_proxy_policy *pst_conn_policy(const struct pst_conn *c);

/* Ends both sides at once, with a reset. */
void pst_conn_kill(struct pst_conn *c);

/* Ends it if nothing is on its way. */
void pst_conn_end_if_idle(struct pst_conn *c);
