// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *log_name = "postern";
static enum pst_log_level log_level = PST_LOG_INFO;

static const char *const level_words[] = {
	[PST_LOG_ERROR] = "error: ",
	[PST_LOG_WARNING] = "warning: ",
	[PST_LOG_INFO] = "",
	[PST_LOG_DEBUG] = "debug: ",
};

void pst_log_init(const char *name, enum pst_log_level level)
{
	static char line[8192];

	setvbuf(stderr, line, _IOLBF, sizeof(line));
	log_name = name;
	log_level = level;
}

static void log_va(enum pst_log_level level, int err, const char *fmt, va_list ap)
{
	char text[2048];

	if (level > log_level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	flockfile(stderr); /* threads do not mix their lines */
	fprintf(stderr, "%s%s%s", log_name, *log_name ? ": " : "", level_words[level]);
	pst_escape_print(stderr, text, strlen(text));
	if (err)
		fprintf(stderr, ": %s", strerror(-err));
	fputc('\n', stderr);
	funlockfile(stderr);
}

void pst_log(enum pst_log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(level, 0, fmt, ap);
	va_end(ap);
}

int pst_log_err(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_va(PST_LOG_ERROR, err, fmt, ap);
	va_end(ap);
	return err;
}
