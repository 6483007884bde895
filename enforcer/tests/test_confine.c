// SPDX-License-Identifier: Apache-2.0
#include "enforcer/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int (*body_fn)(void);

/* The exit status of a child that was confined and then called BODY; 200 + a signal. */
static int confined(int (*confine)(void), body_fn body)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		if (confine())
			_exit(100);
		_exit(body());
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 200 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool is_refused(long r)
{
	return r < 0 && errno == EPERM;
}

static long bpf(int command)
{
	return syscall(SYS_bpf, command, NULL, 0);
}

static bool is_executable_refused(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED &&
	       errno == EPERM;
}

/* Each returns 0 when it went as it should, else the number of what did not. */
static int what_nobody_with_rights_may(void)
{
	char name[] = "true", *const argv[] = {name, NULL};

	if (!is_refused(execve("/bin/true", argv, argv)))
		return 1;
	if (!is_refused(fork()))
		return 2;
	if (!is_refused(ptrace(PTRACE_ATTACH, 1, NULL, NULL)))
		return 3;
	if (!is_executable_refused())
		return 4;
	if (!is_refused(socket(AF_PACKET, SOCK_RAW, 0)))
		return 5;
	if (!is_refused(unshare(CLONE_NEWNET)))
		return 6;
	if (!is_refused(setns(0, CLONE_NEWNS)) || !is_refused(setns(0, 0)))
		return 7;
	if (!is_refused(kill(getppid(), SIGTERM)))
		return 8;
	if (!is_refused(bpf(BPF_LINK_DETACH)) || !is_refused(bpf(BPF_PROG_DETACH)) ||
	    !is_refused(bpf(BPF_LINK_UPDATE)) || !is_refused(bpf(BPF_PROG_ATTACH)))
		return 9;
	if (!is_refused(fcntl(0, F_SETOWN, getppid())) || !is_refused(fcntl(0, F_SETSIG, SIGKILL)))
		return 10;
	if (!is_refused(sendto(0, "x", 1, MSG_FASTOPEN, NULL, 0)))
		return 11;
	if (!is_refused(syscall(SYS_tgkill, getppid(), getppid(), SIGABRT)))
		return 13;
	return is_refused(chmod("/nowhere", 0777)) ? 0 : 12;
}

/* What runs programs for root, for who connects to its socket or writes into its memory. */
static int how_the_daemon_would_have_others_run_something(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || !is_refused(connect(fd, NULL, 0)))
		return 1;
	if (!is_refused(open("/proc/self/mem", O_RDWR)) ||
	    !is_refused(open("/proc/self/mem", O_WRONLY | O_CREAT, 0600)) ||
	    !is_refused(open("/proc/self/mem", O_WRONLY | O_EXCL)))
		return 2;
	return is_refused(bpf(BPF_LINK_CREATE)) ? 0 : 3;
}

static int what_the_reader_may_not(void)
{
	if (!is_refused(socket(AF_UNIX, SOCK_STREAM, 0)) || !is_refused(kill(getppid(), 0)))
		return 1;
	if (!is_refused(open("/dev/null", O_WRONLY)))
		return 2;
	if (!is_executable_refused())
		return 3;
	if (!is_refused(syscall(SYS_tgkill, getppid(), getppid(), SIGABRT)))
		return 5; /* the end of the daemon, and of what is PID 1 */
	return is_refused(fcntl(0, F_SETOWN, getppid())) ? 0 : 4;
}

static int what_the_helper_may_not(void)
{
	if (!is_refused(open("/dev/null", O_WRONLY)))
		return 1;
	if (!is_refused(unlink("/nowhere")))
		return 2;
	if (!is_refused(socket(AF_NETLINK, SOCK_RAW, 0)) ||
	    !is_refused(socket(AF_UNIX, SOCK_STREAM, 0)))
		return 3;
	if (!is_refused(bpf(BPF_PROG_LOAD)) || !is_refused(bpf(BPF_OBJ_GET)) ||
	    !is_refused(bpf(BPF_MAP_CREATE)))
		return 4;
	return is_refused(kill(getpid(), SIGKILL)) ? 0 : 5;
}

/* The call is made: what is wrong with it is something else. */
static bool is_made(long r)
{
	return r >= 0 || errno != EPERM;
}

static int what_the_helper_does(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), here = open("/proc/self/ns/net", O_RDONLY);

	if (fd < 0 || here < 0)
		return 1;
	if (!is_made(setns(fd, CLONE_NEWNET)))
		return 2;
	return is_made(bpf(BPF_MAP_LOOKUP_ELEM)) ? 0 : 3;
}

static int what_the_daemon_does(void)
{
	char dir[64], file[80], other[80];
	int fd;

	snprintf(dir, sizeof(dir), "/tmp/postern-confine-%d", getpid());
	snprintf(file, sizeof(file), "%s/a", dir);
	snprintf(other, sizeof(other), "%s/b", dir);
	if (mkdir(dir, 0700))
		return 1;
	fd = memfd_create("x", MFD_CLOEXEC);
	if (fd < 0 || rename(file, other) != -1 || errno != ENOENT || !unlink(other) || rmdir(dir))
		return 2;
	if (socket(AF_NETLINK, SOCK_RAW, 0) < 0 || socket(AF_UNIX, SOCK_DGRAM, 0) < 0)
		return 3;
	if (!is_made(bpf(BPF_PROG_LOAD)) || !is_made(bpf(BPF_MAP_UPDATE_BATCH)))
		return 4;
	if (dup3(fd, 50, O_CLOEXEC) != 50)
		return 5;
	return kill(getpid(), SIGKILL) ? 6 : 7; /* which it does not live to return */
}

static int what_is_refused_is_counted(void)
{
	if (pst_confine_refused())
		return 1;
	if (!is_refused(chmod("/nowhere", 0777)) || !is_refused(unshare(CLONE_NEWNS)))
		return 2;
	return pst_confine_refused() == 2 ? 0 : 3;
}

/* The line of a refusal is written when their number is a power of two. */
static int what_is_refused_is_told(void)
{
	char text[512] = "", expected[512] = "";
	int fds[2];

	if (pipe2(fds, O_NONBLOCK) || dup2(fds[1], STDERR_FILENO) < 0 ||
	    prctl(PR_SET_NAME, "postern-x") || pst_confine_helper())
		return 1;
	for (int i = 0; i < 7; i++)
		if (!is_refused(chmod("/nowhere", 0777)))
			return 2;
	for (size_t i = 0, n = 0; i < 3; i++)
		n += (size_t)snprintf(
			expected + n, sizeof(expected) - n,
			"postern-x: system call %d was refused, which is not on its list\n",
			SYS_chmod);
	return read(fds[0], text, sizeof(text) - 1) > 0 && !strcmp(text, expected) ? 0 : 3;
}

static int nothing(void)
{
	return 0;
}

/* ARG: two pairs of descriptors. */
static void *waits(void *arg)
{
	const int *fds = arg;
	char byte = 'x';

	/* What a thread calls to begin is not what is tested. Then until the process is confined.
	 */
	if (write(fds[3], &byte, 1) != 1 || read(fds[0], &byte, 1) != 1)
		return NULL;
	return is_refused(unlink("/nowhere")) ? arg : NULL;
}

static int a_thread_that_was_there(void)
{
	pthread_t thread;
	void *result = NULL;
	int fds[4];
	char byte;

	if (pipe(fds) || pipe(fds + 2) || pthread_create(&thread, NULL, waits, fds) ||
	    read(fds[2], &byte, 1) != 1 || pst_confine_helper() || write(fds[1], "x", 1) != 1 ||
	    pthread_join(thread, &result))
		return 1;
	return result ? 0 : 2;
}

static int an_abort(void)
{
	abort();
}

#if defined(__x86_64__)
/* getpid, which is on the list, as programs of 32 bits call it (20), and as those of x32. */
static int as_32_bits(void)
{
	long r = 20;

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
	return 0;
}

static int as_x32(void)
{
	syscall(0x40000000 + SYS_getpid);
	return 0;
}

Test(confine, calls_by_another_architecture_end_the_process)
{
	int (*const all[])(void) = {pst_confine_daemon, pst_confine_helper, pst_confine_reader};
	const bool has_32_bits = !confined(nothing, as_32_bits); /* kernels can be without */

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (has_32_bits)
			cr_expect_eq(confined(all[i], as_32_bits), 200 + SIGSYS);
		cr_expect_eq(confined(all[i], as_x32), 200 + SIGSYS);
	}
}
#endif

Test(confine, a_refusal_is_told_by_number_and_not_each_time)
{
	cr_expect_eq(confined(nothing, what_is_refused_is_told), 0);
}

Test(confine, threads_that_were_there_before_are_confined_too)
{
	cr_expect_eq(confined(nothing, a_thread_that_was_there), 0);
}

Test(confine, the_daemon_reaches_nobody_who_would_run_a_program_for_it)
{
	cr_expect_eq(confined(pst_confine_daemon, how_the_daemon_would_have_others_run_something),
		     0);
}

Test(confine, the_reader_reaches_nobody)
{
	cr_expect_eq(confined(pst_confine_reader, what_the_reader_may_not), 0);
}

Test(confine, neither_the_daemon_nor_the_helper_makes_processes_or_takes_what_judges_away)
{
	cr_expect_eq(confined(pst_confine_daemon, what_nobody_with_rights_may), 0);
	cr_expect_eq(confined(pst_confine_helper, what_nobody_with_rights_may), 0);
}

Test(confine, the_helper_writes_no_file_and_loads_no_program)
{
	cr_expect_eq(confined(pst_confine_helper, what_the_helper_may_not), 0);
}

Test(confine, the_helper_has_sockets_namespaces_and_elements)
{
	if (geteuid())
		cr_skip_test("needs root");
	cr_expect_eq(confined(pst_confine_helper, what_the_helper_does), 0);
}

Test(confine, the_daemon_goes_on_doing_what_it_does)
{
	if (geteuid())
		cr_skip_test("needs root");
	cr_expect_eq(confined(pst_confine_daemon, what_the_daemon_does), 200 + SIGKILL);
}

Test(confine, a_refused_call_of_the_daemon_fails_and_is_counted)
{
	cr_expect_eq(confined(pst_confine_daemon, what_is_refused_is_counted), 0);
}

Test(confine, an_abort_still_ends_each_of_them)
{
	cr_expect_eq(confined(pst_confine_daemon, an_abort), 200 + SIGABRT);
	cr_expect_eq(confined(pst_confine_helper, an_abort), 200 + SIGABRT);
	cr_expect_eq(confined(pst_confine_reader, an_abort), 200 + SIGABRT);
}
