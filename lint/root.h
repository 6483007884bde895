/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where paths start: the directory that others count from.
 *
 * CI systems want paths relative to the top of the repository, whatever directory the linter ran
 * in and however the file was named; a fingerprint must not depend on either. So a path is made
 * absolute, its symbolic links are resolved, and what is below the base is told from there.
 */

struct pst_arena;

/*
 * The nearest directory at or above the current one that holds FILE, or NULL when none does. The
 * search ends behind a directory that holds ".git" and at "/". 0 or -ENOMEM or the error of
 * getcwd().
 */
int pst_root_search(struct pst_arena *a, const char *file, const char **ret_dir);

/* The top of the repository: where ".git" is, else the current directory. Errors as above. */
int pst_root_find(struct pst_arena *a, const char **ret_root);

/*
 * FILE seen from BASE, an absolute path without symbolic links. What is not below it keeps its
 * absolute path; a name in angle brackets ("<stdin>") stays as it is. A file that is not there is
 * told by its text alone. NULL when there is no memory.
 */
const char *pst_root_relative(struct pst_arena *a, const char *base, const char *file);

/* The directory of PATH, absolute and resolved; NULL when there is no memory. */
const char *pst_root_dir_of(struct pst_arena *a, const char *path);
