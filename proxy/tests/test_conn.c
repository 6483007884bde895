// SPDX-License-Identifier: Apache-2.0
#include "proxy/conn.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The helper is handed the client's socket, and closes it when it likes. */
Test(conn, is_named_by_no_event_behind_its_end_although_somebody_has_its_socket)
{
	const char *policies = "testdata/policies/good/backend-api.yaml";
	const char *pods = "testdata/inventory/demo.yaml";
	const struct pst_proxy_sources sources = {
		.policies = &policies, .n_policies = 1, .inventories = &pods, .n_inventories = 1};
	const struct pst_proxy_judging how = {.name_rules = false};
	const struct sockaddr_storage nowhere = {.ss_family = AF_UNIX};
	struct pst_conn_start start = {
		.opaque = true, .upstream = &nowhere, .upstream_len = sizeof(nowhere)};
	struct pst_conn_home home = {.epoll_fd = epoll_create1(0), .memory.limit = SIZE_MAX};
	struct epoll_event event;
	struct pst_conn *c = NULL;
	int pair[2], helper;

	pst_clock_init(&home.clock);
	cr_assert_eq(pst_proxy_policy_load(&sources, &how, &start.policy), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	helper = dup(pair[0]);
	start.fd = pair[0];
	cr_assert_eq(pst_conn_new(&home, &start, &c), 0);

	pst_conn_kill(c);
	pst_conn_free(&c);
	cr_assert_eq(write(pair[1], "x", 1), 1);
	cr_expect_eq(epoll_wait(home.epoll_fd, &event, 1, 0), 0);

	close(helper);
	close(pair[1]);
	close(home.epoll_fd);
	pst_proxy_policy_unref(&start.policy);
}

/* A stream of numbers through a connection that looks into nothing, both ends in our hands. */
struct stream {
	struct pst_conn_home home;
	struct pst_conn_start start;
	struct pst_conn *c;
	int client, server; /* ours */
	int way;	    /* the proxy's, to the server */
	uint64_t said, heard;
	bool was_bulk;
};

static int reach(void *ctx, struct pst_conn *c)
{
	(void)ctx;
	(void)c;
	return 0;
}

static void give_up(void *ctx, const struct pst_conn *c)
{
	(void)ctx;
	(void)c;
}

static void begin(struct stream *s, bool pipe)
{
	static const struct sockaddr_storage nowhere = {.ss_family = AF_UNIX};
	const char *policies = "testdata/policies/good/backend-api.yaml";
	const char *pods = "testdata/inventory/demo.yaml";
	const struct pst_proxy_sources sources = {
		.policies = &policies, .n_policies = 1, .inventories = &pods, .n_inventories = 1};
	const struct pst_proxy_judging how = {.name_rules = false};
	int up[2], down[2];

	*s = (struct stream){
		.home = {.epoll_fd = epoll_create1(0),
			 .memory.limit = SIZE_MAX,
			 .reach = reach,
			 .give_up = give_up},
		.start = {.opaque = true, .upstream = &nowhere, .upstream_len = sizeof(nowhere)},
	};
	pst_clock_init(&s->home.clock);
	if (pipe)
		pst_pipe_init(&s->home.pipe);
	cr_assert_eq(pst_proxy_policy_load(&sources, &how, &s->start.policy), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, up), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, down), 0);
	s->start.fd = up[0];
	s->client = up[1];
	s->way = down[0];
	s->server = down[1];
	cr_assert_eq(pst_conn_new(&s->home, &s->start, &s->c), 0);
}

static void run(struct stream *s)
{
	for (int side = PST_CLIENT; side <= PST_SERVER; side++)
		pst_conn_notice(&s->c->end[side], EPOLLIN | EPOLLOUT);
	pst_conn_run(s->c);
	s->was_bulk |= s->c->end[PST_CLIENT].bulk;
	cr_assert_eq(s->home.pipe.held, 0, "the next connection would find bytes in the pipe");
	if (s->c->asked_server && s->c->reaching)
		pst_conn_reached(s->c, s->way);
}

/* Up to N bytes more; each byte says where it is. */
static void say(struct stream *s, size_t n)
{
	static uint8_t bytes[1 << 17];
	ssize_t r;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)((s->said + i) % 251);
	r = send(s->client, bytes, n, MSG_NOSIGNAL);
	if (r > 0)
		s->said += (uint64_t)r;
}

static void hear(struct stream *s, size_t n)
{
	static uint8_t bytes[1 << 17];
	ssize_t r = recv(s->server, bytes, n, 0);

	for (ssize_t i = 0; i < r; i++, s->heard++)
		cr_assert_eq(bytes[i], s->heard % 251, "byte %zu", (size_t)s->heard);
}

static void talk(struct stream *s, uint64_t total)
{
	uint32_t x = 2463534242;

	while (s->heard < total && !s->c->done) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		if (s->said < total && x & 3)
			say(s, (x >> 3) % (1 << 17) + 1);
		run(s);
		/* Now and then the reader falls behind, and the pipe keeps what it has. */
		hear(s, (x >> 5) % 7 ? (1 << 17) : (x >> 9) % 5000 + 1);
	}
}

static void end(struct stream *s)
{
	pst_conn_kill(s->c);
	pst_conn_free(&s->c);
	close(s->client);
	close(s->server);
	close(s->home.epoll_fd);
	pst_pipe_fini(&s->home.pipe);
	cr_expect_eq(s->home.memory.used, 0);
	pst_memory_fini(&s->home.memory);
	pst_proxy_policy_unref(&s->start.policy);
}

Test(conn, moves_much_through_its_pipe_whoever_is_slow)
{
	struct stream s;

	begin(&s, true);
	talk(&s, 32 << 20);
	cr_expect_geq(s.heard, 32 << 20);
	cr_expect(s.was_bulk && !s.c->done);
	shutdown(s.client, SHUT_WR);
	run(&s);
	run(&s);
	cr_expect_eq(recv(s.server, &(char){0}, 1, 0), 0, "the end of the stream arrives, too");
	end(&s);
}

Test(conn, copies_what_it_has_no_pipe_for)
{
	struct stream s;

	begin(&s, false);
	talk(&s, 4 << 20);
	cr_expect_geq(s.heard, 4 << 20);
	end(&s);
}

Test(conn, leaves_nothing_in_the_pipe_when_the_reader_goes_away)
{
	struct stream s;

	begin(&s, true);
	talk(&s, 4 << 20);
	for (int i = 0; i < 100 && !s.c->done; i++) {
		say(&s, 1 << 17);
		if (i == 20)
			shutdown(s.server, SHUT_RDWR);
		run(&s);
	}
	cr_expect(s.c->end[PST_SERVER].fd < 0);
	end(&s);
}
