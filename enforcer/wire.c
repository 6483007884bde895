// SPDX-License-Identifier: Apache-2.0
#include "enforcer/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { ROOM = 16 << 20 };

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int pst_wire_pair(int ret_fds[2])
{
	const int room = ROOM;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds))
		return -errno;
	/* Without the right to exceed the system's limit there is less room, and more EAGAIN. */
	for (int i = 0; i < 2; i++)
		setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	return 0;
}

int pst_wire_pair_oneway(int ret_fds[2])
{
	int fds[2], r = pst_wire_pair(fds);

	if (r)
		return r;
	if (shutdown(fds[0], SHUT_RD) || fcntl(fds[0], F_SETFL, O_NONBLOCK)) {
		r = -errno;
		close(fds[0]);
		close(fds[1]);
		return r;
	}
	memcpy(ret_fds, fds, sizeof(fds));
	return 0;
}

int pst_wire_send(int fd, const struct pst_wire *w, int pass)
{
	union control control = {.bytes = {0}};
	struct iovec iov = {.iov_base = (void *)w, .iov_len = sizeof(*w)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (pass >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(pass));
		memcpy(CMSG_DATA(c), &pass, sizeof(pass));
	}
	do {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/*
 * The one descriptor that came, or -1. There is room for a second one, because control data ends at
 * a multiple of eight: whoever sends two makes no message, and leaves nothing open here.
 */
static int passed(struct msghdr *msg, bool *ret_is_one)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fds[2] = {-1, -1};

	*ret_is_one = true;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	*ret_is_one = fds[1] < 0;
	pst_cleanup_fd(&fds[1]);
	return fds[0];
}

int pst_wire_recv(int fd, int flags, struct pst_wire *ret_w, int *ret_pass)
{
	union control control = {.bytes = {0}};
	struct pst_wire w = {0};
	struct iovec iov = {.iov_base = &w, .iov_len = sizeof(w)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	bool is_one;
	ssize_t n;
	int pass;

	do {
		n = recvmsg(fd, &msg, flags | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	pass = passed(&msg, &is_one);
	/* A descriptor may be lost for want of a free one: then the message is none either. */
	if (n != sizeof(w) || !is_one || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		if (pass >= 0)
			close(pass);
		return n ? -EPROTO : -EPIPE; /* nothing is the end, or looks like it */
	}
	*ret_w = w;
	*ret_pass = pass;
	return 0;
}

/* The kernel cuts nothing that is smaller than PIPE_BUF: who writes a part is hostile. */
int pst_wire_write(int fd, const struct pst_wire *w)
{
	ssize_t n;

	do {
		n = write(fd, w, sizeof(*w));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == sizeof(*w) ? 0 : -EIO;
}

int pst_wire_read(int fd, struct pst_wire *ret_w)
{
	struct pst_wire w;
	ssize_t n;

	do {
		n = read(fd, &w, sizeof(w));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != sizeof(w))
		return n ? -EPROTO : -EPIPE;
	*ret_w = w;
	return 0;
}
