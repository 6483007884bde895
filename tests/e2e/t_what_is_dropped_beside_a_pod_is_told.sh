#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the host's side of a pod drops, whatever the policy says, is counted each time and told of now and then, with the pods
# on both sides: on its way to a pod and from one, over both families. In audit it passes, and is told of as that.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
INV=testdata/inventory/demo.yaml
mkdir "$E2E/p"
cp testdata/policies/good/{backend-api,frontend-egress}.yaml "$E2E/p/"
# Outside of the cgroup: the judge at the sender's socket would drop it first.
unreadable() { ip netns exec "$1" python3 tests/e2e/unreadable.py "$2" 40 || e2e_fail "nothing was sent"; }
told() { build/postern observe --all -o json | grep '"reason":"bad-packet"' | grep -c "$1"; }
is_told() { [ "$(told "$1")" -ge 1 ]; }
counted() {
	build/postern status --format json | python3 -c "
import json, sys
s = json.load(sys.stdin)
print(sum(d['$2'] for d in s['$1'] if d['reason'] == 'bad-packet'))"
}
# once VERDICT FROM TO DIRECTION: told of more than not at all, and less than each time.
once() {
	local line="\"verdict\":\"$1\".*\"source\":{[^}]*\"pod_name\":\"$2\".*\"destination\":{[^}]*\"pod_name\":\"$3\".*\"traffic_direction\":\"$4\""
	e2e_wait 5 is_told "$line" || e2e_fail "no event for $2 -> $3: $(build/postern observe --all -o json | tail -n 5)"
	[ "$(told "$line")" -lt 20 ] || e2e_fail "$2 -> $3: each packet is told of: $(told "$line")"
	echo "ok: $2 -> $3 is told of, $(told "$line") times for 40 packets in each family"
}

# Both families.
both() {
	unreadable "$1" $BACKEND
	unreadable "$1" fd77::4
}
starts() { e2e_posternd --policy "$1" --inventory $INV --courtesy off "${@:2}"; }

starts "$E2E/p/backend-api.yaml"
both other
once DROPPED other backend INGRESS
e2e_is "on its way to a pod, each is counted" 80 "$(counted drops ingress)"
e2e_stop

starts "$E2E/p"
e2e_is "a sender is judged" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
both frontend
once DROPPED frontend backend EGRESS
e2e_is "on its way from one, each is counted" "80 0" "$(counted drops egress) $(counted drops ingress)"
e2e_is "whole connections go on" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND6:8080/api/x")"
e2e_stop

starts "$E2E/p" --audit
e2e_is "a sender is judged" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
both frontend
once AUDIT frontend backend EGRESS
once AUDIT frontend backend INGRESS
e2e_is "in audit they pass the one and come to the other" "80 80" "$(counted audited egress) $(counted audited ingress)"
e2e_is "nothing is denied" "0 0" "$(counted drops egress) $(counted drops ingress)"
