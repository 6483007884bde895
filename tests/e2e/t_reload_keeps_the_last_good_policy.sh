#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files change while the daemon runs: by edit, by SIGHUP, for the worse and for the better: the last good policy
# holds, and the mistake is reported with its place.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
GOOD=testdata/policies/good/backend-api.yaml
cp $GOOD "$E2E/p.yaml"
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
ask() { e2e_http frontend "http://$BACKEND:8080$1"; }
put() { cp "$1" "$E2E/new" && mv "$E2E/new" "$E2E/p.yaml"; }

sed 's,/api/,/v2/,' $GOOD >"$E2E/v2.yaml"
put "$E2E/v2.yaml"
e2e_wait 5 grep -q 'generation 2 is in force' "$E2E/log" || e2e_fail "no reload"
e2e_is "after an edit" "200 hello from /v2/x" "$(ask /v2/x)"
e2e_is "what was allowed before" "403 Access denied" "$(ask /api/x)"

sed 's/fromEndpoints/fromEndpoint/' $GOOD >"$E2E/bad.yaml"
put "$E2E/bad.yaml"
e2e_wait 5 grep -q 'generation 2 stays in force' "$E2E/log" || e2e_fail "the bad file is not reported"
grep -qE 'p.yaml:[0-9]+:[0-9]+: error: .*fromEndpoint' "$E2E/log" || e2e_fail "no place in the report"
e2e_is "the last good policy holds" "200 hello from /v2/x" "$(ask /v2/x)"
refusals() { [ "$(grep -c 'stays in force' "$E2E/log")" -eq "$1" ]; }
rm "$E2E/p.yaml"
e2e_wait 5 refusals 2 || e2e_fail "the removed file is not reported"
kill -HUP "$E2E_DAEMON"
e2e_wait 5 refusals 3 || e2e_fail "SIGHUP does not try again"
e2e_is "also without the file" "200 hello from /v2/x" "$(ask /v2/x)"
put $GOOD
e2e_wait 5 grep -q 'generation 3 is in force' "$E2E/log" || e2e_fail "the repaired file is not taken"
e2e_is "repaired" "200 hello from /api/x" "$(ask /api/x)"

e2e_stop
e2e_is "after SIGTERM nothing is enforced" "200 hello from /admin" "$(ask /admin)"
