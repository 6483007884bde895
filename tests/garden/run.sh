#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What real servers make of the bytes that the judge lets through, without root: README.md.
#
#	run.sh [SECONDS]	how long streams are made (default 30)
#	GARDEN_SEED=n		which streams (default 1)
#	BUILD=DIR		where postern and garden/judge_streams are (default build)

set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-30}
garden=(python3 tests/garden/garden.py --build "${BUILD:-build}" --seed "${GARDEN_SEED:-1}")
passed=0 failed=0 skipped=0

run() {
	local name=$1 rc
	shift
	"$@"
	rc=$?
	case $rc in
	0)
		passed=$((passed + 1))
		echo "ok   $name"
		;;
	77)
		skipped=$((skipped + 1))
		echo "skip $name: not all of the servers are installed (see above)"
		;;
	*)
		failed=$((failed + 1))
		echo "FAIL $name (exit $rc)"
		;;
	esac
}

run "the harness notices when it is broken" "${garden[@]}" self-test
run "servers see what was judged" "${garden[@]}" offline --seconds "$seconds"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
