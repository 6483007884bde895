#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A peer that answers a client's SYN with a SYN of its own opens the connection from both ends, and the kernel says
# that it was opened by the peer. Who asks is still the client: what it sends is judged.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_posternd --policy testdata/policies/good/frontend-egress.yaml --inventory testdata/inventory/demo.yaml --courtesy off
# The backend's kernel gives its address away to the crafted server.
ip -n backend addr del 10.77.0.4/24 dev eth0
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
ip -n frontend neigh replace 10.77.0.4 lladdr "$(mac backend)" dev eth0 nud permanent

# crossing PATH: what the server sees when the client asks for PATH
crossing() {
	ip netns exec backend python3 tests/e2e/crossing.py eth0 "$(mac frontend)" $BACKEND 10.77.0.2 8080 \
		>"$E2E/seen" 2>&1 &
	local server=$!
	e2e_wait 30 grep -q ready "$E2E/seen" || e2e_fail "the server does not start: $(cat "$E2E/seen")"
	e2e_run frontend python3 - $BACKEND "$1" <<-'P'
		import socket, sys, time
		client = socket.create_connection((sys.argv[1], 8080), 5)
		client.sendall(f"GET {sys.argv[2]} HTTP/1.1\r\nHost: b\r\n\r\n".encode())
		time.sleep(1)
	P
	wait $server
	tail -n 1 "$E2E/seen"
}
e2e_is "an allowed request" "GET /api/x HTTP/1.1" "$(crossing /api/x)"
e2e_is "a denied request" none "$(crossing /admin)"
