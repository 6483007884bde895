/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `postern test` writes: text for people, JSON for programs, JUnit XML for CI.
 */

#include "cli/test_run.h"

#include <stdio.h>

struct pst_test_report {
	const struct pst_test_outcome *outcomes;
	size_t n;
};

struct pst_test_totals {
	size_t tests, passed, failed;
	size_t errors; /* suites of which nothing could be judged */
};

struct pst_test_totals pst_test_totals(const struct pst_test_report *r);

struct pst_test_format {
	const char *name;
	int (*write)(const struct pst_test_report *r, FILE *out); /* 0 or a negative errno */
};

/* The format called NAME, or NULL. */
const struct pst_test_format *pst_test_format_find(const char *name);
