// SPDX-License-Identifier: Apache-2.0
#include "proxy/entry.h"

#include "base/cleanup.h"
#include "proxy/events.h"
#include "proxy/team.h"
#include "proxy/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

enum { ACCEPTS = 64 };

/* Whose policy decides, and whose share of the proxy it takes. */
static const struct pst_addr *subject_of(const struct pst_worker *w, enum pst_dir direction,
					 const struct pst_addr *client,
					 const struct pst_addr *server)
{
	if (w->o->has_subject)
		return &w->o->subject;
	return direction == PST_DIR_INGRESS ? server : client;
}

struct pst_l4_result pst_entry_ask(const struct pst_worker *w, enum pst_dir direction,
				   const struct pst_addr *client, const struct pst_addr *server,
				   uint16_t port)
{
	bool ingress = direction == PST_DIR_INGRESS;
	const struct pst_proxy_question q = {
		.direction = direction,
		.subject = subject_of(w, direction, client, server),
		.peer = w->o->has_peer ? &w->o->peer : (ingress ? client : server),
		.port = w->o->port ? (uint16_t)w->o->port : port,
	};

	return pst_proxy_policy_ask(w->policy, &q);
}

static void tell(struct pst_worker *w, const struct pst_conn_start *known, enum pst_outcome outcome,
		 enum pst_reason reason)
{
	const uint32_t policy = w->policy ? w->policy->id : 0;
	int lost = 0;

	if (w->o->managed)
		lost = pst_tell_connection(&w->team->managed, known, policy, outcome, reason);
	else if (w->o->events != PST_PROXY_EVENTS_NONE)
		lost = pst_proxy_event_write_connection(known, outcome, reason);
	if (lost)
		pst_tally_add(w->home.tally, PST_TALLY_LOST_EVENTS, 1);
}

void pst_entry_tell_audited(struct pst_worker *w, const struct pst_conn_start *known,
			    const struct pst_l4_result *r)
{
	const enum pst_reason reason =
		r->verdict == PST_VERDICT_DENY ? r->reason : PST_REASON_FALLBACK_GONE;

	pst_tally_add(w->home.tally, PST_TALLY_AUDITED + reason, 1);
	tell(w, known, PST_OUTCOME_AUDITED, reason);
}

/* What is KNOWN of it is told. */
static void refuse(struct pst_worker *w, int fd, enum pst_reason reason,
		   const struct pst_conn_start *known)
{
	const struct linger hard = {.l_onoff = 1, .l_linger = 0};

	pst_tally_add(w->home.tally, PST_TALLY_REFUSED + reason, 1);
	tell(w, known, PST_OUTCOME_DENIED, reason);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

/* The same for one that was to be served here. */
static void drop(struct pst_worker *w, int fd, enum pst_reason reason,
		 const struct pst_conn_start *known)
{
	w->load--;
	refuse(w, fd, reason, known);
}

/* Takes what a connection has of the proxy. NONE; or why there is no room. */
static enum pst_reason take_room(struct pst_worker *w, struct pst_conn_start *start)
{
	const struct pst_addr *subject =
		subject_of(w, start->direction, &start->client, &start->server);
	int r;

	if (!pst_team_take_conn(w->team))
		return PST_REASON_PROXY_LIMIT;
	r = pst_share_take(&w->team->shares, subject, &start->share);
	if (!r)
		return PST_REASON_NONE;
	w->team->n_conns--;
	return r == -EDQUOT ? PST_REASON_WORKLOAD_LIMIT : PST_REASON_NO_STATE;
}

static void give_room(struct pst_worker *w, const struct pst_conn_start *start)
{
	pst_share_give(&w->team->shares, start->share);
	w->team->n_conns--;
}

static void begin(struct pst_worker *w, int fd, struct pst_conn_start *start)
{
	struct pst_l4_result r = pst_entry_ask(w, start->direction, &start->client, &start->server,
					       start->server_port);
	enum pst_reason full;
	struct pst_conn *c = NULL;
	const int on = 1;

	start->fd = fd;
	start->policy = w->policy;
	start->ruleset = r.ruleset;
	start->rule = r.rule;
	start->opaque = r.verdict == PST_VERDICT_ALLOW || r.audited;
	if (r.verdict == PST_VERDICT_DENY && !r.audited) {
		drop(w, fd, r.reason, start);
		return;
	}
	full = take_room(w, start);
	if (full) {
		drop(w, fd, full, start);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (pst_conn_new(&w->home, start, &c)) {
		give_room(w, start);
		drop(w, fd, PST_REASON_NO_STATE, start);
		return;
	}
	if (r.audited)
		pst_entry_tell_audited(w, start, &r);
	c->audited = r.audited;
	pst_worker_add(w, c);
}

/*
 * What an accepted connection says about itself. To a front with PORT it may have been sent by
 * connect.bpf.c, which has noted where it was to go, or by somebody; then its server is not known.
 * 0 or -errno.
 */
static int look_at(const struct pst_worker *w, int fd, const struct sockaddr_storage *from,
		   uint16_t port, struct pst_conn_start *ret_start)
{
	struct pst_conn_start start = {
		.upstream = &w->o->upstream.addr,
		.upstream_len = w->o->upstream.len,
		.direction = w->o->direction,
		.rule = UINT32_MAX,
	};
	struct sockaddr_storage at = w->o->upstream.addr;
	socklen_t len = sizeof(at);
	int r = port && getsockname(fd, (struct sockaddr *)&at, &len) ? -errno : 0;

	start.client = pst_proxy_addr(from, &start.client_port);
	if (!r)
		start.server = pst_proxy_addr(&at, &start.server_port);
	if (port && start.server_port == port) {
		start.direction = PST_DIR_EGRESS;
		start.server_port = 0;
	}
	*ret_start = start;
	return r;
}

void pst_entry_take(struct pst_worker *w, int fd, const struct sockaddr_storage *from,
		    uint16_t port)
{
	struct pst_conn_start start;

	if (look_at(w, fd, from, port, &start)) {
		drop(w, fd, PST_REASON_NO_STATE, &start);
		return;
	}
	if (start.server_port) {
		begin(w, fd, &start);
		return;
	}
	if (pst_asking_origin(&w->asking, fd))
		drop(w, fd, PST_REASON_PROXY_LIMIT, &start);
}

static struct pst_addr addr_of(const struct pst_end *end)
{
	struct pst_addr addr;

	memcpy(addr.b, end->addr, sizeof(addr.b));
	return addr;
}

void pst_entry_begin_out(struct pst_worker *w, const struct pst_asking_answer *a)
{
	struct pst_conn_start start = {
		.upstream = &w->o->upstream.addr,
		.upstream_len = w->o->upstream.len,
		.client = addr_of(&a->client),
		.server = addr_of(&a->server),
		.client_port = a->client.port,
		.server_port = a->server.port,
		.direction = PST_DIR_EGRESS,
		.rule = UINT32_MAX,
	};

	if (a->error || w->drain_end_ms)
		drop(w, a->fd, PST_REASON_UNKNOWN_LOCAL, &start);
	else
		begin(w, a->fd, &start);
}

/* No descriptor is left: one connection is taken in order to be refused. */
static void refuse_next(struct pst_worker *w, const struct pst_front *front)
{
	struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(from);
	struct pst_conn_start start;
	int fd;

	/* Another thread may have been faster to open the last one. */
	if (w->spare_fd < 0)
		w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (w->spare_fd < 0)
		return;
	close(PST_TAKE_FD(w->spare_fd));
	fd = accept4(front->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (fd >= 0) {
		look_at(w, fd, &from, front->port, &start);
		refuse(w, fd, PST_REASON_PROXY_LIMIT, &start);
	}
	w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Gives the connection to who is to serve it. */
static void hand_out(struct pst_worker *w, int fd, const struct sockaddr_storage *from,
		     uint16_t port)
{
	const struct pst_mail mail = {.kind = PST_MAIL_CONN, .fd = fd, .from = *from, .port = port};
	struct pst_worker *to = pst_team_choose(w);
	struct pst_conn_start start;

	to->load++;
	if (to == w) {
		pst_entry_take(w, fd, from, port);
	} else if (pst_mailbox_post(&to->mail, &mail, w->home.clock.now_ms)) {
		to->load--;
		look_at(w, fd, from, port, &start);
		refuse(w, fd, PST_REASON_NO_STATE, &start);
	}
}

void pst_entry_accept(struct pst_worker *w, const struct pst_front *front)
{
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		int fd = accept4(front->fd, (struct sockaddr *)&from, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			hand_out(w, fd, &from, front->port);
		else if (errno == EMFILE || errno == ENFILE)
			refuse_next(w, front);
		else if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}
