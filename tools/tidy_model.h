/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What clang-tidy has to know about our errors; included in front of every file that it reads, and
 * by nothing else.
 *
 * The analyzer looks at one file at a time. It believes that a function of another file, called for
 * its error number, may return 0. Then `return pst_log_err(...)` is a success whose results were
 * never set, and each caller seems to use them. That is said here once, instead of switching off
 * the checks for uninitialized values.
 */

#include "base/diag.h"
#include "base/log.h"

/* ERR as it is, and never a success. */
static inline int tidy_failure(int err)
{
	if (err >= 0)
		__builtin_unreachable();
	return err;
}

#define pst_diags_error(...) tidy_failure(pst_diags_error(__VA_ARGS__))
#define pst_log_err(...)     tidy_failure(pst_log_err(__VA_ARGS__))
