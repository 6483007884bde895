/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text from outside on its way to a person.
 *
 * Policies, labels, file names and requests are written by others, and what is printed ends up in
 * terminals and logs. A byte that a terminal obeys could hide a finding, forge a line or worse. So
 * whatever is printed for people goes through here: UTF-8 text (RFC 3629: shortest form, no
 * surrogates) stays as it is; control characters, those of U+0080 to U+009F included, and bytes
 * that are not UTF-8 are shown as \xNN.
 */

#include <stddef.h>
#include <stdio.h>

/*
 * The length of the UTF-8 sequence that starts S (1 to 4), or 0 when there is none within LEFT
 * bytes. Reads nothing behind them; LEFT is at least 1.
 */
size_t pst_escape_utf8_len(const char *s, size_t left);

/* The same, but 0 also for a control character: whether the text may be shown as it is. */
size_t pst_escape_shown_len(const char *s, size_t left);

/* Writes LEN bytes of S for a person to read. */
void pst_escape_print(FILE *out, const char *s, size_t len);
