#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two nodes with a daemon each: the client's pod is on one, bound by egress rules, the server's on the other, bound by
# ingress rules. Each judges what is its own; a denial of either is answered; pages that change behind a verdict gain nothing,
# whichever of the two enforces; when one daemon is killed, or follows another policy, the other does what it did.
. "$(dirname "$0")/lib.sh"
e2e_up

# The backend's end of the wire goes to a node of its own. The link between the two is a veth here, and no pod's.
ip netns add node2
ip link set backend netns node2
ip -n node2 link add br0 type bridge
ip link add wire type veth peer name wire netns node2
ip link set wire master br0 up
for device in lo br0 wire backend; do
	ip -n node2 link set $device up
done
ip -n node2 link set wire master br0
ip -n node2 link set backend master br0
ip -n node2 addr add 10.77.0.9/24 dev br0
ip -n node2 -6 addr add fd77::9/64 dev br0 nodad

mkdir "$E2E_CGROOT/$E2E_CGROUP/1" "$E2E_CGROOT/$E2E_CGROUP/2"
ONE=$E2E_CGROUP/1 TWO=$E2E_CGROUP/2
E2E_CGROUP=$ONE
on_two() { E2E_CGROUP=$TWO "$@"; }
INV=testdata/inventory/demo.yaml
sed 's/method: GET/method: GET|POST/' testdata/policies/good/frontend-egress.yaml >"$E2E/egress.yaml"
sed 's/method: GET/method: GET|POST/' testdata/policies/good/backend-api.yaml >"$E2E/ingress.yaml"

# A daemon takes the wire for a pod's when it starts.
no_filters_on_the_wire() {
	e2e_wait 5 tc qdisc del dev wire clsact || e2e_fail "node 1 has no filters on its devices"
}
no_filters_on_its_end() {
	e2e_wait 5 tc -n node2 qdisc del dev wire clsact || e2e_fail "node 2 has no filters on its devices"
}
# It sees its own network and the mounts of this test.
start_two() {
	: >"$E2E/log.2"
	nsenter --net=/run/netns/node2 build/posternd --cgroup "$TWO" --pin-dir "$E2E/bpf/two" --socket "$E2E/two.sock" \
		--events-file "$E2E/events.2" --policy "$1" --inventory $INV --courtesy off 2>"$E2E/log.2" &
	SECOND=$!
	e2e_wait 30 grep -q 'enforcing below' "$E2E/log.2" || e2e_fail "no daemon on the second node: $(cat "$E2E/log.2")"
}
stop_two() {
	kill -"${1:-TERM}" $SECOND
	wait $SECOND 2>/dev/null
}
detach_two() {
	stop_two
	nsenter --net=/run/netns/node2 build/posternd --detach --pin-dir "$E2E/bpf/two" 2>/dev/null || e2e_fail "node 2 is not detached"
}
# denials NODE PATH: how many it tells of
denials() {
	local pattern="\"verdict\":\"deny\".*\"path\":\"$2\""
	if [ "$1" = 1 ]; then
		e2e_events "$pattern"
	else
		timeout 5 build/postern status --socket "$E2E/two.sock" >/dev/null # what was decided is in the file then
		grep -c "$pattern" "$E2E/events.2"
	fi
}

on_two e2e_nginx
e2e_posternd --policy "$E2E/egress.yaml" --inventory $INV --courtesy off
start_two "$E2E/ingress.yaml"
no_filters_on_the_wire
no_filters_on_its_end
for at in $BACKEND "$BACKEND6"; do
	e2e_is "$at: what both allow" "200 hello from /api/x" "$(e2e_http frontend "http://$at:8080/api/x")"
	e2e_is "$at: what the client's node denies" "403 Access denied" "$(e2e_http frontend "http://$at:8080/admin")"
	e2e_is "$at: what the server's node denies" "403 Access denied" "$(e2e_http frontend "http://$at:8080/healthz")"
	e2e_is "$at: a pod that the server's node does not let in" none "$(e2e_http other --max-time 1 "http://$at:8080/api/x")"
done
e2e_is "who tells of what the client's node denies" "2 0" "$(denials 1 /admin) $(denials 2 /admin)"
e2e_is "who tells of what the server's node denies" "0 2" "$(denials 1 /healthz) $(denials 2 /healthz)"
e2e_is "requests that arrived" "2 /api/x" "$(awk '{ print $7 }' "$E2E/access.log" | sort | uniq -c | xargs)"

# The nodes follow their own files; open connections are judged by what each has.
sed 's,/api/,/v2/,' "$E2E/ingress.yaml" >"$E2E/other.yaml"
detach_two
start_two "$E2E/other.yaml"
e2e_is "another policy on node 2" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
stop_two KILL
e2e_is "without its daemon, a denial is no answer" none "$(e2e_http frontend --max-time 2 "http://$BACKEND:8080/api/x")"
e2e_is "and node 1 goes on" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
start_two "$E2E/ingress.yaml"
e2e_is "its next daemon takes over" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
e2e_leave KILL
e2e_is "without a daemon on node 1" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND6:8080/api/x")"
e2e_is "what node 1 denies is no answer" none "$(e2e_http frontend --max-time 2 "http://$BACKEND:8080/admin")"
e2e_posternd --policy "$E2E/egress.yaml" --inventory $INV --courtesy off
no_filters_on_the_wire
no_filters_on_its_end
pkill -F "$E2E/nginx.pid"

# A sender that changes its pages: either node sees to it alone, and both together.
for at in $BACKEND fd77::4; do
	on_two e2e_run backend python3 tests/e2e/shared_pages.py serve $at 8080 "$E2E/go" >"$E2E/up.$at" &
	e2e_wait 20 test -s "$E2E/up.$at" || e2e_fail "no server"
done
attack() { e2e_run frontend timeout 20 python3 tests/e2e/shared_pages.py "$1" "$2" 8080 "$E2E/go" 2>&1 | tail -n 1; }
attacks() { # WHO WAY...
	for at in $BACKEND fd77::4; do
		for way in "${@:2}"; do
			e2e_is "$at: $way, $1: the server reads what was judged" /api/x "$(attack "$way" $at)"
		done
	done
}
attacks "both nodes" sendfile behind-a-body splice zerocopy
e2e_stop
attacks "the server's node alone" sendfile behind-a-body splice
detach_two
e2e_posternd --policy "$E2E/egress.yaml" --inventory $INV --courtesy off
no_filters_on_the_wire
attacks "the client's node alone" sendfile behind-a-body splice
