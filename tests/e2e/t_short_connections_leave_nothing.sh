#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 100,000 connections of one request each, and some hundred that end in every other way: what the programs remember of a
# connection goes with its socket. The map itself is walked (tools/count_flows.c), not asked for its size; the sockets in
# courtesy mode are counted, and the daemon's memory and the kernel's for its maps.
#
#	CONNECTIONS=100000 SECONDS_MOST=60	a slower machine makes fewer, at least a tenth; by hand: 1000000 and 3600
. "$(dirname "$0")/lib.sh"
connections=${CONNECTIONS:-100000}
most=${SECONDS_MOST:-60}
command -v wrk >/dev/null || { echo "wrk is missing: make deps"; exit 77; }
e2e_up
e2e_nginx
sed -i 's/access_log .*/access_log off;/' "$E2E/nginx.conf"
kill -HUP "$(cat "$E2E/nginx.pid")"
# TIME_WAIT is no socket that holds anything; only the ports are wanted back.
ip netns exec frontend sysctl -qw net.ipv4.ip_local_port_range="1024 65535" net.ipv4.tcp_tw_reuse=1
e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy on

flows() { build/tools/count_flows "$E2E_DAEMON"; }
hold() { [ "$(flows)" -eq "$1" ]; }
# Entries of the map of courtesy sockets; "none" is not 0.
courtesy() {
	local id
	for id in $(sed -n 's/^map_id:\t//p' "/proc/$E2E_DAEMON/fdinfo/"* | sort -u); do
		bpftool map show id "$id" | grep -q ' name pst_courtesy ' && bpftool map dump id "$id" 2>/dev/null && return
	done | grep -c '^key:'
}
daemon_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$E2E_DAEMON/status"; }
maps_kib() { sed -n 's/^memlock:\t//p' "/proc/$E2E_DAEMON/fdinfo/"* | awk '{ n += $1 } END { print int(n / 1024) }'; }
slab_kib() { awk '/^SUnreclaim/ { print $2 }' /proc/meminfo; }
flows >/dev/null
[ $? -ne 77 ] || { echo "sockets' storage cannot be walked here"; exit 77; }
e2e_is "sockets with state before" 0 "$(flows)"

cat >"$E2E/held.py" <<'P'
import socket, sys, time
held = [socket.create_connection((sys.argv[1], 8080)) for _ in range(20)]
for s in held:
    s.sendall(b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n")
    assert s.recv(4096).startswith(b"HTTP/1.1 200")
print("held", flush=True)
sys.stdin.read()
P
mkfifo "$E2E/hold"
e2e_run frontend python3 "$E2E/held.py" $BACKEND <"$E2E/hold" >"$E2E/held" &
exec 7>"$E2E/hold"
e2e_wait 10 grep -q held "$E2E/held" || e2e_fail "no connections to hold"
e2e_is "with 20 connections: both ends have state" 40 "$(flows)"
e2e_is "of their clients in courtesy mode" 20 "$(courtesy)"
exec 7>&-
e2e_wait 10 hold 0 || e2e_fail "$(flows) sockets with state behind 20 connections"

# The ways to end that no well-behaved client takes.
cat >"$E2E/ends.py" <<'P'
import socket, struct, sys
GOOD, BAD = b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n", b"DELETE /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
RESET = struct.pack("ii", 1, 0)
for i in range(60):
    for data in b"", GOOD[:20], GOOD, GOOD + GOOD[:9], BAD, GOOD + BAD, b"no HTTP\r\n\r\n":
        s = socket.create_connection((sys.argv[1], 8080), timeout=2)
        if i % 3 == 0:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        try:
            if data:
                s.sendall(data)
            if i % 3 == 1:
                s.shutdown(socket.SHUT_WR)
                s.recv(4096)
        except OSError:
            pass
        s.close()
print("ended")
P
e2e_is "420 connections end badly" ended "$(e2e_run frontend timeout 100 python3 "$E2E/ends.py" $BACKEND)"

made=0 began=$SECONDS daemon=$(daemon_kib) maps=$(maps_kib) slab=$(slab_kib)
while [ "$made" -lt "$connections" ] && [ $((SECONDS - began)) -lt "$most" ]; do
	e2e_run frontend wrk -t1 -c16 -d5s -H 'Connection: close' "http://$BACKEND:8080/api/x" >"$E2E/wrk"
	grep -q 'Non-2xx' "$E2E/wrk" && e2e_fail "an allowed request is denied: $(cat "$E2E/wrk")"
	made=$((made + $(awk '/requests in/ { print $1 }' "$E2E/wrk")))
done
echo "# $made connections in $((SECONDS - began)) s"
[ "$made" -ge $((connections / 10)) ] || e2e_fail "only $made connections in $most s"
e2e_wait 20 hold 0 || e2e_fail "$(flows) sockets with state are left behind $made connections"
e2e_is "sockets with state behind all of them" 0 "$(flows)"
e2e_is "sockets in courtesy mode behind all of them" 0 "$(courtesy)"
e2e_is "KiB of the maps, as before" "$maps" "$(maps_kib)"
grown=$(($(daemon_kib) - daemon))
[ "$grown" -lt 4096 ] || e2e_fail "the daemon has grown by $grown KiB"
echo "ok: the daemon has $daemon KiB, and $grown more behind them"
echo "# the kernel's unreclaimable slab, of whoever works on this machine: $slab KiB before, $(slab_kib) after"
e2e_stop
