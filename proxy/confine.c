// SPDX-License-Identifier: Apache-2.0
#include "proxy/confine.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/mem.h"
#include "enforcer/calls.h"

static const int allowed[] = {
	/* descriptors that are there */
	SCMP_SYS(accept4), SCMP_SYS(close), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait), SCMP_SYS(fstat), SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt), SCMP_SYS(lseek), SCMP_SYS(newfstatat), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(pread64), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(signalfd4),
	SCMP_SYS(splice), SCMP_SYS(write), SCMP_SYS(writev),
	/* memory: patterns are compiled to machine code */
	SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(mremap),
	SCMP_SYS(munmap), SCMP_SYS(sysinfo),
	/* itself */
	SCMP_SYS(clock_gettime), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex),
	SCMP_SYS(getpid), SCMP_SYS(getrandom), SCMP_SYS(gettid), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(sigaltstack), /* of the tests' sanitizer, which dies without it */
#endif
};

static const struct pst_calls_rule rules[] = {
	/*
	 * Sockets that it has, in the namespaces of pods, are for one connection each. With
	 * MSG_FASTOPEN, sending is connecting: one that is not connected any more would go
	 * anywhere.
	 */
	{SCMP_SYS(sendmsg), PST_CALLS_MASKED(2, MSG_FASTOPEN, 0)},
	{SCMP_SYS(sendto), PST_CALLS_MASKED(3, MSG_FASTOPEN, 0)},
	/* Not F_SETOWN, which is to send signals; nor F_SETFL, which is to write in the middle of
	 * verdicts that are appended. */
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_DUPFD_CLOEXEC)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_GETFD)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_SETFD)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_GETFL)},
};

/* Gives more memory back than the C library keeps of a thread that is not the first. */
static void *take_and_give(void *unused)
{
	void *held[32];
	const size_t n = sizeof(held) / sizeof(*held);

	for (size_t i = 0; i < n; i++)
		held[i] = pst_mem_calloc(1, 64 * 1024);
	for (size_t i = n; i-- > 0;)
		free(held[i]);
	return unused;
}

/*
 * The C library opens files the first time that somebody asks for a date, and that a thread's
 * memory becomes less (is memory overcommitted?). It shall have done so by now.
 */
static void open_what_is_opened_once(void)
{
	pthread_t thread;

	tzset();
	if (!pthread_create(&thread, NULL, take_and_give, NULL))
		pthread_join(thread, NULL);
}

int pst_confine(void)
{
	static const struct pst_calls list = PST_CALLS(allowed, rules);

	open_what_is_opened_once();
	return pst_calls_keep(&list, 1, true);
}
