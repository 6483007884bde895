/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Giving up rights that a process does not need.
 *
 * System calls that are not on a list fail with EPERM. They do not kill: a library's new version
 * that tries something else first then goes on as on a kernel that does not let it.
 */

#include <stdint.h>

/*
 * Of what this process may do only the capabilities KEEP (1 << CAP_...) remain, as far as it has
 * them, and it never gets others again, not by running a program either (no_new_privs). 0 or
 * -errno, logged.
 */
int pst_confine_caps(uint64_t keep);

/*
 * The process that reads files (enforcer/reader_run.h): it may open files to read them, watch them,
 * and use what it has; never make a socket, a process or a file, run a program, or make memory
 * executable. 0 or -errno, logged.
 */
int pst_confine_reader(void);
