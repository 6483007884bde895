/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files and directories as texts.
 *
 * A path is "-" (standard input, called "<stdin>"), a regular file, taken as it is, or a directory,
 * walked recursively in the order of names: files that end in .yaml, .yml or .json. Names that
 * start with a dot are passed over (a mounted ConfigMap keeps its generations in such directories);
 * symbolic links are followed. Devices and FIFOs are refused without waiting for them. A pipe of a
 * shell's, as <(command), is read where it is named and nobody is asked what has changed
 * (base/input.h).
 *
 * A file's size is looked at before it is read, and no more than PST_YAML_MAX_SIZE bytes are ever
 * held. Links can make a small tree look endless: at most PST_LOAD_MAX_DIRS directories are walked.
 *
 * Mistakes are diagnostics: file-missing, file-unreadable, file-too-large, no-files,
 * directory-loop, too-many-directories. One of them does not keep the other files from being read,
 * but makes the whole call fail.
 */

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>

enum { PST_LOAD_MAX_DIRS = 100000 };

/* Whether a file of this name, found in a directory, is read. */
bool pst_load_is_ours(const char *name);

struct pst_load_file {
	const char *name; /* lives as long as the call of TAKE */
	const char *text;
	size_t len;
	bool by_name; /* given as a path, not found in a directory */
};

/* Takes one file; 0 to go on, a negative errno to stop. */
typedef int (*pst_load_take)(void *ctx, const struct pst_load_file *file);

/*
 * Returns 0, the error with which TAKE has stopped, -ENOMEM, or after a diagnostic the first of:
 * -ENOENT for a path that does not exist or a directory without files, -E2BIG for a file above
 * PST_YAML_MAX_SIZE or too many directories, -EINVAL for what is no regular file, -ELOOP, or the
 * errno of what could not be read.
 */
int pst_load_paths(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		   pst_load_take take, void *ctx);

struct stat;

/* Who need not see again what has not changed. */
struct pst_load_visitor {
	pst_load_take take;
	/*
	 * NULL, or: asked about each regular file before it is opened, with what stat() says of it.
	 * True: its text is not needed. It counts as a file that was found.
	 */
	bool (*knows)(void *ctx, const char *name, const struct stat *st);
	void *ctx;
};

/* Contract as pst_load_paths(). Standard input is always read. */
int pst_load_visit(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		   const struct pst_load_visitor *visitor);

/*
 * The regular file NAME once more, as it was found before (BY_NAME as then). Contract as
 * pst_load_paths(); it is not asked whether KNOWS.
 */
int pst_load_again(const char *name, bool by_name, struct pst_diags *diags,
		   const struct pst_load_visitor *visitor);
