#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Policies change each second, pods come and go, and a thousand connections stay open and ask, through the kernel's judge and
# through the proxy: each verdict is right (soak.py tells how it knows), and behind it the daemon's processes, its maps and its
# pins hold what they held before.
#
#	SOAK_MINUTES=20 SOAK_CONNECTIONS=1000 SOAK_RATE=400	the default is 25 seconds; make soak, make soak-nightly
#	SOAK_WINDOW=60	a change may take that long, not 5 seconds: on a machine that has no time for the daemon
. "$(dirname "$0")/lib.sh"
seconds=$((${SOAK_MINUTES:-0} * 60)) connections=${SOAK_CONNECTIONS:-1000} rate=${SOAK_RATE:-400}
[ "$seconds" -ne 0 ] || seconds=25
ulimit -n 8192 2>/dev/null || { echo "needs 8192 descriptors"; exit 77; }
e2e_up
e2e_nginx
# A server that ends connections which nobody has asked on for 75 seconds looks like a wrong verdict on a slow machine.
sed -i 's/access_log .*/access_log off; keepalive_timeout 1d;/' "$E2E/nginx.conf"
kill -HUP "$(cat "$E2E/nginx.pid")"
ip netns exec frontend sysctl -qw net.ipv4.ip_local_port_range="1024 65535" net.ipv4.tcp_tw_reuse=1
cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
cp testdata/inventory/demo.yaml "$E2E/pods.yaml"
e2e_posternd --policy "$E2E/p.yaml" --inventory "$E2E/pods.yaml" --events none

flows() { build/tools/count_flows "$E2E_DAEMON"; }
flows >/dev/null
[ $? -ne 77 ] || { echo "sockets' storage cannot be walked here"; exit 77; }
hold() { [ "$(flows)" -eq "$1" ]; }
pins() { find "$E2E_PINS" | wc -l; }
fill() {
	build/postern status --format json | python3 -c "import json, sys
print(*(m['name'] + '=' + str(m['used']) for m in json.load(sys.stdin)['maps']))"
}
maps_kib() { sed -n 's/^memlock:\t//p' "/proc/$E2E_DAEMON/fdinfo/"* | awk '{ n += $1 } END { print int(n / 1024) }'; }
processes() { python3 tests/e2e/soak.py measure "$E2E_DAEMON"; }
held() { echo "$(processes) $(fill) pins=$(pins) maps_kib=$(maps_kib)"; }
as_before() { [ "$(held)" = "$before" ]; }
value() { awk -v name="$1" -v n="${2:-2}" '$1 == name { print $n }' "$E2E/soak"; }
# soak ARG...: in the cgroup; its threads go into the pods
soak() (
	echo "$BASHPID" >"$E2E_CGROOT/$E2E_CGROUP/cgroup.procs" || exit 125
	exec python3 tests/e2e/soak.py "$@"
)

# What is made at the first need and then kept is there before it counts.
settle() {
	cp testdata/policies/good/backend-api.yaml "$E2E/new" && mv "$E2E/new" "$E2E/p.yaml"
	# Each slot has the same when that many generations have followed each other (bpf/abi.h, PST_GEN_SLOTS).
	for _ in 1 2 3 4 5 6; do
		generation=$(generations)
		kill -HUP "$E2E_DAEMON"
		e2e_wait 20 eval '[ "$(generations)" -gt "$generation" ]' || e2e_fail "no generation behind $generation"
	done
	e2e_wait 60 hold 0 || e2e_fail "$(flows) sockets with state are left"
}
generations() { grep -c 'is in force' "$E2E/log"; }

soak fill "$E2E"
soak soak "$E2E" 3 "$connections" "$rate" "$E2E_DAEMON" >"$E2E/soak" 2>&1 || e2e_fail "$(cat "$E2E/soak")"
settle
sleep 3 # the ends of denied connections are at most 1.5 s away
before=$(held)
echo "# $before"
soak soak "$E2E" "$seconds" "$connections" "$rate" "$E2E_DAEMON" >"$E2E/soak" 2>"$E2E/wrong" || e2e_fail "$(cat "$E2E/wrong")"
sed 's/^/# /' "$E2E/soak" "$E2E/wrong"
e2e_is "wrong verdicts of $(value in_kernel) in the kernel and $(value proxied) in the proxy" 0 "$(value wrong)"
e2e_is "denials without an answer, of $(value denied)" 0 "$(value unanswered)"
e2e_is "changes that came too late, of $(value changes)" 0 "$(value late)"
for name in anon:posternd anon:postern-proxy; do
	grown=$(($(value $name 3) - $(value $name)))
	[ "$grown" -lt 1024 ] || e2e_fail "$name has grown by $grown KiB"
	echo "ok: $name: $(value $name) KiB, and $grown more towards the end"
done
[ "$(value changes)" -ge $((seconds / 4)) ] && [ "$(value guests)" -ge $((seconds / 10)) ] &&
	[ "$(value denied)" -ge $((seconds * rate / 50)) ] && [ "$(value proxied)" -ge $((seconds * rate / 50)) ] ||
	e2e_fail "too little load to tell"
grep -q 'has no field "toPort"' "$E2E/log" || e2e_fail "no file was refused"
settle
e2e_wait 30 as_before || e2e_fail "before: $before; now: $(held)"
echo "ok: processes, descriptors, threads, entries, pins and the maps' memory are as before"
e2e_stop
