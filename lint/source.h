/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lines of the files that were linted: for the line under a finding and for fingerprints.
 *
 * What was read is kept up to a total of 16 MiB; other files are read again when a line of theirs
 * is asked for. Standard input cannot be read again and is kept whatever its size.
 */

#include <stddef.h>

struct pst_sources;

/* NULL when there is no memory. */
struct pst_sources *pst_sources_new(void);
void pst_sources_free(struct pst_sources **s);

/* Notes that FILE ("<stdin>": standard input) was read, and its text. 0 or -ENOMEM. */
int pst_sources_add(struct pst_sources *s, const char *file, const char *text, size_t len);

/*
 * Line LINE (from 1) of FILE without its end (\n or \r\n). Returns its start and stores its length;
 * NULL when there is no such line or the file cannot be read any more. Valid until the next call.
 */
const char *pst_sources_line(struct pst_sources *s, const char *file, unsigned int line,
			     size_t *ret_len);
