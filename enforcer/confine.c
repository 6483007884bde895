// SPDX-License-Identifier: Apache-2.0
#include "enforcer/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
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

enum { CAPS_VERSION_3 = 0x20080522, TELL_MS = 1000 };

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

/*
 * Of fcntl(2) nothing that says who is to get signals: the kernel sends them, of any number, to any
 * process that root may kill.
 */
static const struct pst_calls_rule in_common[] = {
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_DUPFD)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_DUPFD_CLOEXEC)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_GETFD)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_SETFD)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_GETFL)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_SETFL)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_GET_SEALS)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_ADD_SEALS)},
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

	return pst_calls_keep(lists, sizeof(lists) / sizeof(*lists), true);
}

/* ---- who has rights, and reads nothing that strangers wrote ---- */

/* The network: its sockets and namespaces. */
static const int of_network[] = {
	SCMP_SYS(bind),	    SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),	   SCMP_SYS(setsockopt),
};

/* To send is not to connect. */
static const struct pst_calls_rule in_network[] = {
	{SCMP_SYS(sendmsg), PST_CALLS_MASKED(2, MSG_FASTOPEN, 0)},
	{SCMP_SYS(sendto), PST_CALLS_MASKED(3, MSG_FASTOPEN, 0)},
	{SCMP_SYS(socket), PST_CALLS_IS(0, AF_INET)},
	{SCMP_SYS(socket), PST_CALLS_IS(0, AF_INET6)},
	{SCMP_SYS(setns), PST_CALLS_IS(1, CLONE_NEWNET)},
};

static const struct pst_calls_rule in_elements[] = {
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_LOOKUP_ELEM)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_UPDATE_ELEM)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_DELETE_ELEM)},
};

static const int of_helper[] = {SCMP_SYS(connect)};

static const struct pst_calls_rule in_helper[] = {
	{SCMP_SYS(ioctl), PST_CALLS_IS(1, SIOCGSKNS)},
	{SCMP_SYS(openat),
	 PST_CALLS_MASKED(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)}, /* its namespace */
};

int pst_confine_helper(void)
{
	static const struct pst_calls lists[] = {
		PST_CALLS(common, in_common),	      PST_CALLS(of_network, in_network),
		{.rules = in_elements, .n_rules = 3}, PST_CALLS(of_helper, in_helper),
		{.rules = data, .n_rules = 2},
	};

	return pst_calls_keep(lists, sizeof(lists) / sizeof(*lists), true);
}

static const int of_daemon[] = {
	/* those who ask, and what it waits for */
	SCMP_SYS(accept4),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(listen),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(shutdown),
	SCMP_SYS(socketpair),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(timerfd_settime),
	/* files: what is pinned, exports, the socket that goes with it, /proc and /sys */
	SCMP_SYS(access),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(flock),
	SCMP_SYS(fstatfs),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(rmdir),
	SCMP_SYS(statfs),
	SCMP_SYS(statx),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(umask),
	/* itself, and those it has started */
	SCMP_SYS(geteuid),
	SCMP_SYS(getuid),
	SCMP_SYS(uname),
	SCMP_SYS(wait4),
};

/*
 * What root may connect to or write to, starts programs for it: a service manager's socket, or the
 * memory of another process, which is a file, too. And a program of the kernel's that is linked to
 * the right place writes there as well. So the daemon connects to nobody, opens no file to write,
 * and has others link (enforcer/errand.h).
 */
static const struct pst_calls_rule in_daemon[] = {
	{SCMP_SYS(openat), PST_CALLS_MASKED(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)},
	{SCMP_SYS(socket), PST_CALLS_IS(0, AF_UNIX)},
	{SCMP_SYS(socket), PST_CALLS_IS(0, AF_NETLINK)},
	{SCMP_SYS(kill), PST_CALLS_IS(1, SIGKILL)},
	{SCMP_SYS(ioctl), PST_CALLS_IS(1, TCGETS)}, /* stdio: is this a terminal? */
	{SCMP_SYS(prlimit64), PST_CALLS_IS(0, 0)},
	{SCMP_SYS(fcntl), PST_CALLS_IS(1, F_SETPIPE_SZ)}, /* of what the proxy has judged */
	/* the maps, and programs for devices and for namespaces that come */
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_CREATE)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_GET_NEXT_KEY)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_LOOKUP_BATCH)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_UPDATE_BATCH)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_DELETE_BATCH)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_MAP_FREEZE)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_PROG_LOAD)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_PROG_BIND_MAP)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_PROG_GET_FD_BY_ID)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_BTF_LOAD)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_OBJ_GET)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_OBJ_GET_INFO_BY_FD)},
	{SCMP_SYS(bpf), PST_CALLS_IS(0, BPF_OBJ_PIN)},
};

int pst_confine_daemon(void)
{
	static const struct pst_calls lists[] = {
		PST_CALLS(common, in_common),	      PST_CALLS(of_network, in_network),
		{.rules = in_elements, .n_rules = 3}, PST_CALLS(of_daemon, in_daemon),
		{.rules = data, .n_rules = 2},
	};

	return pst_calls_keep(lists, sizeof(lists) / sizeof(*lists), false);
}

uint64_t pst_confine_refused(void)
{
	int last;

	return pst_calls_refused(&last);
}

void pst_confine_tell(uint64_t now_ms)
{
	static uint64_t told, again_ms;
	pst_auto_free char *name = NULL;
	int last;
	const uint64_t n = pst_calls_refused(&last);

	if (n == told || now_ms < again_ms)
		return;
	told = n;
	again_ms = now_ms + TELL_MS;
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, last);
	pst_log(PST_LOG_ERROR,
		"system call %d (%s) was refused, which is not on the daemon's list: %" PRIu64
		" until now; what it was for has failed",
		last, name ? name : "unknown", n);
}
