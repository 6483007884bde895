#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs fuzzers, each for a number of seconds:
#
#	[FUZZ_SEED=N] tools/fuzz.sh SECONDS build/fuzz/fuzz_NAME...
#
# It starts from the seeds in testdata/corpus/NAME and build/fuzz/seeds/NAME and keeps what it finds in
# build/fuzz/corpus/NAME, where the next run goes on. With FUZZ_SEED it tries the same inputs in the same
# order every time: from that seed, and with nothing from earlier runs.
# A *.dict among the seeds is the dictionary. A crash leaves its input in build/fuzz/, is shown, and
# makes this fail; all fuzzers run in any case.

set -u

seconds=$1
shift
failed=0
seed=${FUZZ_SEED:-}

run_fuzzer() {
	local binary=$1 name seeds found dict log
	name=$(basename "$binary")
	seeds=testdata/corpus/${name#fuzz_}
	case $name in fuzz_lint | fuzz_diff) seeds=testdata/corpus/policy ;; esac
	found=build/fuzz/corpus/$name
	log=build/fuzz/$name.log
	if [ -n "$seed" ]; then
		found=build/fuzz/corpus-of-a-seed/$name
		rm -rf "$found"
	fi
	mkdir -p "$found"

	set -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
		-artifact_prefix="build/fuzz/$name-" "$found"
	[ -z "$seed" ] || set -- -seed="$seed" "$@"
	[ ! -d "$seeds" ] || set -- "$@" "$seeds"
	[ ! -d "build/fuzz/seeds/${name#fuzz_}" ] || set -- "$@" "build/fuzz/seeds/${name#fuzz_}"
	for dict in "$seeds"/*.dict; do
		[ ! -e "$dict" ] || set -- -dict="$dict" "$@"
	done
	if "$binary" "$@" >"$log" 2>&1 </dev/null; then
		echo "ok   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
	else
		echo "FAIL $name, $log:"
		grep -v '^#' "$log" | tail -n 60 | sed 's/^/     | /'
		return 1
	fi
}

if [ $# -eq 0 ]; then
	echo 'no fuzzers in tests/fuzz'
fi
[ -z "$seed" ] || echo "seed $seed"
for binary in "$@"; do
	run_fuzzer "$binary" || failed=$((failed + 1))
done
echo "$(($# - failed)) passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
