/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Does membership in a sockhash change what an application is told about its own socket?
 *
 * Courtesy mode puts client sockets into a sockhash with an sk_msg program. On some kernels that
 * alone makes ioctl(FIONREAD) return 0 while bytes wait to be read, and applications that ask
 * before they read stall (kernel-facts 2.6). The defect came and went in point releases of several
 * series, so no version number tells; it has to be tried.
 *
 * The trial: a TCP connection over 127.0.0.1 whose one end is put into a sockhash with a program
 * that lets everything pass; a hundred bytes are sent each way; both ends are asked. The end
 * outside the map is the control: if it is not told a hundred either, the trial says nothing.
 */

enum { PST_FIONREAD_BYTES = 100 };

struct pst_fionread {
	int member;  /* what the socket in the map is told */
	int outside; /* what the socket outside is told */
};

/* 0, or why the trial could not be made: -EPERM, -ENETUNREACH (no loopback), -ETIMEDOUT, ... */
int pst_fionread_try(struct pst_fionread *ret_told);
