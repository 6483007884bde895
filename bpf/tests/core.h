/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the tests of the core share: a policy compiled into a table, bytes that end at an unmapped
 * page, and the byte source that bpf/walk.h asks for. Each test file includes this and then the
 * core's headers.
 */

#include "bpf/abi.h"

#include <stddef.h>
#include <string.h>

struct pst_src {
	const unsigned char *bytes;
};

static inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	memcpy(buf, src->bytes + off, n);
	return 0;
}

/* The clock of the core, in microseconds: tests set it; 0: nobody wants to know. */
extern __u32 t_core_clock;

static inline __u32 pst_clock_us(const struct pst_src *src)
{
	(void)src;
	return t_core_clock;
}

/*
 * The table of testdata/http/policy.yaml, compiled once; ends the test when that fails.
 * *RET_RULESET is the rule set that frontend's requests to backend:8080 are judged by.
 */
const struct pst_table *t_core_table(__u32 *ret_ruleset);

/* The same of another policy for the demo's pods; once in a test. */
const struct pst_table *t_core_table_of(const char *policy, __u32 *ret_ruleset);

/* The bundle that t_core_table() is made of. */
struct pst_bundle;
const struct pst_bundle *t_core_bundle(void);

/* A copy of N bytes whose end is the end of a page, with nothing behind it. */
unsigned char *t_core_guarded(const void *bytes, size_t n);
void t_core_unguard(unsigned char *copy, size_t n);
