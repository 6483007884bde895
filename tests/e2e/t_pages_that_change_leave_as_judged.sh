#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A hostile sender bound by egress rules sends pages that it can still write to (sendfile, splice), and writes another request
# into them when they have been judged: before the server reads, when the network has lost them and TCP sends them once more,
# and all the time, so that one of many falls between the verdict and the copy; and where a fragment holds it. The server has
# no rules of its own.
. "$(dirname "$0")/lib_pages.sh"
e2e_up
e2e_pages frontend-egress.yaml
# lost WAY ADDRESS [MTU]: the network loses what is sent at first.
lost() {
	rm -f "$E2E"/go.* "$E2E/lost"
	e2e_run frontend timeout 60 python3 tests/e2e/shared_pages.py "$1" "$2" 8080 "$E2E/go" >"$E2E/lost" &
	local client=$!
	e2e_wait 40 test -s "$E2E/lost" || e2e_fail "no connection"
	ip link set backend nomaster
	e2e_wait 2 tc qdisc del dev backend clsact # the daemon takes it for a new device
	[ -z "${3:-}" ] || ip -n frontend link set eth0 mtu "$3"
	touch "$E2E/go.cut"
	e2e_wait 40 test -e "$E2E/go.changed" || e2e_fail "nothing was sent"
	ip link set backend master br0
	wait $client
	tail -n 1 "$E2E/lost"
}
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off

for pod in frontend backend; do
	tc qdisc del dev $pod clsact
done
for at in $BACKEND fd77::4; do
	for way in sendfile behind-a-body splice; do
		e2e_is "$at: $way without the filter: the server reads what nobody has judged" /admin "$(e2e_attack $way $at)"
	done
done
e2e_leave TERM
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
tc qdisc del dev backend clsact # as if the server were on a node without postern
for at in $BACKEND fd77::4; do
	for way in sendfile bound behind-a-body splice zerocopy; do
		e2e_is "$at: $way: the server reads what was judged" /api/x "$(e2e_attack $way $at)"
	done
	touch "$E2E/go"
	e2e_is "$at: what was lost and is sent once more with other bytes" none "$(lost lost $at)"
	build/postern observe --all -o json --verdict DROPPED --traffic-direction egress --pod frontend >"$E2E/told"
	grep '"reason":"repeat-differs"' "$E2E/told" | grep -q "\"destination\":\"$at\"" || e2e_fail "$at: nobody is told of it"
	raced=$(e2e_attack race $at)
	echo "# $at: answers to who changes all the time: $raced"
	[[ $raced =~ /api/x:[0-9] ]] || e2e_fail "$at: nothing passes"
	[[ $raced =~ /admin ]] && e2e_fail "$at: the server has read what nobody has judged: $raced"
	rm "$E2E/go"
done
# The frontend's own kernel cuts what it sends, so that the first fragment says nothing about the next request.
ip -n frontend route change 10.77.0.0/24 dev eth0 src 10.77.0.2 mtu 1500
touch "$E2E/go"
before=$(grep -c /admin "$E2E/up.$BACKEND")
e2e_is "three connections" sent "$(lost lost-in-fragments $BACKEND 68)"
e2e_is "what the server has read of what was sent once more in fragments" 0 $(($(grep -c /admin "$E2E/up.$BACKEND") - before))
