#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who is denied gets no answer, also where no socket listens and the pod's kernel would answer by itself: no reset, no
# "port unreachable", no echo reply. Who is allowed gets the kernel's usual answers, and the endpoint's own questions
# are answered. The filters come with devices, end with enforcement and leave nothing.
. "$(dirname "$0")/lib.sh"
e2e_up
cat >"$E2E/policy.yaml" <<'Y'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: backend, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: backend } }
  ingress:
    - fromEndpoints: [{ matchLabels: { app: frontend } }]
Y
# asks POD ADDRESS PORT QUESTION...
asks() { e2e_run "$1" python3 tests/e2e/probe_ports.py "${@:2}"; }
all() { asks "$1" "$2" 81 syn udp fragments ack ping proto; }
usual="reset unreachable unreachable reset reply unreachable"
nothing="nothing nothing nothing nothing nothing nothing"
addresses="$BACKEND fd77::4"
filters() { for pod in frontend other backend admin; do tc filter show dev $pod egress; tc filter show dev $pod ingress; done | grep -c pst_; }
qdiscs() { tc qdisc show | grep -c clsact; }

for at in $addresses; do
	e2e_is "$at: without enforcement anybody learns what is there" "$usual" "$(all other "$at")"
done
e2e_nginx
tc qdisc add dev other clsact
tc filter add dev other egress protocol ip prio 7 bpf bytecode '1,6 0 0 0,' flowid 1:1
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml
e2e_is "filters on four pods, both ways" 8 "$(filters)"
for at in $addresses; do
	e2e_is "$at: a peer who is allowed" "$usual" "$(all frontend "$at")"
	e2e_is "$at: a peer who is denied" "$nothing" "$(all other "$at")"
	e2e_is "$at: the denied peer, where somebody listens" "nothing nothing" "$(asks other "$at" 8080 syn ack)"
	e2e_is "$at: the allowed one there" "open reset" "$(asks frontend "$at" 8080 syn ack)"
done
for protocol in TCP UDP ICMP ICMPv6; do
	[ "$(e2e_events "\"reason\":\"no-rule-l4\".*\"protocol\":\"$protocol\"")" -ge 1 ] ||
		e2e_fail "denied $protocol is not reported: $(cut -c 1-200 "$E2E/events" | tail -n 3)"
done
for at in 10.77.0.3 fd77::3; do
	e2e_is "$at: a pod without policy, asked by the backend" "reset unreachable unreachable reset reply" \
		"$(asks backend "$at" 81 syn udp fragments ack ping)"
done
# The backend's own connection, of which nothing is left there when the other end still sends.
cat >"$E2E/own.py" <<'P'
import socket, struct, sys
listener = socket.create_server(("10.77.0.3", 9000)) if sys.argv[1] == "serve" else None
if listener:
    print("up", flush=True)
    s = listener.accept()[0]
    s.settimeout(5)
    try:
        while s.send(b"x" * 100000):
            pass
    except OSError as e:
        print(type(e).__name__, flush=True)
else:
    s = socket.create_connection(("10.77.0.3", 9000))
    s.recv(10)
P
e2e_run other python3 "$E2E/own.py" serve >"$E2E/own" &
e2e_wait 20 grep -q up "$E2E/own" || e2e_fail "no server"
e2e_run backend python3 "$E2E/own.py" call
e2e_wait 10 grep -q ConnectionResetError "$E2E/own" || e2e_fail "a server that the backend had called is not reset: $(cat "$E2E/own")"

# A pod that comes later.
e2e_pod late 6
new() { tc filter show dev late egress | grep -q pst_to_pod; }
e2e_wait 5 new || e2e_fail "a new device has no filter"
ip netns del late

e2e_leave KILL
e2e_is "the daemon is gone, its pins are not: denied" "$nothing" "$(all other $BACKEND)"
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml
e2e_is "the next one's filters" 8 "$(filters)"
e2e_is "denied by the next one" "$nothing" "$(all other $BACKEND)"
e2e_stop
e2e_is "detached: what is there may be learnt" "$usual" "$(all other $BACKEND)"
e2e_is "filters that are left" 0 "$(filters)"
e2e_is "qdiscs that are left: the one with a filter of somebody else" 1 "$(qdiscs)"

# Without pins the kernel empties the programs' map with the daemon, however that ends.
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --no-pins
e2e_is "without pins: denied" "$nothing" "$(all other $BACKEND)"
e2e_leave KILL
e2e_is "without pins, killed: nothing is enforced" "$usual" "$(all other $BACKEND)"
