#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A raw socket that puts a request into another socket's connection, by the client's rules; with the filters at the pod's
# device, and without. And multipath TCP, of which no path shows all: a listener that is older than the daemon.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
counted() { [ "$(e2e_events "\"reason\":\"$1\"")" -ge "$2" ]; }
beside() { e2e_run frontend timeout 20 python3 tests/e2e/raw.py beside $BACKEND 8080 "$1"; }
ip netns exec frontend sysctl -qw net.ipv4.tcp_timestamps=0

e2e_is "un-enforced: beside a raw socket" "200 sent" "$(beside /admin-before)"
e2e_wait 5 grep -q admin-before "$E2E/access.log" || e2e_fail "the raw socket's request does not arrive, un-enforced"
e2e_posternd --policy testdata/policies/good/frontend-egress.yaml --inventory testdata/inventory/demo.yaml --courtesy off
e2e_is "beside a raw socket" "200 refused" "$(beside /admin)"
e2e_wait 5 counted raw-socket 1 || e2e_fail "the raw socket's packet is not dropped as such"
tc qdisc del dev frontend clsact || e2e_fail "there are no filters"
e2e_is "beside a raw socket, without filters" "200 refused" "$(beside /admin)"
e2e_wait 5 counted raw-socket 2 || e2e_fail "the raw socket's packet is not dropped as such, without filters"
e2e_stop
e2e_is "raw requests at the server" "" "$(grep '/admin ' "$E2E/access.log")"

e2e_run backend python3 tests/e2e/raw.py serve 8090 >"$E2E/ready" 2>&1 &
e2e_wait 20 test -s "$E2E/ready"
grep -q ready "$E2E/ready" || { echo "left out: this kernel has no multipath TCP"; exit 0; }
sed 's/"8080"/"8090"/' testdata/policies/good/backend-api.yaml >"$E2E/policy.yaml"
multipath() { ip netns exec frontend timeout 20 python3 tests/e2e/raw.py multipath $BACKEND 8090 2>&1; } # a remote client
e2e_is "un-enforced, multipath" "200 multipath" "$(multipath)"
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
got=$(multipath)
e2e_is "a listener of before, multipath" none "${got% *}"
e2e_wait 5 counted mptcp 1 || e2e_fail "multipath is not denied as such"
e2e_stop
