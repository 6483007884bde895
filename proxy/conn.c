// SPDX-License-Identifier: Apache-2.0
#include "proxy/conn.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	TURNS = 16, /* rounds before others have their turn */
	/* Below, two system calls and a pipe cost more than a copy (docs/proxy.md). */
	MUCH = 32 * 1024,
	MOST = PST_BUFFER_BODY, /* at once: what the other side does not take must fit a buffer */
};

static void close_end(struct pst_conn_end *end, bool reset)
{
	const struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (end->fd < 0)
		return;
	if (reset)
		setsockopt(end->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	/* The helper may have the socket, too, and as long as it has, a poll would go on naming
	 * END. */
	epoll_ctl(end->conn->home->epoll_fd, EPOLL_CTL_DEL, end->fd, NULL);
	close(end->fd);
	end->fd = -1;
	pst_tally_add(end->conn->home->tally, PST_TALLY_CLOSED + end->side, 1);
	end->can_read = end->can_write = false;
}

static void finish(struct pst_conn *c, bool reset)
{
	if (c->reaching)
		c->home->give_up(c->home->ctx, c);
	c->reaching = false;
	close_end(&c->end[PST_CLIENT], reset);
	close_end(&c->end[PST_SERVER], reset);
	pst_clock_set(&c->home->clock, &c->timer, PST_WAIT_NONE);
	c->done = true;
}

void pst_conn_kill(struct pst_conn *c)
{
	finish(c, true);
}

void pst_conn_end_if_idle(struct pst_conn *c)
{
	if (!c->done && !c->lingering && pst_pair_is_idle(c->pair))
		finish(c, false);
}

static int watch(const struct pst_conn *c, struct pst_conn_end *end)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = end,
	};

	return epoll_ctl(c->home->epoll_fd, EPOLL_CTL_ADD, end->fd, &event) ? -errno : 0;
}

static void forward_event(void *ctx, const struct pst_pair_event *event)
{
	struct pst_conn *c = ctx;

	if (c->home->on_event)
		c->home->on_event(c->home->ctx, c, event);
}

static void forward_answer(void *ctx, const struct pst_pair_answer *answer)
{
	struct pst_conn *c = ctx;

	if (c->home->on_answer)
		c->home->on_answer(c->home->ctx, c, answer);
}

int pst_conn_new(struct pst_conn_home *home, const struct pst_conn_start *start,
		 struct pst_conn **ret_conn)
{
	struct pst_conn *c = pst_mem_calloc(1, sizeof(*c));
	struct pst_pair_opts opts = {
		.ruler = start->policy->ruler,
		.ruleset = start->ruleset,
		.opaque = start->opaque,
		.denied = {home->denied[0], home->denied[1]},
		.tally = home->tally,
		.on_event = forward_event,
		.on_answer = forward_answer,
		.ctx = c,
	};
	int r;

	if (!c)
		return -ENOMEM;
	c->home = home;
	c->number = ++home->last_number;
	c->purse = (struct pst_purse){.all = &home->memory, .share = start->share};
	opts.purse = &c->purse;
	for (int side = PST_CLIENT; side <= PST_SERVER; side++)
		c->end[side] = (struct pst_conn_end){.conn = c, .side = side, .fd = -1};
	r = pst_pair_new(&opts, &c->pair);
	if (!r) {
		c->end[PST_CLIENT].fd = start->fd;
		r = watch(c, &c->end[PST_CLIENT]);
	}
	if (r) {
		c->end[PST_CLIENT].fd = -1; /* the caller's still */
		pst_conn_free(&c);
		return r;
	}
	c->policy = pst_proxy_policy_ref(start->policy);
	c->upstream = *start->upstream;
	c->upstream_len = start->upstream_len;
	c->client = start->client;
	c->client_port = start->client_port;
	c->server = start->server;
	c->server_port = start->server_port;
	c->direction = start->direction;
	c->end[PST_CLIENT].can_read = c->end[PST_CLIENT].can_write = true;
	pst_tally_add(home->tally, PST_TALLY_OPENED + PST_CLIENT, 1);
	pst_clock_set(&home->clock, &c->timer, PST_WAIT_IDLE);
	*ret_conn = c;
	return 0;
}

void pst_conn_free(struct pst_conn **c)
{
	if (!*c)
		return;
	if (!(*c)->done)
		finish(*c, true);
	pst_pair_free(&(*c)->pair);
	pst_proxy_policy_unref(&(*c)->next_policy);
	pst_proxy_policy_unref(&(*c)->policy);
	free(*c);
	*c = NULL;
}

static int error_of(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) ? errno : error;
}

/* There is no way to the server. */
static void unreachable(struct pst_conn *c)
{
	if (!c->reset)
		pst_tally_add(c->home->tally, PST_TALLY_FAILED + PST_TALLY_CONNECT, 1);
	c->reset = true;
}

/* The end is broken. What a server said before that still reaches the client. */
static void fail(struct pst_conn_end *end)
{
	struct pst_conn *c = end->conn;

	if (end->side == PST_CLIENT) {
		c->reset = true;
		return;
	}
	if (c->connecting) {
		unreachable(c);
		return;
	}
	pst_tally_add(c->home->tally, PST_TALLY_FAILED + PST_TALLY_RESET, 1);
	close_end(end, true);
	c->server_reset = true;
	pst_pair_ended(c->pair, PST_SERVER);
}

void pst_conn_notice(struct pst_conn_end *end, uint32_t events)
{
	struct pst_conn *c = end->conn;

	if (end->fd < 0)
		return;
	/* What came before a server's reset can be read no more: TCP has thrown it away. */
	if (events & EPOLLERR && error_of(end->fd)) {
		fail(end);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		end->can_read = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		end->hung_up = true;
	if (events & EPOLLOUT) {
		end->can_write = true;
		if (end->side == PST_SERVER)
			c->connecting = false;
	}
}

/* Asks the server for a connection. */
static void connect_server(struct pst_conn *c)
{
	struct pst_conn_end *end = &c->end[PST_SERVER];
	const int on = 1;

	c->asked_server = true;
	if (c->home->reach) {
		c->connecting = c->reaching = !c->home->reach(c->home->ctx, c);
		if (!c->reaching)
			unreachable(c);
		return;
	}
	end->fd = socket(c->upstream.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (end->fd < 0) {
		unreachable(c);
		return;
	}
	pst_tally_add(c->home->tally, PST_TALLY_OPENED + PST_SERVER, 1);
	setsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->connecting = true;
	if ((connect(end->fd, (const struct sockaddr *)&c->upstream, c->upstream_len) &&
	     errno != EINPROGRESS) ||
	    watch(c, end))
		unreachable(c);
}

void pst_conn_reached(struct pst_conn *c, int fd)
{
	struct pst_conn_end *end = &c->end[PST_SERVER];

	c->reaching = false;
	if (fd >= 0) {
		end->fd = fd;
		pst_tally_add(c->home->tally, PST_TALLY_OPENED + PST_SERVER, 1);
	}
	if (fd < 0 || watch(c, end))
		unreachable(c);
}

/* Reads once. True: something came, or the stream's end. */
static bool receive(struct pst_conn *c, enum pst_side side)
{
	struct pst_conn_end *end = &c->end[side];
	char *at;
	size_t room;
	ssize_t n;

	if (!end->can_read)
		return false;
	room = pst_pair_room(c->pair, side, &at);
	if (!room)
		return false;
	n = recv(end->fd, at, room, 0);
	if (n > 0) {
		/* There was no more: the next edge says when there is. */
		if ((size_t)n < room && !end->hung_up)
			end->can_read = false;
		end->bulk = (size_t)n >= MUCH;
		pst_tally_add(c->home->tally, PST_TALLY_RECEIVED + side, (uint64_t)n);
		pst_pair_received(c->pair, side, (size_t)n);
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	end->can_read = false;
	if (n == 0) {
		pst_pair_ended(c->pair, side);
		return true;
	}
	if (errno == EAGAIN)
		pst_pair_received(c->pair, side, 0);
	else
		fail(end);
	return false;
}

/* Is the next that comes from SIDE worth to be moved? If there is no pipe any more, it is not. */
static bool is_bulk(const struct pst_conn *c, enum pst_side side)
{
	return c->end[side].bulk && pst_pipe_is_there(&c->home->pipe) &&
	       pst_pair_movable(c->pair, side) >= MUCH;
}

/* Behind what went to the other side comes what it did not take, as if it had just come. */
static void take_back(struct pst_conn *c, enum pst_side from)
{
	struct pst_pipe *pipe = &c->home->pipe;

	while (pipe->held) {
		char *at;
		size_t room = pst_pair_room(c->pair, from, &at);
		ssize_t n = room ? pst_pipe_read(pipe, at, room) : 0;

		if (n > 0) {
			pst_pair_received(c->pair, from, (size_t)n);
		} else if (n != -EINTR) {
			c->reset = true;
			pst_pipe_drop(pipe);
		}
	}
}

/* Moves once, past the pair, when nothing waits before it. True: something went. */
static bool move(struct pst_conn *c, enum pst_side from)
{
	enum pst_side to = from == PST_CLIENT ? PST_SERVER : PST_CLIENT;
	struct pst_conn_end *in = &c->end[from], *out = &c->end[to];
	struct pst_pipe *pipe = &c->home->pipe;
	uint64_t most = pst_pair_movable(c->pair, from);
	const char *unused;
	ssize_t n, went;

	if (!in->can_read || !out->can_write || pst_pair_pending(c->pair, to, &unused))
		return false;
	n = pst_pipe_fill(pipe, in->fd, most < MOST ? (size_t)most : MOST);
	if (n <= 0) {
		/* An end, or an error: whoever receives finds out. */
		in->can_read = n != -EAGAIN;
		in->bulk = n == -EAGAIN || n == -EINTR;
		return in->can_read;
	}
	in->bulk = n >= MUCH / 2;
	pst_tally_add(c->home->tally, PST_TALLY_RECEIVED + from, (uint64_t)n);
	do {
		went = pst_pipe_empty(pipe, out->fd);
		if (went > 0) {
			pst_pair_moved(c->pair, from, (size_t)went);
			pst_tally_add(c->home->tally, PST_TALLY_SENT + to, (uint64_t)went);
		}
	} while (pipe->held && (went > 0 || went == -EINTR));
	if (pipe->held)
		out->can_write = false;
	take_back(c, from);
	if (went < 0 && went != -EAGAIN)
		fail(out);
	return true;
}

/* Takes what SIDE sends, one way or the other. */
static bool take(struct pst_conn *c, enum pst_side side)
{
	return is_bulk(c, side) ? move(c, side) : receive(c, side);
}

/* Writes once. True: something went. */
static bool transmit(struct pst_conn *c, enum pst_side side)
{
	struct pst_conn_end *end = &c->end[side];
	const char *at;
	size_t len = pst_pair_pending(c->pair, side, &at);
	ssize_t n;

	if (!len)
		return false;
	/* Never again: what is left of a request would begin another one there. */
	if (side == PST_SERVER && !c->asked_server)
		connect_server(c);
	if (!end->can_write || c->reset)
		return false;
	n = send(end->fd, at, len, MSG_NOSIGNAL);
	if (n > 0) {
		pst_pair_sent(c->pair, side, (size_t)n);
		pst_tally_add(c->home->tally, PST_TALLY_SENT + side, (uint64_t)n);
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	end->can_write = false;
	if (n < 0 && errno != EAGAIN)
		fail(end);
	return false;
}

static void shut(struct pst_conn *c, enum pst_side side)
{
	struct pst_conn_end *end = &c->end[side];

	if (end->fd < 0 || end->shut || (side == PST_SERVER && c->connecting) ||
	    !pst_pair_is_over(c->pair, side))
		return;
	end->shut = true;
	shutdown(end->fd, SHUT_WR);
}

/* Throws away what the client still sends. True: it has ended, too. */
static bool drain(struct pst_conn *c)
{
	struct pst_conn_end *end = &c->end[PST_CLIENT];
	char scratch[16 * 1024];
	ssize_t n;

	for (int i = 0; i < TURNS; i++) {
		n = recv(end->fd, scratch, sizeof(scratch), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return true;
		if (n < 0)
			return false;
	}
	return false;
}

/* The connection ends: the client gets what is left, the server nothing more. */
static void settle_end(struct pst_conn *c)
{
	close_end(&c->end[PST_SERVER], pst_pair_is_torn(c->pair));
	if (!pst_pair_is_over(c->pair, PST_CLIENT)) {
		pst_clock_set(&c->home->clock, &c->timer, PST_WAIT_IDLE);
		return;
	}
	shut(c, PST_CLIENT);
	c->lingering = true;
	if (c->server_reset || drain(c))
		finish(c, c->server_reset);
	else
		pst_clock_set(&c->home->clock, &c->timer, PST_WAIT_LINGER);
}

static void wait_for_more(struct pst_conn *c)
{
	struct pst_clock *clock = &c->home->clock;
	uint32_t number = pst_pair_number(c->pair);

	if (c->connecting) {
		pst_clock_set(clock, &c->timer, PST_WAIT_CONNECT);
	} else if (!pst_pair_is_in_head(c->pair)) {
		pst_clock_set(clock, &c->timer,
			      pst_pair_can_rest(c->pair) ? PST_WAIT_REST : PST_WAIT_IDLE);
	} else {
		/* Another head has a time of its own. */
		if (number != c->head_number)
			pst_clock_set(clock, &c->timer, PST_WAIT_NONE);
		c->head_number = number;
		pst_clock_set(clock, &c->timer, PST_WAIT_HEAD);
	}
}

static void settle(struct pst_conn *c)
{
	if (c->reset || pst_pair_state(c->pair) == PST_PAIR_DEAD) {
		finish(c, true);
	} else if (pst_pair_state(c->pair) == PST_PAIR_CLOSING) {
		settle_end(c);
	} else {
		shut(c, PST_SERVER);
		shut(c, PST_CLIENT);
		wait_for_more(c);
	}
}

const struct pst_proxy_policy *pst_conn_policy(const struct pst_conn *c)
{
	return c->next_policy && pst_pair_ruler(c->pair) == c->next_policy->ruler ? c->next_policy
										  : c->policy;
}

/* Lets go of a policy that is not used any more. */
static void release_policy(struct pst_conn *c)
{
	if (!c->next_policy || pst_conn_policy(c) != c->next_policy)
		return;
	pst_proxy_policy_unref(&c->policy);
	c->policy = PST_TAKE_PTR(c->next_policy);
}

void pst_conn_renew(struct pst_conn *c, struct pst_proxy_policy *policy, uint32_t ruleset)
{
	pst_pair_renew(c->pair, policy->ruler, ruleset);
	pst_proxy_policy_unref(&c->next_policy);
	c->next_policy = pst_proxy_policy_ref(policy);
	release_policy(c);
}

bool pst_conn_run(struct pst_conn *c)
{
	bool more = true;
	int turns = 0;

	while (more && turns++ < TURNS && !c->reset && !c->done) {
		more = take(c, PST_CLIENT);
		more |= transmit(c, PST_SERVER);
		more |= take(c, PST_SERVER);
		more |= transmit(c, PST_CLIENT);
	}
	release_policy(c);
	if (!c->done)
		settle(c);
	return more && !c->done;
}

void pst_conn_time_out(struct pst_conn *c)
{
	if (c->timer.wait == PST_WAIT_HEAD) {
		pst_pair_time_out(c->pair);
		pst_clock_set(&c->home->clock, &c->timer, PST_WAIT_IDLE);
		pst_conn_run(c);
		return;
	}
	if (c->timer.wait == PST_WAIT_REST) {
		pst_pair_rest(c->pair);
		c->home->rested++;
		pst_clock_set(&c->home->clock, &c->timer, PST_WAIT_IDLE);
		return;
	}
	if (c->timer.wait == PST_WAIT_IDLE)
		pst_tally_add(c->home->tally, PST_TALLY_IDLE, 1);
	if (c->timer.wait == PST_WAIT_CONNECT)
		pst_tally_add(c->home->tally, PST_TALLY_FAILED + PST_TALLY_LATE, 1);
	finish(c, c->timer.wait != PST_WAIT_LINGER && !pst_pair_is_idle(c->pair));
}
