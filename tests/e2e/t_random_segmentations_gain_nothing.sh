#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Random segmentations by a peer with a TCP of its own, IPv4 and IPv6: whatever comes in which order, repeated with other
# bytes, dropped by TCP after it was judged, or kept waiting at a busy socket, the server reads heads of allowed requests
# only. Without the daemon the same segments have others read, at busy sockets, too, or the test would show nothing.
#
#	E2E_SEGMENTATIONS=n	connections per family (default 600; a night: 100000)
#	E2E_SEED=n		of the schedules (default: random, printed)
#	E2E_BUSY=n		the share of sockets that are busy (default 0.5)
. "$(dirname "$0")/lib.sh"
count=${E2E_SEGMENTATIONS:-600}
seed=${E2E_SEED:-$RANDOM}
e2e_up
sed 's/method: GET/method: GET|POST/' testdata/policies/good/backend-api.yaml >"$E2E/policy.yaml"
e2e_run backend python3 tests/e2e/random_segments.py serve 8080 "$E2E/counts" >"$E2E/bad" &
ready() { ip netns exec backend ss -Hltn "sport = :8080" | grep -q .; }
e2e_wait 20 ready || e2e_fail "the server does not start"
ip -n frontend addr del 10.77.0.2/24 dev eth0
ip -n frontend -6 addr del fd77::2/64 dev eth0
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
for address in 10.77.0.2 fd77::2; do
	ip -n backend neigh replace $address lladdr "$(mac frontend)" dev eth0 nud permanent
	ip neigh replace $address lladdr "$(mac frontend)" dev br0 nud permanent
done
peer() {
	ip netns exec frontend python3 tests/e2e/random_segments.py send eth0 "$(mac backend)" "$1" "$2" 8080 "$seed" "$3" \
		>"$E2E/sent" 2>&1 || e2e_fail "$1: $(cat "$E2E/sent")"
}
of() { awk "{ print \$$1 }" "$E2E/counts" 2>/dev/null || echo 0; }
settled() { local was; was=$(cat "$E2E/counts"); sleep 1; [ "$was" = "$(cat "$E2E/counts")" ]; }

peer 10.77.0.2 10.77.0.4 200
peer fd77::2 fd77::4 200
e2e_wait 20 settled
[ "$(of 3)" -gt 20 ] || e2e_fail "the attacks find nothing without a judge: $(cat "$E2E/counts")"
[ "$(of 5)" -gt 0 ] || e2e_fail "the attacks find nothing at busy sockets without a judge: $(cat "$E2E/counts")"
echo "ok: without the daemon: $(of 3) of $(of 1) connections have a head read that no rule allows, $(of 5) at busy sockets"
before=$(of 3) requests=$(of 2) busy=$(of 4)
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off --events none --old-sockets kill
for pair in '10.77.0.2 10.77.0.4' 'fd77::2 fd77::4'; do
	# shellcheck disable=SC2086 # two words
	peer $pair "$count"
	e2e_wait 20 settled
	e2e_is "seed $seed, $(cat "$E2E/sent") connections, $pair: heads read that no rule allows" 0 "$(($(of 3) - before))"
done
[ "$(($(of 2) - requests))" -gt "$((count / 4))" ] ||
	e2e_fail "the attacks end before they begin: $(($(of 2) - requests)) requests were read"
[ "$(($(of 4) - busy))" -gt "$((count / 20))" ] || e2e_fail "hardly a socket was busy: $(($(of 4) - busy)) of $((2 * count))"
echo "ok: at $(($(of 4) - busy)) of $((2 * count)) sockets segments waited until it was no more busy"
echo "ok: $(($(of 2) - requests)) requests were read in $((2 * count)) connections"
