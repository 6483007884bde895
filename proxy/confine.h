/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the proxy may still ask of the kernel, once it is managed: to use the descriptors that it is
 * given, memory and the time. It has no way to open or make files, to make sockets or processes, to
 * look at other processes, to signal them, or to run a program, whatever a stranger's bytes make it
 * do.
 *
 * What is not on the list fails with EPERM. It does not kill: a library's new version that tries
 * something else first then goes on as on a kernel that does not let it.
 */

/* For the rest of this process' life, all threads of it: they must be there already. 0, or -errno,
 * logged: nothing has changed. */
int pst_confine(void);
