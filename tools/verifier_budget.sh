#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares what the verifier has to do for each program with the limit and with the saved numbers.
#
#	tools/verifier_budget.sh FILE.bpf.o...		check
#	tools/verifier_budget.sh --save FILE.bpf.o...	make the present numbers the baseline
#
# An error: a program that does not load, or needs more than half of the verifier's million, because
# other kernels count differently. A warning: 20 % more than the baseline, or no baseline.
# Without the right to load programs it says so and passes.
#
#	VERIFIER_STATS=program	what counts (default build/tools/verifier_stats)

set -u
budget=500000
baseline=testdata/verifier-budget.csv
stats=${VERIFIER_STATS:-build/tools/verifier_stats}
save=

if [ "${1:-}" = --save ]; then
	save=1
	shift
fi
if [ $# -eq 0 ]; then
	echo 'verifier budget: skipped, there are no BPF programs'
	exit 0
fi

numbers=$("$stats" "$@")
case $? in
0) ;;
77)
	echo 'verifier budget: skipped, loading programs needs root'
	[ -z "$save" ]
	exit
	;;
*)
	echo 'verifier budget: the kernel refuses a program, see above'
	exit 1
	;;
esac

if [ -n "$save" ]; then
	{
		echo "# verifier_budget.sh --save, $(uname -sr)"
		echo 'object,program,instructions'
		echo "$numbers"
	} >"$baseline"
	exit
fi

[ -e "$baseline" ] || baseline=/dev/null
awk -F, -v budget="$budget" -v file="$baseline" '
	FILENAME == file { if (!/^#/) saved[$1 "," $2] = $3; next }
	!NF { next }
	{ programs++; now = $3; was = saved[$1 "," $2] }
	now > most { most = now }
	now > budget { printf "error: %s/%s: %d instructions, at most %d\n", $1, $2, now, budget; bad = 1 }
	was == "" { printf "warning: %s/%s: %d instructions, no baseline\n", $1, $2, now }
	was != "" && now > was * 1.2 {
		printf "warning: %s/%s: %d instructions, baseline %d\n", $1, $2, now, was
	}
	END {
		printf "verifier budget: %d programs, the largest %d of %d instructions\n", programs, most, budget
		exit bad
	}' "$baseline" - <<<"$numbers"
