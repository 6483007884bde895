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
#	E2E_TIMEOUT=seconds	per test (default 180)
#	E2E_JOBS=n		tests at a time (default: number of processors, at most 4). Most of them wait for
#				something most of the time, and each has networks and a cgroup of its own

set -u
cd "$(dirname "$0")/../.." || exit 1
logs=build/e2e
limit=${E2E_TIMEOUT:-180}
jobs=${E2E_JOBS:-$(nproc)}
[ -n "${E2E_JOBS:-}" ] || [ "$jobs" -le 4 ] || jobs=4
passed=0 failed=0 skipped=0
declare -A running=() begun=() # by process: the path of the test, and when it began

# What runs as PID 1 of the test's PID namespace.
inside='
set -e
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
[ ! -d /sys/fs/bpf ] || mount -t bpf bpf /sys/fs/bpf
"$@"'

# Whoever kills this script has killed its tests.
run_isolated() {
	exec setpriv --pdeathsig KILL timeout -s KILL "$limit" setpriv --pdeathsig KILL \
		unshare --mount --pid --fork --kill-child=KILL --mount-proc sh -c "$inside" sh "$@"
}

# Stands in for a test where there is no way to isolate it: WHY says what is missing.
run_nothing() {
	echo "$why"
	return 77
}

start() {
	"$runner" "$1" >"$logs/$(basename "$1" .sh).log" 2>&1 </dev/null &
	running[$!]=$1
	begun[$!]=$SECONDS
}

# Waits until one of those that run has ended, and tells how.
finish() {
	local pid name log rc

	{ wait -n -p pid; } 2>/dev/null # the shell's own words about one that was killed
	rc=$?
	name=$(basename "${running[$pid]}" .sh)
	log=$logs/$name.log
	case $rc in
	0)
		passed=$((passed + 1))
		echo "ok   $name ($((SECONDS - begun[$pid])) s)"
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
	unset "running[$pid]" "begun[$pid]"
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
	[ -x "tests/e2e/$(basename "$arg" .sh).sh" ] || { echo "there is no test $arg"; failed=$((failed + 1)); continue; }
	[ "${#running[@]}" -lt "$jobs" ] || finish
	start "tests/e2e/$(basename "$arg" .sh).sh"
done
while [ "${#running[@]}" -gt 0 ]; do
	finish
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
