#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What posternd is told about the proxy's shares reaches it: one workload has as many connections and bytes as it may
# have, and not one more, while another one is served.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
e2e_names backend 8080
e2e_names admin 8080
for pod in backend admin; do
	e2e_rules to-$pod $pod ingress frontend
	e2e_added X-Added by-policy 8080
done >"$E2E/policy.yaml"
# Heads that do not end hold 64 KiB each.
cat >"$E2E/crowd.py" <<'C'
import select
import socket
import sys
import time

def connect(host):
    return socket.create_connection((host, 8080), timeout=15)

def is_served(sock):
    try:
        sock.sendall(b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n")
        return sock.recv(65536).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False

# A connection that is reset at once may be that before connect() has returned.
def is_served_at(host):
    try:
        return is_served(connect(host))
    except ConnectionError:
        return False

crowd = [connect("10.77.0.4") for _ in range(40)]
print("served, of 40:", sum(is_served(s) for s in crowd))
print("one more:", is_served_at("10.77.0.4"))
print("its other address:", is_served_at("fd77::4"))
print("another workload:", is_served_at("10.77.0.5"))
for s in crowd:
    try:
        s.sendall(b"GET /api/x HTTP/1.1\r\nHost: b\r\nX: " + b"x" * 60000)
    except OSError:
        pass
until = time.monotonic() + 8
while len(select.select(crowd, [], [], 0)[0]) < 24 and time.monotonic() < until:
    time.sleep(0.05)
time.sleep(0.2)
over = len(select.select(crowd, [], [], 0)[0])
print("over 1 MiB:", 24 <= over <= 25)
print("another workload:", is_served_at("10.77.0.5"))
C
e2e_start --proxy-threads 7 --workload-connections 40 --workload-memory 1
e2e_is "threads that serve" 7 "$(grep -l '^worker-' "/proc/$(pgrep -x postern-proxy)/task"/*/comm | wc -l)"
e2e_run frontend timeout 60 python3 "$E2E/crowd.py" >"$E2E/crowd" 2>&1
while IFS='|' read -r what want; do
	e2e_is "$what" "$want" "$(sed -n "s/^$what: //p" "$E2E/crowd" | xargs)"
done <<'W'
served, of 40|40
one more|False
its other address|True
another workload|True True
over 1 MiB|True
W
told() { [ "$(e2e_events '"verdict":"deny","reason":"workload-limit"')" -ge 24 ]; }
e2e_wait 10 told || e2e_fail "the denials are not told"
e2e_is "the limit of all" 0 "$(e2e_events '"reason":"proxy-limit"')"
e2e_stop
