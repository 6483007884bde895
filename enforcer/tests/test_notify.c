// SPDX-License-Identifier: Apache-2.0
#include "enforcer/notify.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

Test(notify, nobody_who_asked_is_no_error)
{
	unsetenv("NOTIFY_SOCKET");
	cr_assert_eq(pst_notify("READY=1"), 0);
}

Test(notify, an_address_that_is_none_is_refused)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "/";

	setenv("NOTIFY_SOCKET", "run/x", 1);
	cr_assert_eq(pst_notify("READY=1"), -EINVAL);
	memset(path + 1, 'x', sizeof(path) - 2);
	path[sizeof(path) - 1] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	cr_assert_eq(pst_notify("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "/nowhere/socket", 1);
	cr_assert_eq(pst_notify("READY=1"), -ENOENT);
}

/* A socket of the test's own, which NOTIFY_SOCKET then names. */
static int listen_here(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[64];
	int len = snprintf(name, sizeof(name), "@postern-test-%d", (int)getpid());

	memcpy(addr.sun_path + 1, name + 1, (size_t)len - 1);
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
		     0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

/* The next message is WANT; NULL: there is none. */
static void expect(int fd, const char *want)
{
	char got[512] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	if (want)
		cr_assert_str_eq(got, want);
	else
		cr_assert_eq(n, -1);
}

Test(notify, the_state_reaches_an_abstract_socket)
{
	int fd = listen_here();

	cr_assert_eq(pst_notify("READY=1"), 0);
	expect(fd, "READY=1");
	close(fd);
}

Test(notify, a_reload_tells_when_it_began)
{
	int fd = listen_here();

	cr_assert_eq(pst_notify_reloading(1234567890), 0);
	expect(fd, "RELOADING=1\nMONOTONIC_USEC=1234567");
	close(fd);
}

Test(notify, the_status_is_cut_where_it_is_too_long)
{
	int fd = listen_here();
	char got[512];

	cr_assert_eq(pst_notify_status("generation %u", 7U), 0);
	expect(fd, "STATUS=generation 7");
	cr_assert_eq(pst_notify_status("%0300d", 1), 0);
	cr_assert_eq(recv(fd, got, sizeof(got), 0), 255);
	close(fd);
}

Test(notify, the_watchdog_is_told_twice_in_its_time)
{
	struct pst_notify_watchdog w;
	int fd = listen_here();

	setenv("WATCHDOG_USEC", "3000000", 1);
	unsetenv("WATCHDOG_PID");
	pst_notify_watchdog_init(&w);
	cr_assert_eq(w.period_ns, 1500000000);
	cr_assert_eq(pst_notify_watchdog_timeout(&w, 10), 0, "the first at once");
	cr_assert_eq(pst_notify_watchdog_ping(&w, 10), 0);
	expect(fd, "WATCHDOG=1");
	cr_assert_eq(pst_notify_watchdog_timeout(&w, 10), 1500);
	cr_assert_eq(pst_notify_watchdog_timeout(&w, 1499000011), 1, "never too early");
	cr_assert_eq(pst_notify_watchdog_ping(&w, 1500000009), 0);
	expect(fd, NULL);
	cr_assert_eq(pst_notify_watchdog_ping(&w, 1500000010), 0);
	expect(fd, "WATCHDOG=1");
	close(fd);
}

Test(notify, a_watchdog_of_another_process_or_of_nonsense_is_none)
{
	static const char *const nonsense[] = {"", "x", "-5", "5x", "99999999999999999999", "0"};
	struct pst_notify_watchdog w = {.period_ns = 1};
	char pid[16];

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	pst_notify_watchdog_init(&w);
	cr_assert_eq(w.period_ns, 0);
	cr_assert_eq(pst_notify_watchdog_timeout(&w, 5), -1);
	cr_assert_eq(pst_notify_watchdog_ping(&w, 5), 0);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		setenv("WATCHDOG_USEC", nonsense[i], 1);
		pst_notify_watchdog_init(&w);
		cr_assert_eq(w.period_ns, 0, "\"%s\"", nonsense[i]);
	}
	setenv("WATCHDOG_USEC", "1000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	pst_notify_watchdog_init(&w);
	cr_assert_eq(w.period_ns, 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	pst_notify_watchdog_init(&w);
	cr_assert_eq(w.period_ns, 500000);
}
