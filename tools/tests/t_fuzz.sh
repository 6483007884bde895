#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh over made-up fuzzers that show how they are called.

. "$(dirname "$0")/lib.sh"

cd "$scratch" || exit 1
write build/fuzz/fuzz_x <<-'EOF'
	#!/bin/bash
	echo "$*" >>called
	for dir; do
		[ ! -d "$dir" ] || echo "$dir holds $(find "$dir" -type f | wc -l)" >>called
	done
	for dir; do
		case $dir in */fuzz_x) [ ! -d "$dir" ] || echo >"$dir/found.$RANDOM$RANDOM" ;; esac
	done
	echo 'stat::number_of_executed_units: 12'
	exit "${RC:-0}"
EOF
chmod +x build/fuzz/fuzz_x
mkdir -p testdata/corpus/x

# run RC NAME=VALUE...: a run whose result is that of the fuzzer; `called` says how it was called.
run() {
	rm -f called
	env -u FUZZ_SEED "$@" "$tools/fuzz.sh" 3 build/fuzz/fuzz_x
}

expect 0 '^ok   fuzz_x: 12 inputs' 'inputs are counted' run RC=0
expect 1 '^FAIL fuzz_x' 'a fuzzer that fails is a failure' run RC=77
expect 1 '^0 passed, 1 failed' 'and it is counted' run RC=77
expect 0 '^-max_total_time=3 ' 'the time is handed on' cat called

expect 0 '^ok' 'by itself it has a random seed' run RC=0
expect 1 '' 'so none is given' grep -e -seed= called
expect 0 'corpus/fuzz_x holds [1-9]' 'and goes on where the last run ended' grep holds called

expect 0 '^seed 7' 'a fixed seed is shown' run FUZZ_SEED=7
expect 0 '' 'and handed on' grep -qe '-seed=7 ' called
expect 0 '^seed 7' 'once more' run FUZZ_SEED=7
expect 0 'corpus-of-a-seed/fuzz_x holds 0' 'and starts from nothing that earlier runs found' grep holds called
expect 1 '' 'at all' grep -e ' build/fuzz/corpus/fuzz_x ' called

finish
