/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the reports of `postern lint` go.
 *
 * --format and -o are paired in their order; one --format without -o, and the file "-", are
 * standard output, which at most one report can have.
 */

#include "cli/usage.h"
#include "lint/report.h"

struct cli_output {
	const struct pst_lint_format *format;
	const char *file; /* "-": standard output */
};

enum { CLI_OUTPUTS_MAX = 16 };

struct cli_outputs {
	struct cli_output v[CLI_OUTPUTS_MAX];
	size_t n;
};

/* 0, or -EINVAL after a usage error. */
int cli_outputs_parse(const struct pst_cli_args *args, struct cli_outputs *ret_outputs);

/* Writes to FILE what WRITE says. */
struct cli_file {
	const char *file;
	int (*write)(const void *ctx, FILE *out); /* 0 or a negative errno */
	const void *ctx;
};

/*
 * Whoever reads the file sees the old one or the new one, never a half of it, and an error leaves
 * the old one. What is there and is no regular file (a pipe, /dev/null) is written directly.
 * 0 or a negative errno, which has been logged.
 */
int cli_file_write(const struct cli_file *f);
