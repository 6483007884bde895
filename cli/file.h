/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files that options name and that are not policies (policy/load.h reads those).
 *
 * Nothing waits for somebody who may never come: what is read is a regular file, a pipe of a
 * shell's (base/input.h) or, as "-", standard input, and a pipe is written to only when it has a
 * reader.
 */

#include "base/vec.h"

#include <stddef.h>
#include <stdio.h>

/*
 * Opens PATH for reading. 0; or -EISDIR, -EINVAL for what else is no regular file, or the errno of
 * open(), which has been logged.
 */
int cli_file_open(const char *path, FILE **ret_in);

/* Closes what cli_file_open() has opened, but for standard input. NULL is nothing. */
void cli_file_close(FILE *in);

enum { CLI_LINE_MAX = 16 << 20 };

struct cli_line PST_VEC(char);

/*
 * The next line of IN, number NUMBER of the file called NAME, without its end: 1, or 0 behind the
 * last one. -EFBIG for a line above CLI_LINE_MAX (getline() would go on to the end of the memory),
 * -ENOMEM, or what read() says; that has been logged. The caller frees LINE, also after a failure.
 */
int cli_file_read_line(FILE *in, const char *name, size_t number, struct cli_line *line);

/*
 * Opens PATH, a device or a pipe that is there, for writing: a descriptor that waits. -ENXIO for a
 * pipe without a reader, or the errno of open(), which has been logged.
 */
int cli_file_open_device(const char *path);
