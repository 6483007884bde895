/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Golden requests of testdata/http; the form is described in the README there. */

#include <stdbool.h>
#include <stddef.h>

struct t_vector {
	char name[64];
	unsigned char *bytes; /* heap */
	size_t len;
	bool allow;	     /* everything passes, or has so far when unfinished */
	bool unfinished;     /* the bytes end inside a request */
	unsigned int passed; /* requests that pass whole */
	char reason[40];     /* "rule-matched" when allowed */
};

struct t_vectors {
	struct t_vector *v;
	size_t n;
};

/* Reads PATH; ends the test when it is not in the form. */
struct t_vectors t_vectors_load(const char *path);
void t_vectors_free(struct t_vectors *vectors);
