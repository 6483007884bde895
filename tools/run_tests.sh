#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What `make test` runs: every stage, whatever happened to those before, then a table of totals.
# Fails when a stage failed, and when nothing was run at all.
#
#	FUZZ_SECONDS=n	per fuzzer (default 5)
#	FUZZ_SEED=n	which inputs they try (default 1: the same every time)
#	JOBS=n		parallel compilations (default: number of processors)

set -u
cd "$(dirname "$0")/.." || exit 1
jobs=${JOBS:-$(nproc)}
log=build/test
summary=()
broken=()
total_failed=0
total_passed=0

# Adds up the totals in a log: Criterion's summaries and the last lines of our own runners.
totals() {
	sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
		/Synthesis: Tested:/ {
			gsub(/[|:]/, " ")
			for (i = 1; i < NF; i++) {
				if ($i == "Passing") passed += $(i + 1)
				if ($i == "Failing" || $i == "Crashing") failed += $(i + 1)
			}
		}
		/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
			passed += $1; failed += $3; skipped += $5
		}
		END { printf "%d %d %d\n", passed, failed, skipped }'
}

# What failed in a stage, once more and by name: who sees only the end of the output is to know.
tell_failures() {
	echo "== failed in $1 ($log/$1.log has all of it)"
	sed 's/\x1b\[[0-9;]*m//g' "$log/$1.log" |
		grep -E '^(FAIL |not ok |\[(FAIL|CRASH)\]|make.*\*\*\* )|: error: ' | cut -c 1-200 | head -n 20
}

# Each stage is a process group of its own, so that what it leaves behind can be ended, and writes to
# a file: what outlives a test in spite of that cannot keep us waiting for the end of a pipe.
group=
set -m
end_group() {
	[ -z "$group" ] || kill -KILL -- "-$group" 2>/dev/null
	group=
}
trap 'end_group; exit 130' INT TERM HUP

# stage NAME COMMAND...: runs, shows and keeps the output, and notes the totals.
stage() {
	local name=$1 rc passed failed skipped start=$SECONDS
	shift
	echo "== $name"
	: >"$log/$name.log" # there before somebody looks for it
	"$@" >"$log/$name.log" 2>&1 </dev/null &
	group=$!
	tail -n +1 -s 0.2 -f --pid="$group" "$log/$name.log"
	wait "$group"
	rc=$?
	end_group
	read -r passed failed skipped < <(totals "$log/$name.log")
	# Something that does not build counts as a failure, though it has no totals.
	[ "$rc" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	[ "$failed" -eq 0 ] || broken+=("$name")
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
	summary+=("$(printf '%-16s %6d passed %4d failed %4d skipped %5d s' \
		"$name" "$passed" "$failed" "$skipped" $((SECONDS - start)))")
}

submake() {
	make --no-print-directory "$@"
}

# Builds everything first, in parallel, so that a test's output stays in one piece.
unit() {
	submake -k -j"$jobs" "$@" unit-build && submake -k "$@" unit
}

# Criterion does not ask how the process of a test has ended, which has told of leaks (tests/leaks.c).
sanitized_unit() {
	unit SAN=1 && ! grep -a 'LeakSanitizer: detected' "$log/unit-san.log"
}

# What the tests use besides the programs is built first.
end_to_end() {
	submake -j"$jobs" e2e-build && tests/e2e/run.sh
}

has_libfuzzer() {
	[ -e "$(clang -print-file-name="libclang_rt.fuzzer-$(uname -m).a" 2>/dev/null)" ]
}

unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir -p "$log"
stage build submake -j"$jobs" all bench-build
stage unit unit SAN=0
stage unit-san sanitized_unit
stage mutants submake mutants-unit
stage tools submake check-tools
stage lint tests/lint/run.sh
stage packaging submake -j"$jobs" packaging-tests
stage replay submake -j"$jobs" SAN=1 replay
if has_libfuzzer; then
	stage fuzz env FUZZ_SEED="${FUZZ_SEED:-1}" make --no-print-directory fuzz \
		FUZZ_SECONDS="${FUZZ_SECONDS:-5}"
else
	echo '== fuzz: skipped, clang has no libFuzzer here (libclang-rt-dev)'
	summary+=('fuzz             skipped: clang has no libFuzzer here (libclang-rt-dev)')
fi
stage garden submake garden
stage e2e end_to_end
stage kernels submake test-kernels

for name in "${broken[@]}"; do
	tell_failures "$name"
done
echo '== totals'
printf '%s\n' "${summary[@]}"
if [ "$total_failed" -gt 0 ]; then
	echo "FAILED: $total_failed failed, $total_passed passed"
	exit 1
fi
if [ "$total_passed" -eq 0 ]; then
	echo 'FAILED: nothing was tested'
	exit 1
fi
echo "ok: $total_passed passed"
