#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files change while the daemon runs: by edit, by SIGHUP, for the worse and for the better. Open connections follow
# at the next request; 30 reloads under load disturb nobody.
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
rm "$E2E/p.yaml"
kill -HUP "$E2E_DAEMON"
e2e_wait 5 test "$(grep -c 'stays in force' "$E2E/log")" -ge 1
e2e_is "also without the file" "200 hello from /v2/x" "$(ask /v2/x)"
put $GOOD
e2e_wait 5 grep -q 'generation 3 is in force' "$E2E/log" || e2e_fail "the repaired file is not taken"
e2e_is "repaired" "200 hello from /api/x" "$(ask /api/x)"

e2e_run frontend wrk -t1 -c8 -d6s "http://$BACKEND:8080/api/x" >"$E2E/wrk" 2>&1 &
load=$!
for i in $(seq 15); do
	put "$E2E/both.yaml" 2>/dev/null || sed 's,/api/\.\*,/(api|v2)/.*,' $GOOD >"$E2E/both.yaml"
	sleep 0.15
	put $GOOD
	sleep 0.15
done
wait $load
cat "$E2E/wrk"
e2e_is "failed requests under reloads" 0 "$(grep -cE 'Non-2xx|Socket errors' "$E2E/wrk")"
[ "$(grep -c 'is in force' "$E2E/log")" -ge 15 ] || e2e_fail "too few reloads to show anything"

e2e_stop
e2e_is "after SIGTERM nothing is enforced" "200 hello from /admin" "$(ask /admin)"
