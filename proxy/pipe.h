/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bytes from one socket to another without a copy: by splice(2), through a pipe that the
 * connections of a thread use in turns. It is empty in between: what the other socket does not take
 * is read out of it again.
 *
 * The pages may be ones that their sender can still change. So nothing goes this way that is
 * judged or framed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pst_pipe {
	int fd[2];   /* to be read, to be written; zeros: there is none */
	size_t held; /* bytes in it */
};

/* Without descriptors there is none, and everything is copied. */
void pst_pipe_init(struct pst_pipe *p);
void pst_pipe_fini(struct pst_pipe *p);

static inline bool pst_pipe_is_there(const struct pst_pipe *p)
{
	return p->fd[1] > 0;
}

/* Up to N bytes of socket FD go in. How many; 0 at the end of the stream; or -errno. */
ssize_t pst_pipe_fill(struct pst_pipe *p, int fd, size_t n);

/* What is in it goes to socket FD, as far as that takes it. How many bytes went; or -errno. */
ssize_t pst_pipe_empty(struct pst_pipe *p, int fd);

/* Reads up to N bytes out of it, to AT. How many; or -errno. */
ssize_t pst_pipe_read(struct pst_pipe *p, char *at, size_t n);

/* Throws away what is in it. */
void pst_pipe_drop(struct pst_pipe *p);
