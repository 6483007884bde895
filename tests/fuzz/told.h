/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is logged while a fuzzer runs an input, so that it can be compared: stderr is a file in
 * memory between begin and end. What ends the fuzzer meanwhile still shows: it asserts by
 * FUZZ_CHECK.
 */

#include <stddef.h>

/* PREFIXES: how a line may begin behind the program's name. Others are no lines of ours. */
struct fuzz_told {
	const char *const *prefixes;
	size_t n_prefixes;
	size_t n[16]; /* lines of each prefix; what no longer prefix stands before counts */
};

void fuzz_told_begin(void);

/* Ends the fuzzer when there is another line, or one with bytes that a terminal obeys. */
void fuzz_told_end(struct fuzz_told *told);

/* Ends the fuzzer, visibly. */
_Noreturn void fuzz_told_fail(const char *what, const char *file, int line);

#define FUZZ_CHECK(x) ((x) ? (void)0 : fuzz_told_fail(#x, __FILE__, __LINE__))

/* How many descriptors below 256 are open. */
int fuzz_open_descriptors(void);
