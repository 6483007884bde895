// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/told.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

#define NAME "fuzz: "

/* Only where there is a sanitizer, whose reports are not to be lost. */
extern void __sanitizer_set_report_fd(void *fd) __attribute__((weak));

static int told_fd = -1, real_stderr = -1;

static void open_once(void)
{
	if (told_fd >= 0)
		return;
	pst_log_init("fuzz", PST_LOG_INFO);
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 256);
	told_fd = memfd_create("told", MFD_CLOEXEC);
	if (real_stderr < 0 || told_fd < 0)
		abort();
	if (__sanitizer_set_report_fd)
		__sanitizer_set_report_fd((void *)(intptr_t)real_stderr);
}

void fuzz_told_begin(void)
{
	open_once();
	fflush(stderr);
	if (ftruncate(told_fd, 0) || lseek(told_fd, 0, SEEK_SET) ||
	    dup2(told_fd, STDERR_FILENO) < 0)
		abort();
}

static void restore(void)
{
	fflush(stderr);
	dup2(real_stderr, STDERR_FILENO);
}

_Noreturn void fuzz_told_fail(const char *what, const char *file, int line)
{
	if (real_stderr >= 0)
		restore();
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

/* Control bytes, those of C1 in UTF-8 included. */
static bool is_harmless(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f ||
		    (c == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] < 0xa0))
			return false;
	}
	return true;
}

static void count(struct fuzz_told *told, const char *text, size_t n)
{
	size_t best = SIZE_MAX;

	FUZZ_CHECK(is_harmless(text, n));
	FUZZ_CHECK(n >= strlen(NAME) && !memcmp(text, NAME, strlen(NAME)));
	text += strlen(NAME);
	n -= strlen(NAME);
	for (size_t i = 0; i < told->n_prefixes; i++) {
		const size_t len = strlen(told->prefixes[i]);

		if (len <= n && !memcmp(text, told->prefixes[i], len) &&
		    (best == SIZE_MAX || len > strlen(told->prefixes[best])))
			best = i;
	}
	FUZZ_CHECK(best < sizeof(told->n) / sizeof(*told->n));
	told->n[best]++;
}

void fuzz_told_end(struct fuzz_told *told)
{
	off_t size;
	char *text;

	restore();
	size = lseek(told_fd, 0, SEEK_END);
	text = malloc((size_t)size + 1);
	FUZZ_CHECK(text && pread(told_fd, text, (size_t)size, 0) == size);
	text[size] = '\0';
	for (char *at = text, *nl; *at; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(text + size - at));
		FUZZ_CHECK(nl);
		count(told, at, (size_t)(nl - at));
	}
	free(text);
}

int fuzz_open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}
