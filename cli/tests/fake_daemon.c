// SPDX-License-Identifier: Apache-2.0
#include "cli/tests/fake_daemon.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/client.h"

static void serve(int listener, const char *dir, const char *answer)
{
	char request[256], path[128];
	int fd = accept(listener, NULL, NULL);
	ssize_t n = read(fd, request, sizeof(request));
	FILE *f;

	snprintf(path, sizeof(path), "%s/asked", dir);
	f = fopen(path, "w");
	if (f && n > 0) {
		fwrite(request, 1, (size_t)n, f);
		fclose(f);
	}
	for (size_t at = 0, len = strlen(answer); at < len; at += (size_t)n) {
		n = write(fd, answer + at, len - at);
		if (n <= 0)
			break;
	}
	close(fd);
	_exit(0);
}

void fake_daemon_start(struct fake_daemon *d, const char *answer)
{
	struct sockaddr_un at;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*d = (struct fake_daemon){.dir = "/tmp/postern-fake-XXXXXX"};
	cr_assert_not_null(mkdtemp(d->dir));
	snprintf(d->socket, sizeof(d->socket), "%s/sock", d->dir);
	cr_assert_eq(pst_client_address(d->socket, &at), 0);
	cr_assert_eq(bind(listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(listener, 1), 0);
	d->pid = fork();
	if (!d->pid)
		serve(listener, d->dir, answer);
	close(listener);
}

void fake_daemon_stop(struct fake_daemon *d)
{
	char path[128];
	FILE *f;
	struct sockaddr_un at;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Where nobody has asked he still waits: somebody comes who says nothing. */
	cr_assert_eq(pst_client_address(d->socket, &at), 0);
	(void)connect(fd, (const struct sockaddr *)&at, sizeof(at));
	close(fd);
	waitpid(d->pid, NULL, 0);
	snprintf(path, sizeof(path), "%s/asked", d->dir);
	f = fopen(path, "r");
	if (f) {
		d->asked[fread(d->asked, 1, sizeof(d->asked) - 1, f)] = '\0';
		fclose(f);
	}
	unlink(path);
	unlink(d->socket);
	rmdir(d->dir);
}
