/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the generators of completion share: one for each shell, all from the table of verbs.
 *
 * The scripts hold the whole table, so that a key press starts no program.
 */

#include "cli/usage.h"

#include <stdbool.h>
#include <stdio.h>

/* Is the value of O the name of a file? */
bool pst_completion_is_file(const struct pst_cli_option *o);

/* Writes what the value of O may be, separated by blanks; nothing when any text may stand there. */
void pst_completion_put_words(const struct pst_cli_option *o, FILE *out);
bool pst_completion_has_words(const struct pst_cli_option *o);

/* TEXT with a backslash before each of the characters SPECIAL. */
void pst_completion_put_escaped(const char *text, const char *special, FILE *out);

void pst_completion_bash(FILE *out);
void pst_completion_zsh(FILE *out);
void pst_completion_fish(FILE *out);
