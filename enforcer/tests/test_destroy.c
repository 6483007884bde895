// SPDX-License-Identifier: Apache-2.0
#include "enforcer/destroy.h"

#include "base/cleanup.h"
#include "enforcer/clock.h"
#include "enforcer/netns.h"
#include "enforcer/tests/net_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUTO_SET   pst_cleanup(pst_netns_set_free) struct pst_netns_set *
#define AUTO_QUEUE pst_cleanup(pst_destroy_queue_free) struct pst_destroy_queue *

static struct pst_netns_set *new_set(void)
{
	struct pst_netns_set *set = NULL;

	cr_assert_eq(pst_netns_set_new(&set), 0);
	return set;
}

static struct pst_destroy_queue *new_queue(struct pst_netns_set *set)
{
	struct pst_destroy_queue *q = NULL;

	cr_assert_eq(pst_destroy_queue_new(set, &q), 0);
	return q;
}

static struct pst_destroy_stats stats_of(const struct pst_destroy_queue *q)
{
	struct pst_destroy_stats st;

	pst_destroy_stats(q, &st);
	return st;
}

static void read_address(const struct sockaddr_storage *from, struct pst_addr *addr, uint16_t *port)
{
	const struct sockaddr_in6 *v6 = (const void *)from;
	const struct sockaddr_in *v4 = (const void *)from;
	in_port_t be;

	memcpy(&be, &v4->sin_port, sizeof(be));
	*port = ntohs(be);
	if (from->ss_family == AF_INET6) {
		memcpy(addr->b, &v6->sin6_addr, 16);
		return;
	}
	*addr = (struct pst_addr){{[10] = 0xff, [11] = 0xff}};
	memcpy(addr->b + 12, &v4->sin_addr, 4);
}

/* The request that means socket FD: what a kernel program would report of it. */
static struct pst_destroy_request request_for(int fd)
{
	struct pst_destroy_request req = {0};
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr), cookie_len = sizeof(req.sk_cookie);

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	read_address(&addr, &req.local, &req.local_port);
	len = sizeof(addr);
	cr_assert_eq(getpeername(fd, (struct sockaddr *)&addr, &len), 0);
	read_address(&addr, &req.remote, &req.remote_port);
	cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &req.sk_cookie, &cookie_len), 0);
	cr_assert_eq(pst_netns_cookie(fd, &req.netns_cookie), 0);
	return req;
}

static bool is_alive(struct t_pair *p)
{
	char byte = 0;

	return send(p->client, "x", 1, MSG_NOSIGNAL) == 1 && t_recv(p->server, &byte, 1) == 1;
}

/* Destroys the accepted socket or the connecting one, and looks at both. */
static void destroy_one(enum t_family family, bool at_server)
{
	struct pst_destroy_request req;
	struct t_pair p;
	char byte;

	t_enter_new_netns();
	AUTO_SET set = new_set();

	p = t_connect(family);
	cr_assert(is_alive(&p));
	req = request_for(at_server ? p.server : p.client);
	cr_assert_eq(pst_destroy_socket(set, &req), 0);
	cr_assert_eq(t_recv(at_server ? p.server : p.client, &byte, 1), -ECONNABORTED);
	cr_assert_eq(t_recv(at_server ? p.client : p.server, &byte, 1), -ECONNRESET);
	cr_assert_eq(pst_destroy_socket(set, &req), -ENOENT, "gone the second time");
	t_disconnect(&p);
}

Test(destroy, ends_an_ipv4_connection_at_the_server)
{
	destroy_one(T_V4, true);
}

Test(destroy, ends_an_ipv4_connection_at_the_client)
{
	destroy_one(T_V4, false);
}

Test(destroy, ends_an_ipv6_connection_at_the_server)
{
	destroy_one(T_V6, true);
}

Test(destroy, ends_an_ipv6_connection_at_the_client)
{
	destroy_one(T_V6, false);
}

Test(destroy, ends_the_ipv6_socket_of_a_dual_stack_server)
{
	destroy_one(T_MAPPED, true);
}

Test(destroy, ends_the_ipv4_client_of_a_dual_stack_server)
{
	destroy_one(T_MAPPED, false);
}

Test(destroy, spares_a_socket_with_another_cookie)
{
	struct pst_destroy_request req;
	struct t_pair p;

	t_enter_new_netns();
	AUTO_SET set = new_set();

	p = t_connect(T_V4);
	req = request_for(p.server);
	req.sk_cookie++;
	cr_assert_eq(pst_destroy_socket(set, &req), -ENOENT);
	cr_assert(is_alive(&p));
	t_disconnect(&p);
}

Test(destroy, spares_sockets_on_another_port)
{
	struct pst_destroy_request req;
	struct t_pair p;

	t_enter_new_netns();
	AUTO_SET set = new_set();

	p = t_connect(T_V6);
	req = request_for(p.server);
	req.remote_port ^= 1;
	cr_assert_eq(pst_destroy_socket(set, &req), -ENOENT);
	cr_assert(is_alive(&p));
	t_disconnect(&p);
}

Test(destroy, needs_a_cookie_and_one_family)
{
	AUTO_SET set = new_set();
	struct pst_destroy_request req = {.netns_cookie = pst_netns_own(set), .sk_cookie = 0};

	cr_assert_eq(pst_destroy_socket(set, &req), -EINVAL);
	req.sk_cookie = 1;
	req.local.b[10] = req.local.b[11] = 0xff;
	cr_assert_eq(pst_destroy_socket(set, &req), -EINVAL);
}

/* In the child: a connection in a namespace of its own; says the request, then what its client
 * reads. */
static void live_elsewhere(int out)
{
	struct pst_destroy_request req;
	struct t_pair p;
	char byte;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	t_enter_new_netns();
	p = t_connect(T_V4);
	req = request_for(p.client);
	if (write(out, &req, sizeof(req)) < 0)
		_exit(1);
	r = t_recv(p.client, &byte, 1);
	if (write(out, &r, sizeof(r)) < 0)
		_exit(1);
	_exit(0);
}

Test(destroy, reaches_into_another_namespace)
{
	struct t_sitter s = t_sitter_start(); /* skips without root */
	struct pst_destroy_request req;
	int fds[2], result = 0;

	t_sitter_end(&s);
	cr_assert_eq(pipe(fds), 0);
	if (!fork())
		live_elsewhere(fds[1]);
	AUTO_SET set = new_set();

	cr_assert_eq(read(fds[0], &req, sizeof(req)), (ssize_t)sizeof(req));
	cr_assert_neq(req.netns_cookie, pst_netns_own(set));
	cr_assert_eq(pst_destroy_socket(set, &req), 0);
	cr_assert_eq(read(fds[0], &result, sizeof(result)), (ssize_t)sizeof(result));
	cr_assert_eq(result, -ECONNABORTED);
	wait(NULL);
}

/* ---- the queue ---- */

/* Serves the queue until its next event, at most MS; says whether there was one. */
static bool serve(struct pst_destroy_queue *q, int ms)
{
	struct pollfd pfd = {.fd = pst_destroy_fd(q), .events = POLLIN};

	if (poll(&pfd, 1, ms) != 1)
		return false;
	pst_destroy_dispatch(q);
	return true;
}

Test(destroy_queue, destroys_after_the_delay_and_not_before)
{
	struct pst_destroy_request req;
	struct t_pair p;
	uint64_t start;

	t_enter_new_netns();
	AUTO_SET set = new_set();
	AUTO_QUEUE q = new_queue(set);

	p = t_connect(T_V4);
	req = request_for(p.server);
	start = pst_clock_ms();
	cr_assert_eq(pst_destroy_after(q, &req, 150), 0);
	cr_assert_eq(stats_of(q).pending, 1);
	cr_assert(is_alive(&p));
	pst_destroy_dispatch(q);
	cr_assert(is_alive(&p), "a dispatch too early does nothing");
	cr_assert(serve(q, 2000));
	cr_assert_geq(pst_clock_ms() - start, 150);
	cr_assert_not(is_alive(&p));
	cr_assert_eq(stats_of(q).destroyed, 1);
	cr_assert_eq(stats_of(q).pending, 0);
	t_disconnect(&p);
}

Test(destroy_queue, holds_a_socket_once_and_keeps_the_earlier_time)
{
	struct pst_destroy_request req;
	struct t_pair p;

	t_enter_new_netns();
	AUTO_SET set = new_set();
	AUTO_QUEUE q = new_queue(set);

	p = t_connect(T_V4);
	req = request_for(p.server);
	cr_assert_eq(pst_destroy_after(q, &req, 60000), 0);
	cr_assert_eq(pst_destroy_after(q, &req, 20), 0);
	cr_assert_eq(pst_destroy_after(q, &req, 60000), 0);
	cr_assert_eq(stats_of(q).pending, 1);
	cr_assert_eq(stats_of(q).repeated, 2);
	cr_assert(serve(q, 2000));
	cr_assert_eq(stats_of(q).destroyed, 1);
	cr_assert_not(serve(q, 50), "nothing is left");
	t_disconnect(&p);
}

Test(destroy_queue, serves_several_in_the_order_of_their_times)
{
	struct pst_destroy_request late, soon;
	struct t_pair a, b;

	t_enter_new_netns();
	AUTO_SET set = new_set();
	AUTO_QUEUE q = new_queue(set);

	a = t_connect(T_V4);
	b = t_connect(T_V6);
	late = request_for(a.server);
	soon = request_for(b.server);
	cr_assert_eq(pst_destroy_after(q, &late, 400), 0);
	cr_assert_eq(pst_destroy_after(q, &soon, 30), 0);
	cr_assert(serve(q, 2000));
	cr_assert(is_alive(&a));
	cr_assert_not(is_alive(&b));
	cr_assert(serve(q, 2000));
	cr_assert_not(is_alive(&a));
	t_disconnect(&a);
	t_disconnect(&b);
}

Test(destroy_queue, destroys_at_once_when_it_is_full)
{
	struct pst_destroy_request req;
	struct t_pair p;

	t_enter_new_netns();
	AUTO_SET set = new_set();
	AUTO_QUEUE q = new_queue(set);

	p = t_connect(T_V4);
	req = request_for(p.server);
	for (uint64_t i = 1; i <= PST_DESTROY_PENDING; i++) {
		struct pst_destroy_request filler = req;

		filler.sk_cookie = UINT64_MAX - i;
		cr_assert_eq(pst_destroy_after(q, &filler, 60000), 0);
	}
	cr_assert_eq(stats_of(q).pending, PST_DESTROY_PENDING);
	cr_assert(is_alive(&p));
	cr_assert_eq(pst_destroy_after(q, &req, 60000), 0);
	cr_assert_not(is_alive(&p));
	cr_assert_eq(stats_of(q).overflows, 1);
	cr_assert_eq(stats_of(q).destroyed, 1);
	t_disconnect(&p);
}

Test(destroy_queue, counts_a_socket_that_has_gone_in_the_meantime)
{
	struct pst_destroy_request req;
	struct t_pair p;

	t_enter_new_netns();
	AUTO_SET set = new_set();
	AUTO_QUEUE q = new_queue(set);

	p = t_connect(T_V4);
	req = request_for(p.server);
	cr_assert_eq(pst_destroy_after(q, &req, 10), 0);
	req.sk_cookie += 1000;
	cr_assert_eq(pst_destroy_after(q, &req, 10), 0);
	while (stats_of(q).pending)
		cr_assert(serve(q, 2000));
	cr_assert_eq(stats_of(q).destroyed, 1);
	cr_assert_eq(stats_of(q).gone, 1);
	cr_assert_eq(stats_of(q).failed, 0);
	t_disconnect(&p);
}

Test(destroy_queue, asks_again_while_the_namespace_is_not_found_yet)
{
	AUTO_SET set = new_set();
	AUTO_QUEUE q = new_queue(set);
	struct pst_destroy_request req = {.netns_cookie = UINT64_MAX, .sk_cookie = 1};
	struct pst_destroy_stats st;

	pst_netns_socket(set, UINT64_MAX, AF_INET, SOCK_STREAM, 0); /* too early to scan again */
	cr_assert_eq(pst_destroy_after(q, &req, 0), 0);
	cr_assert(serve(q, 2000));
	cr_assert_eq(stats_of(q).retried, 1);
	cr_assert_eq(stats_of(q).pending, 1);
	while (stats_of(q).pending)
		cr_assert(serve(q, 2000));
	st = stats_of(q);
	cr_assert_eq(st.gone + st.failed, 1);
}

Test(destroy_queue, refuses_a_socket_without_a_cookie)
{
	AUTO_SET set = new_set();
	AUTO_QUEUE q = new_queue(set);
	struct pst_destroy_request req = {.netns_cookie = 1};

	cr_assert_eq(pst_destroy_after(q, &req, 10), -EINVAL);
	cr_assert_eq(stats_of(q).pending, 0);
}
