/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What rules do to the header fields of a request (ADD, DELETE and REPLACE of headerMatches).
 *
 * The actions run one after the other, each on what the ones before it left. One whose header is as
 * the rule wants it (its lines trimmed and joined are the value; without a value: it is there) does
 * nothing. Otherwise
 *
 *	ADD	appends a line with the value
 *	DELETE	takes all lines of the field away
 *	REPLACE	does both: one line with the value is left
 *
 * and ADD and REPLACE without a value have nothing to write: they change nothing, and REPLACE does
 * not delete. What is changed is read by both parsers again before it is sent (proxy/request.h).
 */

#include "base/vec.h"
#include "compiler/bundle.h"

#include <stddef.h>

struct pst_text_vec PST_VEC(char);

/*
 * A copy of the head BYTES in OUT, which is cleared first, with the ACTIONS done to it. 0; -ENOMEM;
 * -EINVAL when an action is none.
 */
int pst_rewrite(const char *bytes, size_t len, const struct pst_bundle_header *const *actions,
		size_t n_actions, struct pst_text_vec *out);
