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

Test(notify, the_state_reaches_an_abstract_socket)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char name[64], got[64];
	int len = snprintf(name, sizeof(name), "@postern-test-%d", (int)getpid());

	memcpy(addr.sun_path + 1, name + 1, (size_t)len - 1);
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
		     0);
	setenv("NOTIFY_SOCKET", name, 1);
	cr_assert_eq(pst_notify("READY=1"), 0);
	cr_assert_eq(recv(fd, got, sizeof(got), MSG_DONTWAIT), 7);
	cr_assert_eq(memcmp(got, "READY=1", 7), 0);
	close(fd);
}
