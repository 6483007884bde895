# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For the tests of the tools: a scratch directory that goes away, and expectations that count.
# Sourced by t_*.sh, which run from anywhere and end with `finish`.

set -u
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

ok() {
	passed=$((passed + 1))
}

not_ok() {
	failed=$((failed + 1))
	echo "FAIL $(basename "$0"): $*"
}

# write PATH: standard input becomes the file PATH of the scratch tree.
write() {
	mkdir -p "$(dirname "$scratch/$1")"
	cat >"$scratch/$1"
}

# expect RC PATTERN TITLE COMMAND...: the command exits with RC and its output matches the extended
# regular expression PATTERN ("": there is no output).
expect() {
	local rc=$1 pattern=$2 title=$3 output got
	shift 3
	output=$("$@" 2>&1)
	got=$?
	if [ "$got" -ne "$rc" ]; then
		not_ok "$title: exit $got instead of $rc: $output"
	elif [ -z "$pattern" ] && [ -n "$output" ]; then
		not_ok "$title: unexpected output: $output"
	elif ! grep -Eq -- "$pattern" <<<"$output"; then
		not_ok "$title: no '$pattern' in: $output"
	else
		ok
	fi
}

finish() {
	[ "$failed" -eq 0 ] && echo "ok   $(basename "$0" .sh)"
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ]
}
