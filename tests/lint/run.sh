#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The linter as CI systems run it: every tests/lint/t_*.sh, or those that are named. A test passes with
# 0 and is skipped with 77 (its first line says why). Needs no root.
#
#	POSTERN=file	the command (default build/postern)
#	LIMIT=seconds	for each test (default 120)
#	LOGS=directory	where their output goes (default build/lint-tests)

set -u
cd "$(dirname "$0")/../.." || exit 1
POSTERN=$(realpath "${POSTERN:-build/postern}")
export POSTERN TOP=$PWD
passed=0 failed=0 skipped=0
logs=${LOGS:-build/lint-tests}
mkdir -p "$logs"
[ $# -gt 0 ] || set -- tests/lint/t_*.sh
for path; do
	name=$(basename "$path" .sh)
	scratch=$(mktemp -d)
	SCRATCH=$scratch timeout -s KILL "${LIMIT:-120}" "$path" >"$logs/$name.log" 2>&1 </dev/null
	rc=$?
	rm -rf "$scratch"
	case $rc in
	0)
		passed=$((passed + 1))
		echo "ok   $name"
		;;
	77)
		skipped=$((skipped + 1))
		echo "skip $name: $(head -n 1 "$logs/$name.log")"
		;;
	*)
		failed=$((failed + 1))
		echo "FAIL $name (exit $rc):"
		sed 's/^/     | /' "$logs/$name.log"
		;;
	esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
