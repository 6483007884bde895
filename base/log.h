/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Logging to stderr: for what happens to the program. What is wrong with somebody's input is a
 * diagnostic (base/diag.h). The place that knows the cause logs once and returns in one expression:
 *
 *	return pst_log_err(-errno, "cannot open %s", path);
 *
 * which prints "posternd: error: cannot open x: No such file or directory". Layers above do not log
 * again. A message is one line: control bytes in it are shown escaped (base/escape.h).
 */

enum pst_log_level {
	PST_LOG_ERROR,
	PST_LOG_WARNING,
	PST_LOG_INFO,
	PST_LOG_DEBUG,
};

/*
 * NAME (static) starts each line, unless it is empty; messages above LEVEL are not shown. Default:
 * "postern", INFO. From now on stderr is written line by line, not byte by byte: others may write
 * to the same file.
 */
void pst_log_init(const char *name, enum pst_log_level level);

void pst_log(enum pst_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Logs an error, with the text of the negative errno ERR appended when it is not 0; returns ERR. */
int pst_log_err(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
