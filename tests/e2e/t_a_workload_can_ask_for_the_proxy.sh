#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pod with the annotation postern.io/mode: proxy is reached through the proxy, and reaches others so, by rules that the
# kernel could judge.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
awk '{ print } /name: backend/ { print "  annotations: {postern.io/mode: proxy}" }' testdata/inventory/demo.yaml >"$E2E/pods.yaml"
U=http://$BACKEND:8080

e2e_posternd --policy testdata/policies/good/two-rules.yaml --inventory "$E2E/pods.yaml" --courtesy off
for to in $BACKEND "$BACKEND6"; do
	e2e_is "$to: allowed" "200 hello from /api/x" "$(e2e_http frontend "http://$to:8080/api/x")"
	e2e_is "$to: denied, and the connection stays" "403:1 403:0 " \
		"$(e2e_run frontend curl -s --max-time 5 -o /dev/null -o /dev/null -w '%{http_code}:%{num_connects} ' "http://$to:8080/admin/1" "http://$to:8080/admin/2")"
done
clients() { awk '{ print $1 }' "$E2E/access.log" | sort -u | xargs; }
known() { [ "$(clients)" = "10.77.0.2 fd77::2" ]; }
e2e_wait 3 known || e2e_fail "clients in nginx's log: $(clients)"
e2e_is "verdicts of the kernel" 0 "$(e2e_events '"generation":.*"layer":"l7"')"
e2e_is "verdicts of the proxy" 4 "$(e2e_events '"layer":"l7","direction":"ingress","verdict":"deny","reason":"no-rule-l7"')"

: >"$E2E/events"
cp testdata/inventory/demo.yaml "$E2E/pods.yaml"
back() { e2e_http frontend $U/admin >/dev/null; grep -q '"generation":.*"layer":"l7"' "$E2E/events"; }
e2e_wait 10 back || e2e_fail "without the annotation the kernel does not judge again"
e2e_is "without the annotation" "200 hello from /api/x" "$(e2e_http frontend $U/api/x)"
e2e_stop

: >"$E2E/events"
awk '{ print } /name: frontend/ { print "  annotations: {postern.io/mode: proxy}" }' testdata/inventory/demo.yaml >"$E2E/pods.yaml"
e2e_posternd --policy testdata/policies/good/frontend-egress.yaml --inventory "$E2E/pods.yaml" --courtesy off
for to in $BACKEND "$BACKEND6"; do
	e2e_is "$to: egress, allowed" "200 hello from /healthz" "$(e2e_http frontend "http://$to:8080/healthz")"
	e2e_is "$to: egress, denied, and the connection stays" "403:1 403:0 " \
		"$(e2e_run frontend curl -s --max-time 5 -o /dev/null -o /dev/null -w '%{http_code}:%{num_connects} ' "http://$to:8080/secret" "http://$to:8080/secret")"
done
e2e_is "verdicts of the kernel about egress" 0 "$(e2e_events '"generation":.*"layer":"l7"')"
e2e_is "of the proxy" 4 "$(e2e_events '"layer":"l7","direction":"egress","verdict":"deny","reason":"no-rule-l7"')"
e2e_stop
