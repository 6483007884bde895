/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What of the file system a process may still open (Landlock). A list of system calls says whether
 * files can be opened; this says which.
 *
 * Kernels have it from 5.13 on, and can be built or started without. Then nothing changes: whoever
 * asks for it tells (pst_land_version()).
 */

#include <stddef.h>

/* Which Landlock the kernel has; 0: none, or it is not allowed. As found by the first call. */
int pst_land_version(void);

/*
 * From now on this process, which must have one thread, opens no files and directories but PATHS
 * and what is beneath them, and these to read. What has no path (sockets, memory, namespaces by
 * /proc) is as before, and so is what is open. PATHS that cannot be opened are left out. The newer
 * the kernel, the more goes with it: ioctl(2) of devices, abstract Unix sockets, signals to others.
 *
 * Never taken back. Needs no_new_privs. 0, also where there is no Landlock; or -errno, logged, and
 * nothing has changed.
 */
int pst_land_keep(const char *const *paths, size_t n);
