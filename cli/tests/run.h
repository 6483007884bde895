/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Runs a verb as the shell would, with both outputs caught.
 */

#include <stddef.h>

struct run {
	int status;
	char *out, *err; /* NUL-terminated; freed by run_fini() */
};

/* WORDS is the command line behind "postern", without quoting: words are separated by one blank. */
struct run run_words(const char *words);

/* The same from a list that ends with NULL. */
struct run run_list(const char *const *words);

void run_fini(struct run *r);

/* Asserts the status and that each output holds the text (NULL: is empty). */
void expect_run(const char *words, int status, const char *out, const char *err);

/* The same of several command lines that begin alike. */
struct expected {
	const char *words; /* behind those of all */
	int status;
	const char *out, *err;
};

void expect_each(const char *prefix, const struct expected *cases, size_t n);

/* Writes TEXT into a file of the test's own; returns its path, which stays valid until the next
 * call. */
const char *write_temp(const char *name, const char *text, size_t len);
