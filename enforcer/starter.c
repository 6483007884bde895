// SPDX-License-Identifier: Apache-2.0
#include "enforcer/starter.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/confine.h"

enum { ANSWER_S = 5 };

struct pst_starter {
	int fd;
	pid_t pid;
};

struct question {
	uint32_t what, n;
};

struct answer {
	int32_t error, pid;
};

union control {
	char bytes[CMSG_SPACE(PST_START_FDS * sizeof(int))];
	struct cmsghdr align;
};

/* ---- the starter ---- */

/* A fork whose child is the daemon's. */
static pid_t fork_beside(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* The descriptors of one question; how many. */
static size_t passed(struct msghdr *msg, int fds[PST_START_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t n;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	return n;
}

static int receive(int fd, struct question *ret_q, int fds[PST_START_FDS], size_t *ret_n)
{
	union control control = {.bytes = {0}};
	struct iovec iov = {.iov_base = ret_q, .iov_len = sizeof(*ret_q)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -EPIPE;
	*ret_n = passed(&msg, fds);
	return n != sizeof(*ret_q) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
			       *ret_n != ret_q->n || ret_q->what >= PST_START_MAX
		       ? -EPROTO
		       : 0;
}

static struct answer start(const struct pst_start_job *job, const int *fds, size_t n)
{
	pid_t pid = fork_beside();

	if (!pid) {
		job->run(job->arg, fds, n);
		_exit(1);
	}
	return (struct answer){.error = pid < 0 ? -errno : 0, .pid = pid};
}

static void serve(const struct pst_start_job jobs[PST_START_MAX], int fd)
{
	for (;;) {
		int fds[PST_START_FDS];
		size_t n = 0;
		struct question q = {.what = 0};
		int r = receive(fd, &q, fds, &n);
		struct answer a = {.error = r};

		if (r && r != -EPROTO)
			return;
		if (!r)
			a = start(&jobs[q.what], fds, n);
		while (n)
			close(fds[--n]);
		if (send(fd, &a, sizeof(a), MSG_NOSIGNAL) != sizeof(a))
			return;
	}
}

/* Signals to all processes of the service are for the daemon; whoever is started opens them. */
static void be_starter(const struct pst_start_job jobs[PST_START_MAX], int fd)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "postern-starter");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || pst_confine_caps(PST_CAPS_STARTER))
		_exit(1);
	serve(jobs, fd);
	_exit(0);
}

/* ---- the daemon ---- */

/* It has nothing to do that takes longer. */
static void limit(int fd)
{
	const struct timeval t = {.tv_sec = ANSWER_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* An answer that comes too late would be taken for the next one: there is no next one. */
static int give_up(const struct pst_starter *s, int r)
{
	if (r == -EAGAIN) {
		shutdown(s->fd, SHUT_RDWR);
		return -ETIMEDOUT;
	}
	return r;
}

int pst_starter_open(const struct pst_start_job jobs[PST_START_MAX],
		     struct pst_starter **ret_starter)
{
	struct pst_starter *s = pst_mem_calloc(1, sizeof(*s));
	int fds[2];

	if (!s)
		return -ENOMEM;
	*s = (struct pst_starter){.fd = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
		pst_starter_close(&s);
		return pst_log_err(-errno, "cannot talk to the starter of processes");
	}
	s->fd = fds[0];
	limit(s->fd);
	s->pid = fork();
	if (!s->pid) {
		close(fds[0]);
		be_starter(jobs, fds[1]);
	}
	close(fds[1]);
	if (s->pid < 0) {
		const int r = -errno;

		pst_starter_close(&s);
		return pst_log_err(r, "cannot start the starter of processes");
	}
	*ret_starter = s;
	return 0;
}

void pst_starter_close(struct pst_starter **s)
{
	if (!*s)
		return;
	pst_cleanup_fd(&(*s)->fd);
	if ((*s)->pid > 0) {
		kill((*s)->pid, SIGKILL); /* it may have been stopped */
		waitpid((*s)->pid, NULL, 0);
	}
	free(*s);
	*s = NULL;
}

static int ask(int fd, const struct question *q, const int *fds)
{
	union control control = {.bytes = {0}};
	struct iovec iov = {.iov_base = (void *)q, .iov_len = sizeof(*q)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	ssize_t n;

	if (q->n) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(q->n * sizeof(*fds));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(q->n * sizeof(*fds));
		memcpy(CMSG_DATA(c), fds, q->n * sizeof(*fds));
	}
	do {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int pst_starter_run(struct pst_starter *s, enum pst_start what, const int *fds, size_t n,
		    pid_t *ret_pid)
{
	const struct question q = {.what = what, .n = (uint32_t)n};
	struct answer a;
	ssize_t got;
	int r = n <= PST_START_FDS ? ask(s->fd, &q, fds) : -EINVAL;

	if (r)
		return give_up(s, r);
	do {
		got = recv(s->fd, &a, sizeof(a), 0);
	} while (got < 0 && errno == EINTR);
	if (got != sizeof(a))
		return got < 0 ? give_up(s, -errno) : -EPIPE;
	if (!a.error)
		*ret_pid = a.pid;
	return a.error;
}

int pst_starter_fd(const struct pst_starter *s)
{
	return s->fd;
}
