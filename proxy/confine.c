// SPDX-License-Identifier: Apache-2.0
#include "proxy/confine.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>

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

int pst_confine(void)
{
	static const struct pst_calls list = PST_CALLS(allowed, rules);

	tzset(); /* the C library opens a file the first time that somebody asks for a date */
	return pst_calls_keep(&list, 1, true);
}
