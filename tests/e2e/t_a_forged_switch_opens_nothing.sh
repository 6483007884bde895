#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Somebody outside forges a 101 for a client that asks for WebSocket: with a wrong checksum the client's TCP discards it,
# the judge has seen it. What the client's policy denies must not leave for that, whether the server then answers or
# not; behind a 101 that its TCP takes, it does.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_posternd --policy testdata/policies/good/frontend-egress.yaml --inventory testdata/inventory/demo.yaml --courtesy off
ip -n backend addr del 10.77.0.4/24 dev eth0
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
ip -n frontend neigh replace $BACKEND lladdr "$(mac backend)" dev eth0 nud permanent
ASK='GET /api/w HTTP/1.1\r\nHost: b\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'

# behind FORGERY [ANSWER...]: what the server gets of a denied request behind the handshake
behind() {
	(cd tests/e2e && exec timeout 40 ip netns exec backend python3 forged.py eth0 "$(mac frontend)" 10.77.0.2 $BACKEND 8080 "$@") \
		>"$E2E/server" &
	local server=$!
	e2e_wait 10 grep -q ready "$E2E/server" || e2e_fail "the server does not start"
	e2e_run frontend timeout 30 python3 tests/e2e/conn.py $BACKEND 8080 "send:$ASK" sleep:1 \
		'send:GET /admin HTTP/1.1\r\nHost: b\r\n\r\n' sleep:2 >/dev/null
	wait $server
	sed -n 's/^reads //p' "$E2E/server"
}
counted() { [ "$(e2e_events "\"reason\":\"$1\"")" -ge 1 ]; }

e2e_is "behind a real 101" "GET /admin HTTP/1.1" "$(behind none)"
e2e_is "behind one that the client discards" nothing "$(behind sum)"
NO=$'HTTP/1.1 400 No\r\nContent-Length: 100\r\n\r\n'
e2e_is "and the server's own answer behind it" nothing "$(behind sum "$NO")"
e2e_wait 3 counted upgrade-unknown || e2e_fail "no event: the thread is lost"
e2e_is "behind one beyond the client's window" nothing "$(behind window)"
