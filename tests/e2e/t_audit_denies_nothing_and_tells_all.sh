#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# posternd --audit: each kind of request, connection and packet that enforcement denies passes, and is told with verdict
# AUDIT and the reason of the denial; what is allowed is told as allowed. Then the same pins in earnest: it is denied.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
INV=testdata/inventory/demo.yaml
e2e_posternd --policy "$E2E/p.yaml" --inventory $INV --courtesy on --audit --metrics 127.0.0.1:9970
# audited REASON: how many flows are told as AUDIT for it, once they have come.
audited() { build/postern observe --all --verdict AUDIT -o json | grep -c "\"reason\":\"$1\""; }
is_audited() { [ "$(audited "$1")" -ge "$2" ]; }
told() { e2e_wait 5 is_audited "$@" || e2e_fail "no AUDIT for $1: $(build/postern observe --all)"; echo "ok: AUDIT for $1"; }
# raw POD BYTES: what the backend answers to them; it is sent as it stands.
raw() { e2e_run "$1" timeout 3 bash -c "exec 3<>/dev/tcp/$BACKEND/8080; printf '$2' >&3; cat <&3"; }
status() { build/postern status --format json | python3 -c "import json,sys; s=json.load(sys.stdin); print($1)"; }

e2e_is "it is said" 1 "$(build/postern status | grep -c '^AUDIT')"
e2e_is "and in the log" 1 "$(grep -c 'audit: nothing is denied' "$E2E/log")"
e2e_is "an allowed request" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
e2e_is "a denied one passes" "200 hello from /admin" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
told no-rule-l7 1
e2e_is "three on one connection" "hello from /admin1 hello from /api/2 hello from /admin3" \
	"$(e2e_run frontend curl -s "http://$BACKEND:8080/admin1" "http://$BACKEND:8080/api/2" "http://$BACKEND:8080/admin3" | tr '\n' ' ' | sed 's/ $//')"
told no-rule-l7 3
e2e_is "each is judged" 3 "$(audited no-rule-l7)"
e2e_is "a denied body passes" "200 hello from /up" "$(e2e_http frontend --data-binary @testdata/policies/good/backend-api.yaml "http://$BACKEND6:8080/up")"
told no-rule-l7 4
e2e_is "a stranger gets in" "200 hello from /api/x" "$(e2e_http other "http://$BACKEND:8080/api/x")"
told no-rule-l4 1
e2e_is "to another port, too" "200 hello from /" "$(e2e_http frontend "http://$BACKEND:8081/")"
told no-rule-l4 2
e2e_is "ping" 0 "$(e2e_run other ping -c 1 -W 1 $BACKEND >/dev/null; echo $?)"
told no-rule-l4 3

# Two Content-Lengths that agree: nginx refuses them, so the answer shows that they came to it.
grep -q '^HTTP/1.1 400' <(raw frontend 'POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n') ||
	e2e_fail "a malformed request did not reach the server"
told content-length-repeated 1
# What nginx takes and the judge does not: the stream goes on unjudged, which is told once.
got=$(raw frontend 'GET /api//x HTTP/1.1\r\nHost: b\r\n\r\nGET /admin HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n' | grep -c '^hello')
e2e_is "a path not in normal form, and what follows" 2 "$got"
told target-empty-segment 1
e2e_is "what follows is not told" 4 "$(audited no-rule-l7)"

e2e_is "no flow is told as dropped" 0 "$(build/postern observe --all --verdict DROPPED | wc -l)"
e2e_is "nothing is counted as dropped" "[]" "$(status "[d for d in s['drops'] if d['reason'] not in ('out-of-order', 'policy-renewed')]")"
e2e_is "it is counted as audited" 4 "$(status "[d['ingress'] for d in s['audited'] if d['reason'] == 'no-rule-l7'][0]")"
e2e_is "in the metrics as well" 4 "$(curl -s http://127.0.0.1:9970/metrics | awk '$1 == "postern_audit_count_total{reason=\"no-rule-l7\",direction=\"INGRESS\"}" { print $2 }')"
e2e_is "events" "4 0" "$(e2e_events '"verdict":"audit".*"reason":"no-rule-l7"') $(e2e_events '"verdict":"deny"')"

# In earnest: a connection that audit has followed is judged on; the next denial is one.
mkfifo "$E2E/in"
e2e_run frontend bash -c "exec 3<>/dev/tcp/$BACKEND/8080; cat <&3 >$E2E/out & cat $E2E/in >&3" &
exec 6>"$E2E/in"
printf 'GET /admin4 HTTP/1.1\r\nHost: b\r\n\r\n' >&6
came() { grep -q "hello from /$1" "$E2E/out"; }
e2e_wait 5 came admin4 || e2e_fail "in audit: $(cat "$E2E/out")"
e2e_leave TERM
e2e_posternd --policy "$E2E/p.yaml" --inventory $INV --courtesy off
e2e_is "audit is over" 0 "$(build/postern status | grep -c '^AUDIT')"
printf 'GET /api/5 HTTP/1.1\r\nHost: b\r\n\r\n' >&6
e2e_wait 5 came api/5 || e2e_fail "an open connection does not go on: $(cat "$E2E/out")"
printf 'GET /admin6 HTTP/1.1\r\nHost: b\r\n\r\n' >&6
e2e_wait 5 grep -q '403 Forbidden' "$E2E/out" || e2e_fail "in earnest: $(cat "$E2E/out")"
! came admin6 || e2e_fail "a denied request has passed"
exec 6>&-
e2e_is "denied" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
e2e_is "and a stranger" none "$(e2e_http other --max-time 1 "http://$BACKEND:8080/api/x")"

# And back: what was denied passes again, at once.
e2e_leave KILL
e2e_posternd --policy "$E2E/p.yaml" --inventory $INV --courtesy off --audit
e2e_is "in audit again" "200 hello from /admin" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
exit 0
