#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job: allowed requests pass, denied ones are answered and never arrive, other pods get no answer.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --events all

for to in "$BACKEND" "$BACKEND6"; do
	e2e_is "allowed request to $to" "200 hello from /api/v1/users" "$(e2e_http frontend "http://$to:8080/api/v1/users")"
	e2e_is "denied method" "403 Access denied" "$(e2e_http frontend -X DELETE "http://$to:8080/api/v1/users")"
	e2e_is "denied path" "403 Access denied" "$(e2e_http frontend "http://$to:8080/admin")"
	e2e_is "HEAD is not GET" "403 " "$(e2e_http frontend -I -o /dev/null "http://$to:8080/api/v1/users")"
	e2e_is "another pod" none "$(e2e_http other --max-time 1 "http://$to:8080/api/v1/users")"
	e2e_is "another port of an allowed pod" none "$(e2e_http frontend --max-time 1 "http://$to:8081/")"
done
complete() { [ "$(wc -l <"$E2E/access.log")" -ge 2 ]; } # nginx writes behind its answer
e2e_wait 3 complete
e2e_is "what nginx has seen" 2 "$(wc -l <"$E2E/access.log")"
e2e_wait 2 test -s "$E2E/events"
e2e_is "denials by HTTP rules" 6 "$(e2e_events '"verdict":"deny","reason":"no-rule-l7","answer":"daemon"')"
e2e_is "allowed events name the rule" 2 "$(e2e_events '"verdict":"allow".*"rule":"testdata/policies/good/backend-api.yaml:[0-9]+:[0-9]+"')"
[ "$(e2e_events '"layer":"l3l4".*"reason":"no-rule-l4"')" -ge 4 ] || e2e_fail "dropped SYNs are not reported"
