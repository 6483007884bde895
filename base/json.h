/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A streaming JSON writer: no tree, no allocation, commas and escaping done right.
 *
 *	struct pst_json j;
 *	pst_json_init(&j, stdout);
 *	pst_json_object(&j, NULL);
 *	pst_json_str(&j, "verdict", "deny");
 *	pst_json_end(&j);
 *	r = pst_json_finish(&j);
 *
 * KEY is NULL inside an array and for the outermost value. Bytes that are not UTF-8 are written as
 * U+FFFD and control characters as \u escapes, so the output is always valid JSON, and safe to look
 * at, whatever an attacker put on the wire. Nesting is at most 31 deep: deeper is a programming
 * error. Write errors are kept and returned by pst_json_finish().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pst_json {
	FILE *out;
	unsigned int depth;
	uint32_t has_item; /* bit per level: something was written there */
	uint32_t is_array; /* bit per level */
};

void pst_json_init(struct pst_json *j, FILE *out);
void pst_json_object(struct pst_json *j, const char *key);
void pst_json_array(struct pst_json *j, const char *key);
void pst_json_end(struct pst_json *j); /* closes the innermost object or array */
void pst_json_str(struct pst_json *j, const char *key, const char *value); /* NULL: null */
void pst_json_strn(struct pst_json *j, const char *key, const char *value, size_t len);
void pst_json_u64(struct pst_json *j, const char *key, uint64_t value);
void pst_json_i64(struct pst_json *j, const char *key, int64_t value);
void pst_json_bool(struct pst_json *j, const char *key, bool value);
void pst_json_null(struct pst_json *j, const char *key);

/* Ends the line and flushes; 0 or -EIO. */
int pst_json_finish(struct pst_json *j);
