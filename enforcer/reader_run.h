/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The process that reads files: policies, inventories, a bundle, whatever strangers have put into
 * them. It watches, parses, merges and compiles, and tells the daemon what is to be in force
 * (enforcer/reader.h). It runs the same program as the daemon, from its beginning, so that nothing
 * of the daemon's memory is in it, and has
 *
 *	- no capability but CAP_DAC_READ_SEARCH, if the daemon has that: files of others are read
 *	- of descriptors its socket and the standard ones, of which only stderr leads somewhere: to
 *	  the daemon, which tells each line as the reader's
 *	- the system calls of pst_confine_reader(), and never more (no_new_privs)
 *	- of the file system, where the kernel has Landlock, the directories that hold what its
 *	  paths lead to, to read (enforcer/land.h); it knows them before it reads anything. When the
 *	  paths lead elsewhere, or a directory is another one, it ends, and the next one knows these
 *
 * It ends with the daemon, and before everything else when memory is short.
 */

#include "enforcer/options.h"
#include "enforcer/reader.h"

/* The first word of its command line, before the daemon's own. */
#define PST_READER_WORD "--reader"

/* A job of enforcer/starter.h; ARG is the daemon's options. */
void pst_reader_be(void *arg, const int *fds, size_t n);

/* A pst_reader_start_fn of enforcer/reader.h; ARG is the starter that knows this job. */
int pst_reader_start(void *arg, struct pst_reader_process *ret_process);

/* That process: an exit status. */
int pst_reader_run(const struct pst_options *opts);
