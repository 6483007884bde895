/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Patterns for paths, as in .postern.yaml and behind --exclude.
 *
 * `*` stands for any bytes of one name, `?` for one of them, `[a-z]` and `[!a-z]` for one of a set,
 * and a name `**` for any number of directories, none included. Everything else stands for itself;
 * a
 * `[` that is not closed does too. A pattern that matches a directory covers all that is below it.
 * Nothing is implied: a pattern without a slash means a name at the top, and `**` in front of it
 * the same at any depth.
 *
 * Matching takes at most the product of both lengths, whatever the pattern.
 */

#include <stdbool.h>

/* Does PATTERN match PATH, or a directory above it? A leading "./" of the pattern counts nothing.
 */
bool pst_glob_matches(const char *pattern, const char *path);
