#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Verdicts on real traffic as flows: followed, filtered, in each form, with the policies that decided, without secrets;
# each line fits the schema of what hubble reads; a reader that stands still delays nobody and is told what it missed.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off --show-header User-Agent
observe() { build/postern observe "$@"; }

e2e_is "before anything" "" "$(observe)"
build/postern observe --follow --print-policy-names >"$E2E/live" 2>"$E2E/live.err" &
follower=$!
followed() { grep -q "\"clients\":2" <(build/postern status --format json); }
e2e_wait 5 followed || e2e_fail "nobody follows"
e2e_is "denied" "403 Access denied" "$(e2e_http frontend -H 'Cookie: id=s3cret' "http://$BACKEND:8080/admin?token=s3cret")"
e2e_is "allowed" "200 hello from /api/x" "$(e2e_http frontend -H 'Authorization: s3cret' "http://$BACKEND6:8080/api/x?q=s3cret")"
e2e_is "dropped" none "$(e2e_http other --max-time 1 "http://$BACKEND:8080/api/x")"
seen() { [ "$(grep -c "$1" "$E2E/live")" -ge 1 ]; }
e2e_wait 5 seen 'policy-verdict:none INGRESS DENIED' || e2e_fail "followed: $(cat "$E2E/live" "$E2E/live.err")"

# line PATTERN: a line of what was followed.
line() { grep -qE "^[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8}\.[0-9]{3}: $1\$" "$E2E/live" || e2e_fail "no line like '$1' in: $(cat "$E2E/live")"; }
rule="default/backend-api \\($E2E/p.yaml:21:17\\)"
line "default/frontend:[0-9]+ \\(ID:[0-9]+\\) -> default/backend:8080 \\(ID:[0-9]+\\) http-request DROPPED \\(HTTP/1.1 GET http://10.77.0.4:8080/admin; DENIED BY $rule; no-rule-l7\\)"
line "default/frontend:[0-9]+ \\(ID:[0-9]+\\) -> default/backend:8080 \\(ID:[0-9]+\\) http-request FORWARDED \\(HTTP/1.1 GET http://\\[fd77::4\\]:8080/api/x; ALLOWED BY $rule; rule-matched\\)"
line "default/frontend:[0-9]+ \\(ID:[0-9]+\\) <- default/backend:8080 \\(ID:[0-9]+\\) http-response FORWARDED \\(HTTP/1.1 200 [0-9]+ms \\(GET http://\\[fd77::4\\]:8080/api/x\\); reply\\)"
line "default/other:[0-9]+ \\(ID:[0-9]+\\) -> default/backend:8080 \\(ID:[0-9]+\\) policy-verdict:none INGRESS DENIED \\(TCP; DENIED BY default/backend-api \\($E2E/p.yaml:12:7\\); no-rule-l4\\)"

observe --all -o jsonpb >"$E2E/flows"
python3 - "$E2E/flows" testdata/flows/flow.schema.json <<-P || e2e_fail "a line does not fit the schema"
	import json, sys
	lines = [json.loads(line) for line in open(sys.argv[1])]
	assert len(lines) >= 4, len(lines)
	try:
	    import jsonschema
	except ImportError:
	    print("no jsonschema here: the schema is left out")
	else:
	    for line in lines:
	        jsonschema.validate(line, json.load(open(sys.argv[2])))
	    print("ok: each line fits the schema:", len(lines) > 3)
P
! grep -q s3cret "$E2E/flows" || e2e_fail "a secret is in the flows"
grep -q '"key":"User-Agent","value":"curl' "$E2E/flows" || e2e_fail "a header that is to be shown is not"
count() { observe --all "$@" | wc -l; }
e2e_is "filter: denied requests" 1 "$(count --verdict DROPPED --protocol http)"
e2e_is "filter: all but other's" 3 "$(count --not --from-pod other)"
e2e_is "filter: path and status" 1 "$(count --http-path '^/api/' --http-status 2+)"
e2e_is "filter: labels and address" 2 "$(count -l app=frontend --ip fd77::/64)"
e2e_is "from a file" "$(observe --all --input-file "$E2E/flows")" "$(observe --all)"
e2e_is "dict" 1 "$(observe --last 1 -o dict | grep -c '^    VERDICT: DENIED$')"
e2e_is "table" "TIMESTAMP SOURCE DESTINATION TYPE VERDICT SUMMARY" "$(observe -o table | head -n 1 | tr -s ' ')"
kill $follower
wait $follower 2>/dev/null
alone() { grep -q "\"clients\":1" <(build/postern status --format json); }
e2e_wait 5 alone || e2e_fail "who has gone still counts"
e2e_is "nobody follows" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
e2e_is "and allowed requests are not reported" 1 "$(count --http-path '^/api/' --type l7 --not --http-status 2+)"

# A reader that stops reading: requests go on, and when it reads again it is told what it has missed.
mkfifo "$E2E/fifo"
build/postern observe --follow -o json >"$E2E/fifo" 2>/dev/null &
exec 5<"$E2E/fifo"
e2e_wait 5 followed || e2e_fail "the slow reader does not follow"
before=$(wc -l <"$E2E/events")
started=$(date +%s%N)
e2e_run frontend curl -s -o /dev/null "http://$BACKEND:8080/api/[1-6000]"
echo "ok: 6000 requests in $((($(date +%s%N) - started) / 1000000)) ms beside a reader that stands still"
e2e_is "status is answered meanwhile" ok "$(build/postern status --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)["health"])')"
sleep 0.5
timeout 5 cat <&5 >"$E2E/slow"
lost=$(grep -o '"source":"HUBBLE_RING_BUFFER","num_events_lost":"[0-9]*' "$E2E/slow" | grep -o '[0-9]*$' | awk '{ n += $1 } END { print n + 0 }')
[ "$lost" -gt 0 ] || e2e_fail "nothing was lost, or it is not said: $(wc -l <"$E2E/slow") lines"
# As many as there were events: what the kernel had no room for is in neither.
e2e_is "flows seen and lost" "$(($(wc -l <"$E2E/events") - before))" "$((lost + $(grep -c '"flow":' "$E2E/slow")))"
exec 5<&-

for wrong in '--verdict MAYBE' '--http-path (' '--ip 10.0.0.0/33' '--not'; do
	# shellcheck disable=SC2086 # words
	observe $wrong 2>"$E2E/err"
	e2e_is "a bad filter, $wrong" 2 $?
done
observe --input-file "$E2E/nowhere" 2>"$E2E/err"
e2e_is "a file that is not there" 3 $?
observe -o json >/dev/full 2>"$E2E/err"
e2e_is "no room for the output" 3 $?
exit 0
