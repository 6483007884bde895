#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the judge costs per request: nanoseconds per run of each program, by the kernel's own statistics. One keep-alive
# connection asks with a head of 255 bytes and waits for its answer, so that each run of pst_ingress at the server has
# one whole head to judge, and each of pst_egress one response to follow. The client is not enforced, or its packets
# would count as well.
#
#	ROUNDS=9 REQUESTS=20000 tests/bench/judge.sh
. "$(dirname "$0")/../e2e/lib.sh"

rounds=${ROUNDS:-9}
requests=${REQUESTS:-20000}
e2e_up
e2e_nginx
sed -i 's/access_log .*/access_log off;/' "$E2E/nginx.conf"
kill -HUP "$(cat "$E2E/nginx.pid")"
cat >"$E2E/ask.py" <<'P'
import socket, sys
head = b"GET /api/v1/users/12345?fields=name,mail HTTP/1.1\r\nHost: backend.shop.svc.cluster.local:8080\r\n" \
       b"User-Agent: curl/7.88.1\r\nAccept: application/json\r\nX-Request-Id: 0123456789abcdef0123456789abcdef\r\nX: "
head += b"y" * (255 - len(head) - 4) + b"\r\n\r\n"
assert len(head) == 255
s = socket.create_connection((sys.argv[1], 8080))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for _ in range(int(sys.argv[2])):
    s.sendall(head)
    assert s.recv(4096).startswith(b"HTTP/1.1 200")
P

# numbers NAME: "run_time_ns run_cnt" of the daemon's program
numbers() {
	local id
	for id in $(sed -n 's/^prog_id:\t//p' "/proc/$E2E_DAEMON/fdinfo/"* | sort -u); do
		bpftool prog show id "$id"
	done | sed -n "s/.* name $1 .* run_time_ns \([0-9]*\) run_cnt \([0-9]*\).*/\1 \2/p"
}

# round NAME: appends "ns-per-run runs-per-request" to $E2E/NAME for both programs
round() {
	local p
	for p in pst_ingress pst_egress; do numbers $p >"$E2E/$p.before"; done
	ip netns exec frontend python3 "$E2E/ask.py" $BACKEND "$requests" || e2e_fail "the client failed"
	for p in pst_ingress pst_egress; do
		numbers $p | paste "$E2E/$p.before" - |
			awk -v r="$requests" '{ printf "%.0f %.3f\n", ($3 - $1) / ($4 - $2), ($4 - $2) / r }' >>"$E2E/$p"
	done
}

# spread NAME: median, least and most of the first column, the largest of the second
spread() {
	sort -g "$E2E/$1" | awk '{ v[NR] = $1; if ($2 > m) m = $2 }
		END { printf "median %d, least %d, most %d ns per run; at most %.3f runs per request\n", v[int((NR + 1) / 2)], v[1], v[NR], m }'
}

# Ended by a signal it stays switched on: that costs some nanoseconds a run, and nothing else.
trap 'sysctl -qw kernel.bpf_stats_enabled=0' EXIT
sysctl -qw kernel.bpf_stats_enabled=1
e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml \
	--courtesy off --events denied
ip netns exec frontend python3 "$E2E/ask.py" $BACKEND 1000
for _ in $(seq "$rounds"); do round; done
echo "head of 255 bytes, $rounds rounds of $requests requests, Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "  pst_ingress judges a request:   $(spread pst_ingress)"
echo "  pst_egress follows a response:  $(spread pst_egress)"
e2e_stop
