#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The state of a connection lies with its socket, and the kernel bounds what lies there (net.core.optmem_max). When there
# is no place for it, nothing of the connection passes that anybody would have to judge, by a reason that is counted; when
# there is, new connections are as ever. So it is at the server, and at the client, whose process may want it to fail.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
ip netns exec backend sysctl -q net.core.optmem_max >/dev/null 2>&1 ||
	{ echo "this kernel has one net.core.optmem_max for all namespaces"; exit 77; }
usual=$(ip netns exec backend sysctl -n net.core.optmem_max)
room() { ip netns exec "$1" sysctl -qw net.core.optmem_max="$2"; }
# counted DIRECTION REASON
counted() {
	build/postern status --format json |
		python3 -c "import json,sys; print(sum(x['$1'] for x in json.load(sys.stdin)['drops'] if x['reason'] == '$2'))"
}
more() { [ "$(counted "$1" "$2")" -gt "$3" ]; }

# full POD DIRECTION REASON: without room in POD
full() {
	local before at
	e2e_is "$1, before" "200 hello from /api/1" "$(e2e_http frontend "http://$BACKEND:8080/api/1")"
	before=$(counted "$2" "$3")
	room "$1" 200
	for at in $BACKEND "$BACKEND6"; do
		e2e_is "$1, no room, $at: a request that is allowed" none "$(e2e_http frontend --max-time 1 "http://$at:8080/api/no-room")"
		e2e_is "$1, no room, $at: one that is denied" none "$(e2e_http frontend --max-time 1 "http://$at:8080/admin")"
	done
	e2e_wait 5 more "$2" "$3" $((before + 3)) || e2e_fail "$1: not counted as $3: $before, $(counted "$2" "$3")"
	room "$1" "$usual"
	e2e_is "$1, room again" "200 hello from /api/2" "$(e2e_http frontend "http://$BACKEND:8080/api/2")"
	e2e_is "$1, room again, denied" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
}
e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off
full backend ingress unknown-flow
# Their clients have gone, their kernel has not: it repeats what nobody took, and then each of them ends by name.
ended() { [ "$(e2e_events '"reason":"unknown-flow","answer":"kill"')" -eq 4 ]; }
e2e_wait 20 ended || e2e_fail "the connections without state live on"
e2e_stop
e2e_posternd --policy testdata/policies/good/frontend-egress.yaml --inventory testdata/inventory/demo.yaml --courtesy on
full frontend egress no-state
e2e_stop
e2e_is "what nginx has seen beside" "" "$(grep -vE '"GET /api/[12] ' "$E2E/access.log")"
