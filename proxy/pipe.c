// SPDX-License-Identifier: Apache-2.0
#include "proxy/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A pipe counts pages, and segments of a network fill theirs by a third. */
enum { PIPE_BYTES = 256 * 1024 };

void pst_pipe_init(struct pst_pipe *p)
{
	*p = (struct pst_pipe){.held = 0};
	if (!pipe2(p->fd, O_CLOEXEC | O_NONBLOCK))
		fcntl(p->fd[1], F_SETPIPE_SZ, PIPE_BYTES);
}

void pst_pipe_fini(struct pst_pipe *p)
{
	if (pst_pipe_is_there(p)) {
		close(p->fd[0]);
		close(p->fd[1]);
	}
	*p = (struct pst_pipe){.held = 0};
}

ssize_t pst_pipe_fill(struct pst_pipe *p, int fd, size_t n)
{
	ssize_t r = splice(fd, NULL, p->fd[1], NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (r < 0)
		return -errno;
	p->held += (size_t)r;
	return r;
}

ssize_t pst_pipe_empty(struct pst_pipe *p, int fd)
{
	ssize_t r = splice(p->fd[0], NULL, fd, NULL, p->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (r < 0)
		return -errno;
	p->held -= (size_t)r;
	return r;
}

ssize_t pst_pipe_read(struct pst_pipe *p, char *at, size_t n)
{
	ssize_t r = read(p->fd[0], at, n < p->held ? n : p->held);

	if (r < 0)
		return -errno;
	p->held -= (size_t)r;
	return r;
}

void pst_pipe_drop(struct pst_pipe *p)
{
	char scratch[16 * 1024];

	while (p->held) {
		ssize_t r = pst_pipe_read(p, scratch, sizeof(scratch));

		/* The next connection must not find them. */
		if (r <= 0 && r != -EINTR)
			pst_pipe_fini(p);
	}
}
