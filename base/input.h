/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Opening what somebody has named to be read, without waiting for who may never come.
 *
 * A regular file is there. So is the other end of a pipe that has no name of its own: a shell has
 * begun it for this command, as "<(helm template .)" or "/dev/stdin". A FIFO may never get a
 * writer.
 */

#include <stdbool.h>
#include <sys/stat.h>

/*
 * A descriptor of PATH, which waits in read(), and what fstat() says of it; -EISDIR; -EINVAL for
 * what is neither a regular file nor, if PIPES, such a pipe; or -errno. Nothing is logged.
 */
int pst_input_open(const char *path, bool pipes, struct stat *ret_st);
