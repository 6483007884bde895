// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a file to lint, by the rules of one of the versions of Cilium, and the findings in
 * every format. Every finding must have a rule of the table, a place inside the file, and a text.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lint/lint.h"
#include "lint/report.h"
#include "policy/policy.h"

static void check_finding(const struct pst_finding *f, size_t n_lines)
{
	assert(f->rule && strcmp(f->rule->id, "unlisted"));
	assert(f->message && *f->message);
	assert(f->pos.line <= n_lines && f->pos.end_line <= n_lines);
	assert(f->pos.line < f->pos.end_line ||
	       (f->pos.line == f->pos.end_line && f->pos.col <= f->pos.end_col));
}

/*
 * SARIF holds the whole table of rules, whatever was found: nine tenths of the time of an input
 * went there. So one input in sixteen is written as SARIF too; by its bytes, so that a crash
 * happens again.
 */
static bool is_written_as(const struct pst_lint_format *format, const uint8_t *data, size_t size)
{
	uint32_t hash = 2166136261;

	if (strcmp(format->name, "sarif"))
		return true;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 16777619;
	return (hash >> 28) == 0;
}

static void write_formats(const struct pst_lint_result *result, const uint8_t *data, size_t size)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const struct pst_lint_report report = {.result = result, .out = out};

	assert(out);
	for (const struct pst_lint_format *f = pst_lint_formats; f->name; f++)
		assert(!is_written_as(f, data, size) || !f->write(&report));
	fclose(out);
	free(text);
}

/* The linter reads files: this one never reaches a disk. */
static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("lint", MFD_CLOEXEC);

	assert(fd >= 0);
	assert(write(fd, data, size) == (ssize_t)size);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned int versions = PST_CILIUM_NEWEST - PST_CILIUM_OLDEST + 1;
	char path[64];
	const char *paths[] = {path};
	const struct pst_lint_options options = {
		.paths = paths,
		.n_paths = 1,
		.cilium_minor = PST_CILIUM_OLDEST + (unsigned int)(size % versions),
		.features = (unsigned int)(size / versions % 4),
	};
	struct pst_lint_result *result = NULL;
	size_t n_lines = 1;
	int fd = file_of(data, size);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < size; i++)
		n_lines += data[i] == '\n';
	assert(!pst_lint_run(&options, &result));
	for (size_t i = 0; i < result->n; i++)
		check_finding(&result->findings[i], n_lines);
	write_formats(result, data, size);
	pst_lint_result_free(&result);
	close(fd);
	return 0;
}
