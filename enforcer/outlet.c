// SPDX-License-Identifier: Apache-2.0
#include "enforcer/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"

enum { BUFFER = 1 << 16 };

struct bytes PST_VEC(char);

struct pst_outlet {
	FILE *file;
	int fd; /* owned; -1: FILE waits */
	bool is_socket;
	bool is_spoilt;	   /* there was no memory for all of the line */
	struct bytes line; /* as far as it has come */
	struct bytes rest; /* what has not gone yet of one that was begun */
	uint64_t lost;
};

static int append(struct bytes *to, const char *v, size_t n)
{
	if (pst_vec_reserve(to, to->n + n))
		return -ENOMEM;
	memcpy(to->v + to->n, v, n);
	to->n += n;
	return 0;
}

/* Takes away what has gone. */
static void put(const struct pst_outlet *o, struct bytes *b)
{
	ssize_t r;

	do
		r = o->is_socket ? send(o->fd, b->v, b->n, MSG_DONTWAIT | MSG_NOSIGNAL)
				 : write(o->fd, b->v, b->n);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return;
	b->n -= (size_t)r;
	memmove(b->v, b->v + r, b->n);
}

/* Behind a line that was begun comes its end, or nothing. */
static void put_line(struct pst_outlet *o)
{
	const size_t whole = o->line.n;

	if (o->rest.n)
		put(o, &o->rest);
	if (!o->rest.n && !o->is_spoilt)
		put(o, &o->line);
	if (o->line.n < whole) {
		const struct bytes none = o->rest;

		o->rest = o->line;
		o->line = none;
	} else {
		o->lost++;
		o->line.n = 0;
	}
	o->is_spoilt = false;
}

/* Called by stdio. That nobody reads is no error of the stream. */
static ssize_t take(void *cookie, const char *v, size_t n)
{
	struct pst_outlet *o = cookie;
	const char *end;

	for (size_t at = 0, len; at < n; at += len) {
		end = memchr(v + at, '\n', n - at);
		len = end ? (size_t)(end + 1 - v) - at : n - at;
		if (append(&o->line, v + at, len))
			o->is_spoilt = true;
		if (end)
			put_line(o);
	}
	return (ssize_t)n;
}

/* The descriptor that does not wait, without changing that of others; -1: there is none. */
static int open_patient(int fd, bool *ret_is_socket)
{
	char name[32];
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	*ret_is_socket = S_ISSOCK(st.st_mode);
	if (*ret_is_socket)
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (!S_ISFIFO(st.st_mode))
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return open(name, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
}

int pst_outlet_open(int fd, struct pst_outlet **ret_outlet)
{
	static const cookie_io_functions_t functions = {.write = take};
	pst_cleanup(pst_outlet_close) struct pst_outlet *o = pst_mem_calloc(1, sizeof(*o));
	pst_auto_fd int own = -1;

	if (!o)
		return -ENOMEM;
	o->fd = open_patient(fd, &o->is_socket);
	if (o->fd < 0) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (own < 0)
			return -errno;
	}
	o->file = own < 0 ? fopencookie(o, "w", functions) : fdopen(own, "w");
	if (!o->file)
		return -ENOMEM;
	(void)PST_TAKE_FD(own); /* the file's */
	setvbuf(o->file, NULL, _IOFBF, BUFFER);
	*ret_outlet = PST_TAKE_PTR(o);
	return 0;
}

void pst_outlet_close(struct pst_outlet **outlet)
{
	struct pst_outlet *o = *outlet;

	if (!o)
		return;
	if (o->file)
		fclose(o->file);
	if (o->rest.n)
		put(o, &o->rest);
	pst_cleanup_fd(&o->fd);
	pst_vec_free(&o->line);
	pst_vec_free(&o->rest);
	free(o);
	*outlet = NULL;
}

FILE *pst_outlet_file(const struct pst_outlet *o)
{
	return o->file;
}

uint64_t pst_outlet_lost(const struct pst_outlet *o)
{
	return o->lost;
}
