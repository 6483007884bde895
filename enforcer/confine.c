// SPDX-License-Identifier: Apache-2.0
#include "enforcer/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "enforcer/calls.h"

/* capget(2), version 3: two words for each of the three sets. */
struct caps {
	struct {
		uint32_t version;
		int pid; /* 0: this process */
	} header;
	struct {
		uint32_t effective, permitted, inheritable;
	} words[2];
};

enum { CAPS_VERSION_3 = 0x20080522 };

int pst_confine_caps(uint64_t keep)
{
	struct caps c = {.header = {.version = CAPS_VERSION_3}};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capget, &c.header, c.words))
		return pst_log_err(-errno, "cannot give up rights");
	for (int i = 0; i < 2; i++) {
		c.words[i].permitted &= (uint32_t)(keep >> (32 * i));
		c.words[i].effective = c.words[i].permitted;
		c.words[i].inheritable = 0;
	}
	return syscall(SYS_capset, &c.header, c.words)
		       ? pst_log_err(-errno, "cannot give up rights")
		       : 0;
}

/* What every process needs: memory, the time, signals, its own end, descriptors that are there. */
static const int common[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(newfstatat),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sysinfo),
	SCMP_SYS(write),
	SCMP_SYS(writev),
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(sigaltstack), /* of the tests' sanitizer, which dies without it */
#endif
};

static const int of_reader[] = {
	/* its socket, and what it waits for */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_rm_watch),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(timerfd_settime),
	/* files and directories */
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(statx),
	/* what it hands over */
	SCMP_SYS(ftruncate),
	SCMP_SYS(memfd_create),
};

/* abort() is a signal to itself. */
static const struct pst_calls_rule in_common[] = {
	{SCMP_SYS(tgkill), PST_CALLS_IS(2, SIGABRT)},
};

/* Memory that is not executable. */
static const struct pst_calls_rule data[] = {
	{SCMP_SYS(mmap), PST_CALLS_MASKED(2, PROT_EXEC, 0)},
	{SCMP_SYS(mprotect), PST_CALLS_MASKED(2, PROT_EXEC, 0)},
};

/* Never O_WRONLY, O_RDWR or O_CREAT. */
static const struct pst_calls_rule to_read[] = {
	{SCMP_SYS(openat), PST_CALLS_MASKED(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)},
};

int pst_confine_reader(void)
{
	static const struct pst_calls lists[] = {PST_CALLS(common, in_common),
						 PST_CALLS(of_reader, to_read),
						 {.rules = data, .n_rules = 2}};

	return pst_calls_keep(lists, sizeof(lists) / sizeof(*lists), SCMP_ACT_ERRNO(EPERM));
}
