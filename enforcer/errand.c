// SPDX-License-Identifier: Apache-2.0
#include "enforcer/errand.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "enforcer/wire.h"

enum { LINKER_FDS = 3, LIMIT_S = 5 };

/* Who has not come back in time is ended, and not waited for: it may hang on a dead disk. */
static void end(pid_t pid, int result)
{
	if (result == -ETIMEDOUT) {
		kill(pid, SIGKILL);
		return;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int take_result(int from)
{
	struct pst_wire w;
	int fd = -1;
	int r = pst_wire_recv(from, 0, &w, &fd);

	if (r)
		return r == -EAGAIN ? -ETIMEDOUT : r;
	if (w.error < 0) {
		pst_cleanup_fd(&fd);
		return w.error;
	}
	return fd < 0 ? -EPROTO : fd;
}

int pst_errand_run(struct pst_starter *s, enum pst_start what, const int *fds, size_t n)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	int pair[2], all[PST_START_FDS], r;
	pst_auto_fd int ours = -1;
	pid_t pid = 0;

	if (n >= PST_START_FDS)
		return -EINVAL;
	r = pst_wire_pair(pair);
	if (r)
		return r;
	ours = pair[0];
	setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	all[0] = pair[1];
	if (n)
		memcpy(all + 1, fds, n * sizeof(*fds));
	r = pst_starter_run(s, what, all, n + 1, &pid);
	close(pair[1]);
	if (r)
		return r;
	r = take_result(ours);
	end(pid, r);
	return r;
}

void pst_errand_end(int to, int result)
{
	const struct pst_wire w = {.error = result < 0 ? result : 0};

	_exit(pst_wire_send(to, &w, result) ? 1 : 0);
}

static int attach(int prog, int netns)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int link;

	if (bpf_obj_get_info_by_fd(prog, &info, &len))
		return -errno;
	if (info.type != BPF_PROG_TYPE_SK_LOOKUP)
		return -EPERM;
	link = bpf_link_create(prog, netns, BPF_SK_LOOKUP, NULL);
	return link < 0 ? -errno : link;
}

void pst_errand_be_linker(void *arg, const int *fds, size_t n)
{
	(void)arg;
	if (n != LINKER_FDS)
		_exit(1);
	pst_errand_end(fds[0], attach(fds[1], fds[2]));
}
