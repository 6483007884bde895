/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The only file that knows whether it is compiled for BPF or natively.
 *
 * The core (dfa.h, http.h, judge.h, follow.h) uses what is defined here and nothing else:
 * fixed-width integers, PST_INLINE and PST_SUBPROG for functions, pst_loop() for loops that the
 * verifier shall see once, and struct pst_src with pst_src_load() for the bytes to be judged.
 */

#include <linux/types.h>

#ifdef __bpf__

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PST_INLINE	       static __always_inline

/*
 * A function that the verifier proves once, for all arguments, instead of at every call: the
 * recogniser's actions alone would cost the budget of a million instructions otherwise. Its pointer
 * arguments may be NULL for all that the verifier knows, and must be tested; what they point to is
 * numbers to it, and it comes back as unknown numbers. What it returns is unknown, too.
 */
#define PST_SUBPROG	       __weak __attribute__((noinline))

/* A callback of pst_loop(), one copy of it. */
#define PST_CALLBACK	       static __attribute__((noinline))

/*
 * A step with a stack frame of its own. A chain of calls has 512 bytes of stack, and 6.1 counts
 * callbacks of bpf_loop into it: what such a step needs must not lie below the recogniser.
 */
#define PST_OUTLINE	       static __attribute__((noinline))

/*
 * Makes the compiler forget what it knows about VAR, so that a mask right behind stays a mask in
 * the instruction stream ("invalid access to map value ... unbounded memory access").
 */
#define pst_opaque(var)	       asm volatile("" : "+r"(var))

/* INDEX, which the caller knows to be within MASK and the verifier does not. */
#define pst_index(index, mask) ((index) & (mask))

/* Runs FN(index, CTX) until it returns 1 or N times. */
#define pst_loop(n, fn, ctx)   bpf_loop((n), (fn), (ctx), 0)

#define PST_UNROLL	       _Pragma("unroll")

/* Keeps a loop a loop: a small frame is worth more there. */
#define PST_NO_UNROLL	       _Pragma("clang loop unroll(disable)")

/* The bytes of WORD, as they lie in memory, with the first one highest. */
#define pst_be64(word)	       bpf_be64_to_cpu(word)

/* Eight bytes at P, which need not be aligned. */
#define pst_load64(p)	       (*(const __u64 *)(p))

#else

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define PST_INLINE   static inline
#define PST_SUBPROG  static inline
#define PST_CALLBACK static inline
#define PST_OUTLINE  static inline
#define PST_UNROLL
#define PST_NO_UNROLL

#define pst_opaque(var) ((void)(var))

#define pst_index(index, mask)            \
	({                                \
		__u32 index_ = (index);   \
		assert(index_ <= (mask)); \
		index_;                   \
	})

#define pst_be64(word) be64toh(word)

static inline __u64 pst_load64(const void *p)
{
	__u64 word;

	memcpy(&word, p, sizeof(word));
	return word;
}

#define pst_loop(n, fn, ctx)                        \
	({                                          \
		__u32 i_ = 0, n_ = (n);             \
		while (i_ < n_ && !(fn)(i_, (ctx))) \
			i_++;                       \
	})

#endif

/* Sequence numbers compare by signed distance (RFC 9293 section 3.4). */
PST_INLINE __s32 pst_seq_diff(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}
