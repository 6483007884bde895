// SPDX-License-Identifier: Apache-2.0
#include "proxy/conn.h"

#include <criterion/criterion.h>
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
