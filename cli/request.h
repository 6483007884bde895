/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A request written out as the bytes that a client would send.
 *
 * The parts are joined as they are, so that the judge sees what would be on the wire; only what
 * would end a line (CR, LF) is refused, because then the parts would not be the parts any more:
 * such bytes are a matter of
 * --raw. Without a host the request is HTTP/1.0, which need not have one.
 */

#include "cli/usage.h"

#include <stddef.h>

struct pst_request_parts {
	const char *method;		      /* NULL: GET */
	const char *path;		      /* NULL: / */
	const char *host;		      /* NULL: no Host field */
	const struct pst_cli_strings *fields; /* "Name: value" */
};

/*
 * 0 with the bytes (to be freed) and their length; -EINVAL with *RET_WHY, a static sentence;
 * -ENOMEM.
 */
int pst_request_write(const struct pst_request_parts *r, char **ret_bytes, size_t *ret_len,
		      const char **ret_why);
