#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs tests/e2e/t_*.sh (or those named as arguments), each in mount and PID namespaces of its own:
# when a test ends, however it ends, its processes die with their PID namespace, and its named network
# namespaces and BPF pins vanish with the mounts.
#
#	run.sh [NAME...]	NAME is t_x, t_x.sh or a path
#
# A test passes with exit code 0 and is skipped with 77, its first line of output being the reason.
# All output goes to build/e2e/NAME.log; the log of a failed test is shown.
#
#	E2E_TIMEOUT=seconds	per test (default 120)

set -u
cd "$(dirname "$0")/../.." || exit 1
logs=build/e2e
limit=${E2E_TIMEOUT:-120}
passed=0 failed=0 skipped=0

# What runs as PID 1 of the test's PID namespace.
inside='
set -e
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
[ ! -d /sys/fs/bpf ] || mount -t bpf bpf /sys/fs/bpf
"$@"'

run_isolated() {
	timeout -s KILL "$limit" unshare --mount --pid --fork --kill-child=KILL --mount-proc \
		sh -c "$inside" sh "$@"
}

# Stands in for a test where there is no way to isolate it: WHY says what is missing.
run_nothing() {
	echo "$why"
	return 77
}

run_one() {
	local path=$1 name log rc
	name=$(basename "$path" .sh)
	log=$logs/$name.log

	"$runner" "$path" >"$log" 2>&1 </dev/null
	rc=$?
	case $rc in
	0)
		passed=$((passed + 1))
		echo "ok   $name"
		;;
	77)
		skipped=$((skipped + 1))
		echo "skip $name: $(head -n 1 "$log")"
		;;
	*)
		failed=$((failed + 1))
		[ "$rc" -ne 137 ] || echo "not done after $limit s" >>"$log"
		echo "FAIL $name (exit $rc), $log:"
		sed 's/^/     | /' "$log"
		;;
	esac
}

mkdir -p "$logs"
runner=run_isolated
if [ "$(id -u)" -ne 0 ]; then
	runner=run_nothing why='needs root'
elif ! why=$(run_isolated true 2>&1); then
	runner=run_nothing why="needs mount and PID namespaces: ${why%%$'\n'*}"
fi
if [ $# -eq 0 ]; then
	set -- tests/e2e/t_*.sh
	[ -e "$1" ] || set --
fi
for arg in "$@"; do
	run_one "tests/e2e/$(basename "$arg" .sh).sh"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
