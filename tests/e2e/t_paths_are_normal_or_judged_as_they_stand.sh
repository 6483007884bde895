#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --paths any judges paths as they stand. Without it the same ones are denied by name; what no form excuses always is.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
start() { e2e_posternd --policy testdata/http/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy off --events all "$@"; }
ask() { e2e_http frontend --path-as-is "http://$BACKEND:8080$1" | cut -d ' ' -f 1; }

start
e2e_is "an empty segment" 403 "$(ask /api//x)"
e2e_is "dot segments" 403 "$(ask /api/y/../x)"
e2e_is "an escaped letter" 403 "$(ask /api/%78)"
for reason in empty-segment dot-segment escape; do
	denied() { e2e_events "\"reason\":\"target-$reason\"" >/dev/null; }
	e2e_wait 2 denied || e2e_fail "not denied as target-$reason"
done
e2e_stop

start --paths any
e2e_is "an empty segment, as it stands" 200 "$(ask /api//x)"
e2e_is "dot segments, as they stand" 200 "$(ask /api/y/../x)"
e2e_is "an escaped letter, as it stands" 200 "$(ask /api/%78)"
e2e_is "what only becomes the rule's text" 403 "$(ask /%61pi/x)"
e2e_is "an escaped zero" 403 "$(ask /api/%00)"
e2e_is "a backslash" 403 "$(ask '/api/a\b')"
named() { grep '"verdict":"allow".*"path":"/api/y/../x"' "$E2E/events" | grep -q '"policy":"default/vectors"'; }
e2e_wait 2 named || e2e_fail "the event of an allowed request does not name its rule"
e2e_stop
# nginx writes the path as it came.
got() { awk '{ print $7 }' "$E2E/access.log" | xargs; }
read_as_it_came() { [ "$(got)" = "/api//x /api/y/../x /api/%78" ]; }
e2e_wait 3 read_as_it_came || e2e_fail "nginx has read '$(got)'"
# vectors NAME VERDICT EXPECTED PORT, from the golden ones
start --paths any
wrong=$(e2e_run frontend timeout 60 python3 tests/e2e/vectors.py testdata/http/paths.md $BACKEND 8080 |
	awk '{ if ($2 != ($3 == "allow" ? "allow" : "deny")) print }')
e2e_is "golden paths with another verdict" "" "$wrong"
