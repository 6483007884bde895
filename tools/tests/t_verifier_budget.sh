#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The comparison of verifier_budget.sh, with made-up numbers in the place of the kernel's.

. "$(dirname "$0")/lib.sh"

mkdir -p "$scratch/testdata"
cd "$scratch" || exit 1

# counts EXIT LINE...: what the counting program will say.
counts() {
	local rc=$1
	shift
	printf '%s\n' "$@" >numbers
	printf '#!/bin/sh\ncat %s/numbers\nexit %d\n' "$scratch" "$rc" >stats
	chmod +x stats
}

budget() {
	VERIFIER_STATS=$scratch/stats "$tools/verifier_budget.sh" "$@"
}

counts 0 p,judge,500000
expect 0 'skipped, there are no' 'no objects' budget
expect 0 'warning: p/judge: 500000 instructions, no baseline' 'no baseline' budget p.bpf.o

expect 0 '' 'saving' budget --save p.bpf.o
expect 0 '^p,judge,500000$' 'the baseline is saved' cat testdata/verifier-budget.csv
expect 0 '^verifier budget: 1 programs, the largest 500000' 'at the limit' budget p.bpf.o
expect 1 '' 'no warning at the baseline' sh -c \
	"VERIFIER_STATS=$scratch/stats $tools/verifier_budget.sh p.bpf.o | grep warning"

counts 0 p,judge,500001
expect 1 '^error: p/judge: 500001' 'one over the limit' budget p.bpf.o

counts 0 p,judge,1000 p,other,1000
budget --save p.bpf.o
counts 0 p,judge,1200 p,other,1201
expect 0 '^warning: p/other: 1201 instructions, baseline 1000' 'over 20 % more' budget p.bpf.o
expect 1 '' '20 % more is fine' sh -c \
	"VERIFIER_STATS=$scratch/stats $tools/verifier_budget.sh p.bpf.o | grep judge"

counts 77 ''
expect 0 'skipped, loading programs needs root' 'without the right to load' budget p.bpf.o
counts 1 ''
expect 1 'refuses' 'a program that does not load' budget p.bpf.o

finish
