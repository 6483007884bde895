// SPDX-License-Identifier: Apache-2.0
#include "enforcer/tests/net_fixture.h"

#include "enforcer/netns.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int r = ioctl(fd, SIOCSIFFLAGS, &ifr);

	close(fd);
	return r;
}

void t_enter_new_netns(void)
{
	if (unshare(CLONE_NEWNET))
		cr_skip_test("network namespaces need root");
	cr_assert_eq(loopback_up(), 0);
}

/*
 * In the child: says the cookie (0: no namespace) and sits. It dies with the test, also when that
 * fails on the way: who waits for the end of the test's output would wait for ever otherwise.
 */
static void sit(int out)
{
	uint64_t cookie = 0;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!unshare(CLONE_NEWNET)) {
		fd = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (pst_netns_cookie(fd, &cookie))
			cookie = 0;
		close(fd);
	}
	if (write(out, &cookie, sizeof(cookie)) < 0)
		_exit(1);
	for (;;)
		pause();
}

struct t_sitter t_sitter_start(void)
{
	struct t_sitter s = {0};
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	s.pid = fork();
	cr_assert_geq(s.pid, 0);
	if (!s.pid)
		sit(fds[1]);
	close(fds[1]);
	cr_assert_eq(read(fds[0], &s.cookie, sizeof(s.cookie)), (ssize_t)sizeof(s.cookie));
	close(fds[0]);
	if (!s.cookie) {
		t_sitter_end(&s);
		cr_skip_test("network namespaces need root");
	}
	return s;
}

void t_sitter_end(struct t_sitter *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

struct endpoints {
	int listen_family, connect_family;
};

static const struct endpoints endpoints[] = {
	[T_V4] = {AF_INET, AF_INET},
	[T_V6] = {AF_INET6, AF_INET6},
	[T_MAPPED] = {AF_INET6, AF_INET},
};

static socklen_t loopback(int family, in_port_t port, struct sockaddr_storage *ret_addr)
{
	struct sockaddr_in6 *v6 = (void *)ret_addr;
	struct sockaddr_in *v4 = (void *)ret_addr;

	memset(ret_addr, 0, sizeof(*ret_addr));
	if (family == AF_INET) {
		*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*v4);
	}
	*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
	v6->sin6_addr = in6addr_loopback;
	return sizeof(*v6);
}

/* A listener; the dual-stack one is bound to the wildcard address. */
static int start_listening(enum t_family family, in_port_t *ret_port)
{
	int fd = socket(endpoints[family].listen_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage addr;
	socklen_t len = loopback(endpoints[family].listen_family, 0, &addr);

	if (family == T_MAPPED)
		((struct sockaddr_in6 *)&addr)->sin6_addr = in6addr_any;
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr, len), 0, "bind: %s", strerror(errno));
	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*ret_port = ((struct sockaddr_in *)&addr)->sin_port;
	return fd;
}

struct t_pair t_connect(enum t_family family)
{
	struct sockaddr_storage addr;
	struct t_pair p;
	in_port_t port;
	int listener = start_listening(family, &port);
	socklen_t len = loopback(endpoints[family].connect_family, port, &addr);

	p.client = socket(endpoints[family].connect_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(p.client, (struct sockaddr *)&addr, len), 0, "%s", strerror(errno));
	p.server = accept(listener, NULL, NULL);
	cr_assert_geq(p.server, 0);
	close(listener);
	return p;
}

void t_disconnect(struct t_pair *p)
{
	close(p->client);
	close(p->server);
}

int t_recv(int fd, void *buf, int size)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (poll(&pfd, 1, 1000) != 1)
		return -ETIMEDOUT;
	n = recv(fd, buf, (size_t)size, MSG_DONTWAIT);
	return n < 0 ? -errno : (int)n;
}
