#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The control socket: status, endpoints and policy of a daemon at work; a file that turns bad is in the status; a socket
# that is taken stops the start and nothing else; one that a killed daemon left is replaced.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
INV=testdata/inventory/demo.yaml
e2e_posternd --policy "$E2E/p.yaml" --inventory $INV --courtesy off
SOCK=/run/postern/posternd.sock
# status PATH: a value of the status, by a path for python.
status() { build/postern status --format json | python3 -c "import json,sys; s=json.load(sys.stdin); print($1)"; }

e2e_is "mode of the socket" "660 socket" "$(stat -c '%a %F' $SOCK)"
e2e_is "health" ok "$(status "s['health']")"
e2e_is "generation" 1 "$(status "s['generation']")"
e2e_is "sources" "['$E2E/p.yaml', '$INV']" "$(status "[x['path'] for x in s['sources']]")"
e2e_is "rule sets" "1 0" "$(status "s['rulesets']['kernel'], s['rulesets']['fallback']" | tr -d '(,)')"
e2e_is "drops at first" "[]" "$(status "[x for x in s['drops'] if x['ingress']]")"
e2e_is "denied request" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
e2e_is "drops by reason" 1 "$(status "[x['ingress'] for x in s['drops'] if x['reason'] == 'no-rule-l7'][0]")"
build/postern status >"$E2E/status" || e2e_fail "postern status ended with $?"
grep -q '^health       OK$' "$E2E/status" || e2e_fail "the text form: $(cat "$E2E/status")"
grep -qE '^default/backend +[0-9]+  enforced  open +10.77.0.4,fd77::4 .*k8s:app=backend' <(build/postern endpoints) ||
	e2e_fail "endpoints: $(build/postern endpoints)"
grep -qF "$E2E/p.yaml:21:17 spec.ingress[0].toPorts[0].rules.http[0] method \"GET\" target \"/api/.*\"" <(build/postern policy get) ||
	e2e_fail "policy get: $(build/postern policy get)"

sed -i 's/toPorts/toPort/' "$E2E/p.yaml"
stale() { [ "$(status "s['health']")" = stale ]; }
e2e_wait 5 stale || e2e_fail "a bad file is not in the status"
grep -qE "^$E2E/p.yaml:[0-9]+:[0-9]+: error: .*toPort" <(build/postern status) || e2e_fail "no place in the status"
e2e_is "the generation stays" 1 "$(status "s['generation']")"
e2e_is "and so does what it denies" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"

cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
build/posternd --policy "$E2E/p.yaml" --inventory $INV --cgroup "$E2E_CGROUP" --no-pins --socket $SOCK 2>"$E2E/second"
e2e_is "a socket that is taken: exit status" 3 $?
grep -qF "the control socket $SOCK: another process, probably a posternd, listens there" "$E2E/second" ||
	e2e_fail "$(cat "$E2E/second")"
e2e_is "the first one goes on" ok "$(status "s['health']")"
e2e_is "and denies" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
: >"$E2E/file"
build/posternd --policy "$E2E/p.yaml" --inventory $INV --cgroup "$E2E_CGROUP" --no-pins --socket "$E2E/file" 2>"$E2E/second"
e2e_is "a socket that is a file: exit status" 3 $?
grep -q 'something else than a socket' "$E2E/second" || e2e_fail "$(cat "$E2E/second")"

e2e_leave KILL
build/postern status 2>"$E2E/second"
e2e_is "without a daemon" 3 $?
grep -q 'no posternd answers' "$E2E/second" || e2e_fail "$(cat "$E2E/second")"
e2e_posternd --policy "$E2E/p.yaml" --inventory $INV --courtesy off --socket $SOCK
e2e_is "a socket that was left behind is replaced" ok "$(status "s['health']")"
e2e_is "counters go on" True "$(status "[x['ingress'] for x in s['drops'] if x['reason'] == 'no-rule-l7'][0] >= 3")"
e2e_stop
[ ! -e $SOCK ] || e2e_fail "the socket is still there"
exit 0
