#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The sum of check_stack.py over chains of calls, of made-up programs.

. "$(dirname "$0")/lib.sh"

# program MIDDLE LAST: three functions, the last a callback; the frames of two of them are given.
program() {
	sed -e "s/MIDDLE/$1/; s/LAST/$2/" >"$scratch/p.bpf.c" <<-'C'
		static long (*loop)(int n, void *fn, void *ctx, long flags) = (void *)181;
		static void (*use)(void *p) = (void *)6;
		__attribute__((noinline)) long last(int i, void *ctx)
		{
			char bytes[LAST];

			(void)i;
			use(bytes);
			use(ctx);
			return 0;
		}
		static __attribute__((noinline)) int middle(void *p)
		{
			char bytes[MIDDLE];

			use(bytes);
			loop(9, last, p, 0);
			return 1;
		}
		static __attribute__((noinline)) int aside(void *p)
		{
			char bytes[320];

			use(bytes);
			use(p);
			return 2;
		}
		__attribute__((section("cgroup_skb/ingress"))) int first(void *ctx)
		{
			char bytes[64];

			use(bytes);
			return middle(bytes) + aside(ctx);
		}
	C
	clang -std=gnu17 -O2 -target bpf -mcpu=v3 -Wno-uninitialized -c "$scratch/p.bpf.c" -o "$scratch/p.bpf.o"
}

stack() {
	"$tools/check_stack.py" "$scratch/p.bpf.o"
}

program 192 256
expect 0 ': 512 of 512 bytes of stack: first 64 > middle 192 > last 256$' 'the callback counts' stack
program 200 256
expect 1 '^error: .*: 544 of 512 bytes' 'each frame is rounded up' stack
program 8 8
expect 0 ': 384 of 512 bytes of stack: first 64 > aside 320$' 'the deepest chain' stack
echo nothing >"$scratch/p.bpf.o"
expect 2 'not a 64-bit ELF' 'no object' stack

finish
