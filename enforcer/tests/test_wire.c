// SPDX-License-Identifier: Apache-2.0
#include "enforcer/wire.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void open_pair(int fds[2])
{
	cr_assert_eq(pst_wire_pair(fds), 0);
}

Test(wire, a_message_comes_as_it_was_sent)
{
	const struct pst_wire sent = {.kind = PST_WIRE_DONE, .id = 7, .error = -EINVAL};
	struct pst_wire got = {0};
	int fds[2], pass = 0;

	open_pair(fds);
	cr_assert_eq(pst_wire_send(fds[0], &sent, -1), 0);
	cr_assert_eq(pst_wire_recv(fds[1], 0, &got, &pass), 0);
	cr_expect_eq(memcmp(&sent, &got, sizeof(sent)), 0);
	cr_expect_eq(pass, -1);
}

Test(wire, a_descriptor_comes_with_it_and_is_closed_on_exec)
{
	const struct pst_wire sent = {.kind = PST_WIRE_LEG};
	struct pst_wire got;
	int fds[2], pipes[2], pass = -1;
	char c = 0;

	open_pair(fds);
	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(pst_wire_send(fds[0], &sent, pipes[1]), 0);
	close(pipes[1]);
	cr_assert_eq(pst_wire_recv(fds[1], 0, &got, &pass), 0);
	cr_assert_eq(fcntl(pass, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(write(pass, "x", 1), 1);
	cr_assert_eq(read(pipes[0], &c, 1), 1);
	cr_expect_eq(c, 'x');
}

Test(wire, nothing_there_and_the_end_are_different_answers)
{
	struct pst_wire got;
	int fds[2], pass = -1;

	open_pair(fds);
	cr_expect_eq(pst_wire_recv(fds[1], MSG_DONTWAIT, &got, &pass), -EAGAIN);
	close(fds[0]);
	cr_expect_eq(pst_wire_recv(fds[1], MSG_DONTWAIT, &got, &pass), -EPIPE);
	cr_expect_eq(pst_wire_send(fds[1], &got, -1), -EPIPE);
}

Test(wire, what_has_another_length_is_no_message)
{
	struct pst_wire got = {.id = 5};
	char bytes[sizeof(got) + 1] = {0};
	int fds[2], pass = -1;

	open_pair(fds);
	cr_assert_gt(send(fds[0], bytes, sizeof(got) - 1, 0), 0);
	cr_assert_gt(send(fds[0], bytes, sizeof(bytes), 0), 0);
	cr_expect_eq(pst_wire_recv(fds[1], 0, &got, &pass), -EPROTO);
	cr_expect_eq(pst_wire_recv(fds[1], 0, &got, &pass), -EPROTO);
	cr_expect_eq(got.id, 5);
}

/* It looks like the end of who has sent it. */
Test(wire, a_descriptor_that_comes_with_nothing_is_closed)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct msghdr msg = {.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct pst_wire got;
	int fds[2], pipes[2], pass = -1;
	char byte;

	open_pair(fds);
	cr_assert_eq(pipe(pipes), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), (int[]){pipes[1], pipes[1]}, 2 * sizeof(int));
	cr_assert_eq(sendmsg(fds[0], &msg, 0), 0);
	close(pipes[1]);
	cr_assert_eq(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
	cr_expect_eq(pst_wire_recv(fds[1], 0, &got, &pass), -EPIPE);
	cr_expect_eq(read(pipes[0], &byte, 1), 0, "somebody still has the other end");
}

/* The receiver has no descriptor left: what should have come with the message is lost. */
Test(wire, a_message_that_lost_its_descriptor_is_none)
{
	const struct pst_wire sent = {.kind = PST_WIRE_LEG};
	struct pst_wire got;
	int fds[2], pass = -1, last = -1;

	open_pair(fds);
	cr_assert_eq(pst_wire_send(fds[0], &sent, fds[0]), 0);
	for (int fd = dup(0); fd >= 0; fd = dup(0))
		last = fd;
	cr_expect_eq(pst_wire_recv(fds[1], 0, &got, &pass), -EPROTO);
	close(last);
}

/* How many descriptors are open, below 64. */
static int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* COUNT copies of standard input with one message. */
static void send_many(int to, int count)
{
	struct pst_wire w = {.kind = PST_WIRE_LEG};
	struct iovec iov = {.iov_base = &w, .iov_len = sizeof(w)};
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	/* All zero: standard input, COUNT times. */
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	cr_assert_gt(sendmsg(to, &msg, 0), 0);
}

/* Who sends more than is read could otherwise fill the receiver's table of descriptors. */
Test(wire, several_descriptors_are_no_message_and_none_stays_open)
{
	struct pst_wire got;
	int fds[2], pass = -1, before;

	open_pair(fds);
	before = count_open();
	for (int n = 2; n <= 4; n++) {
		send_many(fds[0], n);
		cr_expect_eq(pst_wire_recv(fds[1], 0, &got, &pass), -EPROTO, "%d", n);
		cr_expect_eq(count_open(), before, "%d", n);
	}
	cr_expect_eq(pass, -1);
}

Test(wire, who_does_not_read_keeps_nobody_waiting)
{
	const struct pst_wire w = {.kind = PST_WIRE_FORGET};
	int fds[2], sent = 0, r;

	cr_assert_eq(pst_wire_pair_oneway(fds), 0);
	while (!(r = pst_wire_send(fds[0], &w, -1)))
		sent++;
	cr_expect_eq(r, -EAGAIN);
	cr_expect_gt(sent, 100);
}

Test(wire, the_other_end_of_one_way_can_send_nothing_and_its_descriptors_stay_its_own)
{
	const struct pst_wire w = {.kind = PST_WIRE_DONE};
	struct pst_wire got;
	int fds[2], pass = -1;

	cr_assert_eq(pst_wire_pair_oneway(fds), 0);
	cr_expect_eq(pst_wire_send(fds[1], &w, -1), -EPIPE);
	cr_expect_eq(pst_wire_send(fds[1], &w, fds[1]), -EPIPE);
	cr_expect_eq(pst_wire_send(fds[0], &w, fds[0]), 0);
	cr_assert_eq(pst_wire_recv(fds[1], 0, &got, &pass), 0);
	cr_expect_geq(pass, 0);
}

Test(wire, through_a_pipe_comes_a_whole_message_or_none)
{
	const struct pst_wire sent = {.kind = PST_WIRE_DONE, .id = 7};
	struct pst_wire got = {0};
	int fds[2];

	cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
	cr_expect_eq(pst_wire_read(fds[0], &got), -EAGAIN);
	cr_expect_eq(pst_wire_write(fds[1], &sent), 0);
	cr_expect_eq(pst_wire_read(fds[0], &got), 0);
	cr_expect_eq(memcmp(&sent, &got, sizeof(sent)), 0);
	cr_expect_eq(write(fds[1], &sent, sizeof(sent) - 1), (ssize_t)sizeof(sent) - 1);
	cr_expect_eq(pst_wire_read(fds[0], &got), -EPROTO);
	close(fds[1]);
	cr_expect_eq(pst_wire_read(fds[0], &got), -EPIPE);
}
