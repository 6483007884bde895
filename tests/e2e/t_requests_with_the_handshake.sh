#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TCP Fast Open and TCP_DEFER_ACCEPT on a judged port: what comes before the connection is established is dropped by
# name, never read un-judged, and both fall back to the ordinary handshake, later than it would be without.
. "$(dirname "$0")/lib.sh"
e2e_up
# 1 client, 2 server, 4 and 0x200: without a cookie.
ip netns exec frontend sysctl -qw net.ipv4.tcp_fastopen=0x5
ip netns exec backend sysctl -qw net.ipv4.tcp_fastopen=0x202
server=
ask() { e2e_run frontend timeout 20 python3 tests/e2e/early.py ask $BACKEND 8080 "$@"; }
serve() {
	: >"$E2E/seen"
	[ -z "$server" ] || kill "$server"
	: >"$E2E/serve"
	e2e_run backend python3 tests/e2e/early.py serve 8080 "$1" "$E2E/seen" >"$E2E/serve" &
	e2e_wait 10 grep -q listening "$E2E/serve" || e2e_fail "the server does not start"
	server=$(awk '{ print $2 }' "$E2E/serve")
}

# Without the daemon: the machine does what is tested.
serve fastopen
e2e_is "un-enforced, Fast Open" "200 soon" "$(ask fastopen DELETE)"
fast_opens() { ip netns exec backend nstat -asz TcpExtTCPFastOpenPassive | awk '/FastOpenPassive/ { print $2 }'; }
e2e_is "un-enforced: the SYN's data was taken" 1 "$(fast_opens)"
serve defer
e2e_is "un-enforced, deferred" "200 soon" "$(ask plain DELETE)"

# By the rules of the client: data on its SYN do not leave un-judged. Its kernel tries without, at once.
e2e_posternd --policy testdata/policies/good/frontend-egress.yaml --inventory testdata/inventory/demo.yaml --courtesy off
serve fastopen
e2e_is "Fast Open by the client's rules, allowed" "200 soon" "$(ask fastopen GET)"
e2e_is "Fast Open by the client's rules, denied" "403 soon" "$(ask fastopen DELETE)"
e2e_is "no SYN's data was taken" 1 "$(fast_opens)"
e2e_stop

# By those of the server.
e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off
serve fastopen
e2e_is "Fast Open, allowed: falls back" "200 late" "$(ask fastopen GET)"
e2e_is "Fast Open, denied" "403 late" "$(ask fastopen DELETE)"
e2e_is "no SYN's data was taken" 1 "$(fast_opens)"
e2e_is "the server has read" "GET /api/x HTTP/1.1 " "$(tr -d '\r' <"$E2E/seen" | tr '\n' ' ')"
serve defer
e2e_is "deferred, allowed: when the server has ceased to wait for data" "200 late" "$(ask plain GET)"
e2e_is "deferred, denied" "403 late" "$(ask plain DELETE)"
e2e_is "the server has read" "GET /api/x HTTP/1.1 " "$(tr -d '\r' <"$E2E/seen" | tr '\n' ' ')"
e2e_stop
