// SPDX-License-Identifier: Apache-2.0
#include "proxy/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The status of a child that was confined and then called BODY. */
static int confined(int (*body)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		if (pst_confine())
			_exit(100);
		_exit(body());
	}
	waitpid(pid, &status, 0);
	return status;
}

static bool is_refused(long r)
{
	return r < 0 && errno == EPERM;
}

/* Each returns 0 when it went as it should, else the number of what did not. */
static int what_is_forbidden(void)
{
	char name[] = "true", *const argv[] = {name, NULL};

	if (!is_refused(socket(AF_INET, SOCK_STREAM, 0)))
		return 1;
	if (!is_refused(execve("/bin/true", argv, argv)))
		return 2;
	if (!is_refused(fork()))
		return 3;
	if (!is_refused(open("/dev/null", O_WRONLY)))
		return 4;
	if (!is_refused(open("/tmp/postern-must-not-be", O_RDONLY | O_CREAT, 0600)))
		return 5;
	if (!is_refused(ptrace(PTRACE_ATTACH, 1, NULL, NULL)))
		return 6;
	if (!is_refused(kill(getpid(), 0)))
		return 7;
	if (!is_refused(unlink("/nowhere")))
		return 8;
	if (!is_refused(chmod("/nowhere", 0777)))
		return 9;
	return is_refused(memfd_create("x", 0)) ? 0 : 10;
}

static int what_is_needed(void)
{
	char byte;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd < 0)
		return 1;
	if (read(fd, &byte, 1) != 1)
		return 2;
	if (code == MAP_FAILED)
		return 3;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) ? 4 : 0;
}

static int an_abort(void)
{
	abort();
}

Test(confine, nothing_can_be_made_run_or_watched)
{
	cr_assert_eq(confined(what_is_forbidden), 0);
}

Test(confine, what_is_given_can_be_used)
{
	cr_assert_eq(confined(what_is_needed), 0);
}

Test(confine, an_abort_still_ends_it)
{
	int status = confined(an_abort);

	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGABRT);
}
