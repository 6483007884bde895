/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * RE2 behind a C interface: what the dialect is measured against. Tests and fuzzers only.
 */

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled pattern. Free with re2_oracle_free(). */
struct re2_oracle;

enum re2_oracle_verdict {
	RE2_ORACLE_OK,
	RE2_ORACLE_BAD,	      /* a mistake in the pattern */
	RE2_ORACLE_TOO_LARGE, /* beyond RE2's memory limit or its limit for counts */
};

struct re2_oracle *re2_oracle_new(const char *re, size_t len);
enum re2_oracle_verdict re2_oracle_verdict(const struct re2_oracle *o);

/* Does the pattern match all of TEXT? Only for RE2_ORACLE_OK. */
bool re2_oracle_match(const struct re2_oracle *o, const char *text, size_t len);

/*
 * The leftmost match in TEXT that begins at FROM or later: its first byte and the byte behind it.
 * False when there is none. Only for RE2_ORACLE_OK.
 */
bool re2_oracle_find(const struct re2_oracle *o, const char *text, size_t len, size_t from,
		     size_t *ret_begin, size_t *ret_end);

/* Does the pattern match one text only? What is a literal to RE2 does. Only for RE2_ORACLE_OK. */
bool re2_oracle_is_literal(const struct re2_oracle *o);
void re2_oracle_free(struct re2_oracle *o);

#ifdef __cplusplus
}
#endif
