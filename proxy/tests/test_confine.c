// SPDX-License-Identifier: Apache-2.0
#include "proxy/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/calls.h"

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
	if (!is_refused(open("/etc/hostname", O_RDONLY)) || !is_refused(open("/proc", O_PATH)))
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

/* A socket that listened, or lost its connection, is one that can be connected. */
static int to_go_elsewhere(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {
		.msg_name = &at, .msg_namelen = sizeof(at), .msg_iov = &iov, .msg_iovlen = 1};
	socklen_t len = sizeof(at);
	int ours = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);

	if (listen(ours, 1) || bind(other, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(other, 1) || getsockname(other, (struct sockaddr *)&at, &len) || pst_confine())
		return 1;
	if (shutdown(ours, SHUT_RD))
		return 2;
	if (!is_refused(sendto(ours, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&at, len)) ||
	    !is_refused(sendmsg(ours, &msg, MSG_FASTOPEN)))
		return 3;
	if (!is_refused(listen(ours, 1)) || !is_refused(connect(ours, (struct sockaddr *)&at, len)))
		return 4;
	return sendto(ours, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&at, len) < 0 && errno == EPIPE
		       ? 0
		       : 5;
}

static int to_signal_others(void)
{
	if (!is_refused(fcntl(0, F_SETOWN, getppid())) || !is_refused(fcntl(0, F_SETSIG, SIGKILL)))
		return 1;
	if (!is_refused(syscall(SYS_tgkill, getppid(), getppid(), SIGABRT)))
		return 3;
	return is_refused(fcntl(0, F_SETFL, 0)) ? 0 : 2;
}

static int given;

static int what_is_needed(void)
{
	char byte;
	int fd = given;
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

static pthread_barrier_t confined_by_now;

/* Memory of a thread's own becomes less, as that of a worker does. */
static void *take_and_give(void *unused)
{
	void *held[64];

	pthread_barrier_wait(&confined_by_now);
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
		held[i] = calloc(1, 64 * 1024);
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
		free(held[i]);
	return unused;
}

/* How many calls were refused. */
static int work_in_a_thread(void)
{
	pthread_t thread;
	int last;

	if (pthread_barrier_init(&confined_by_now, NULL, 2) ||
	    pthread_create(&thread, NULL, take_and_give, NULL) || pst_confine())
		return 100;
	pthread_barrier_wait(&confined_by_now);
	pthread_join(thread, NULL);
	return (int)pst_calls_refused(&last);
}

static int an_abort(void)
{
	abort();
}

Test(confine, nothing_can_be_made_run_or_watched)
{
	cr_assert_eq(confined(what_is_forbidden), 0);
}

Test(confine, no_socket_goes_anywhere_but_where_it_is_connected)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		_exit(to_go_elsewhere());
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0, "step %d", WEXITSTATUS(status));
}

Test(confine, a_descriptor_neither_signals_others_nor_changes_how_it_writes)
{
	cr_assert_eq(confined(to_signal_others), 0);
}

Test(confine, the_memory_of_a_thread_needs_no_file)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		_exit(work_in_a_thread());
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0, "%d calls were refused", WEXITSTATUS(status));
}

Test(confine, what_is_given_can_be_used)
{
	given = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(confined(what_is_needed), 0);
}

Test(confine, an_abort_still_ends_it)
{
	int status = confined(an_abort);

	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGABRT);
}
