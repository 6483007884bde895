/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which bytes may stand in a YAML text: UTF-8 (RFC 3629) without control characters, as YAML 1.1
 * section 4.1 has it. Looked for before libyaml sees the text, because libyaml reads ahead and
 * would lose the documents between the place it has got to and the bad byte.
 */

#include <stddef.h>

enum pst_utf8_fault {
	PST_UTF8_NONE,
	PST_UTF8_INVALID, /* no character of UTF-8 */
	PST_UTF8_CONTROL, /* a character that YAML does not allow */
	PST_UTF8_NUL,	  /* the byte 0, the sign of a binary file */
};

/*
 * The offset of the first byte at or behind FROM, where a character begins, that must not stand in
 * TEXT; LEN when there is none. The reason goes to *RET_FAULT.
 */
size_t pst_utf8_find_fault(const char *text, size_t len, size_t from,
			   enum pst_utf8_fault *ret_fault);
