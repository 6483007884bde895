#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Paths that one automaton cannot hold are divided among four, and the kernel walks all of them: each rule allows what it
# says and nothing else, wherever the packets cut the path. What four cannot hold is denied by name.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
policy=testdata/http/divided.yaml inventory=testdata/inventory/demo.yaml
build/postern compile $policy --inventory $inventory -o "$E2E/bundle" >"$E2E/report" || e2e_fail "it does not compile"
e2e_is "one automaton cannot hold them" 1 "$(grep -c 'judged in the kernel, paths in 4 automata: .* need more than' "$E2E/report")"
e2e_posternd --policy $policy --inventory $inventory --courtesy off --events all

ask() {
	local want=$1 path=$2
	shift 2
	e2e_is "$* ${path//step\//}" "$want" "$(e2e_http frontend -o /dev/null "$@" "http://$BACKEND:8080$path" | tr -d ' ')"
}
long=/$(printf 'step/%.0s' {1..20}) # the path goes on for several chunks of the recogniser
while read -r method first second; do
	ask 200 "/v1/$first/7/$second" -X "$method"
	ask 200 "$long$first$long$second" -X "$method"
	ask 403 "$long$first${long}s$second" -X "$method"
done <<'R'
GET accounts balance
POST carts items
PUT orders state
GET queues depth
R
ask 200 /health
ask 403 /healthy
ask 403 /v1/keys/7/public -X PATCH
ask 200 /v1/images/1/thumb.png -H 'Host: b.example'
ask 403 /v1/images/1/thumb.png -H 'Host: c.example'
bytes() { e2e_run frontend timeout 20 python3 tests/e2e/conn.py $BACKEND 8080 "bytes:GET $1 HTTP/1.1\r\nHost: b\r\n\r\n" read; }
e2e_is "byte by byte" "200 hello from ${long}jobs/1/log" "$(bytes "${long}jobs/1/log")"
e2e_is "denied byte by byte" "403 Access denied" "$(bytes "${long}jobs/1/logs")"
e2e_stop

e2e_posternd --policy $policy --inventory $inventory --courtesy on
ask 200 /v1/events/1/notes
ask 403 /v1/notes/1/events
answered() { [ "$(e2e_events '"reason":"no-rule-l7","answer":"kernel"')" = 1 ]; }
e2e_wait 2 answered || e2e_fail "it is not answered at the sender"
e2e_stop

{
	sed '/http:/q' $policy
	for word in {a..z}{x..y}; do
		echo "              - path: /.*/${word}0/.*/${word}1"
	done
} >"$E2E/too-much.yaml"
e2e_posternd --policy "$E2E/too-much.yaml" --inventory $inventory --courtesy off --proxy off
grep -q 'does not fit the kernel.*patterns together need more than' "$E2E/log" || e2e_fail "the log does not say what is too much"
ask 403 /v1/ax0/7/ax1
denied() { [ "$(e2e_events '"reason":"fallback-unavailable"')" -ge 1 ]; }
e2e_wait 2 denied || e2e_fail "it is not denied by name"
