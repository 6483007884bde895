#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo, interrupted in every way: its processes, its cgroup and its directory are gone. Only a SIGKILL leaves
# something on the disk, which the next run removes.
. "$(dirname "$0")/lib.sh"

# Starts the demo as a user does, waits until it enforces, and sends it SIGNAL.
interrupt() {
	: >"$E2E/demo" # here, not by the background job: the last demo's output must not be taken for this one's
	E2E='' env --default-signal=INT tests/e2e/demo.sh >"$E2E/demo" 2>&1 &
	demo=$!
	e2e_wait 20 grep -q 'enforcing below' "$E2E/demo" || e2e_fail "no demo: $(cat "$E2E/demo")"
	cgroup=$(grep -o 'enforcing below .*' "$E2E/demo" | cut -d' ' -f3)
	dir=/tmp/$(basename "$cgroup")
	[ -d "$cgroup" ] && [ -d "$dir" ] || e2e_fail "the demo has neither $cgroup nor $dir"
	kill -"$1" $demo
	wait $demo 2>/dev/null
}
alive() { pgrep -f "$(basename "$cgroup")"; }
# As the next run sees it: whoever dies slowly still holds the lock, whatever its command line says.
unlocked() { flock -n "$dir/lock" true; }

for signal in INT:130 TERM:143 HUP:129; do
	interrupt "${signal%:*}"
	e2e_is "exit status after ${signal%:*}" "${signal#*:}" $?
	e2e_is "its processes" "" "$(alive)"
	[ ! -e "$cgroup" ] || e2e_fail "the cgroup is left"
	[ ! -e "$dir" ] || e2e_fail "the directory is left"
done

interrupt KILL
e2e_wait 10 eval '! alive && unlocked' || e2e_fail "processes outlive SIGKILL: $(alive)"
E2E='' tests/e2e/demo.sh >"$E2E/demo" || e2e_fail "the next demo: $(tail -n 3 "$E2E/demo")"
[ ! -e "$cgroup" ] || e2e_fail "the next run does not remove the cgroup"
[ ! -e "$dir" ] || e2e_fail "the next run does not remove the directory"

chmod 755 "$E2E"
e2e_is "without root" "needs root: network namespaces, cgroups and BPF" \
	"$(E2E='' setpriv --reuid 65534 --regid 65534 --clear-groups tests/e2e/demo.sh 2>&1)"
