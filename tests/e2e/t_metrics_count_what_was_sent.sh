#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# /metrics beside real traffic: each counter is what was sent, one for one; /healthz and /readyz; what a client says is
# in no label; an address that is taken stops the start and changes nothing in what is enforced.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
INV=testdata/inventory/demo.yaml
AT=127.0.0.1:9970
e2e_posternd --policy "$E2E/p.yaml" --inventory $INV --courtesy off --events all --metrics $AT
# value SERIES: its number; nothing when there is none.
value() { curl -s "http://$AT/metrics" | awk -v s="$1" '$1 == s { print $2 }'; }

e2e_is "alive" ok "$(curl -s "http://$AT/healthz")"
e2e_is "ready" ok "$(curl -s "http://$AT/readyz")"
e2e_is "no other page" 404 "$(curl -s -o /dev/null -w '%{http_code}' "http://$AT/")"
e2e_is "nothing was received yet" 0 "$(value 'cilium_policy_l7_total{rule="received",proxy_type="postern"}')"

e2e_run frontend curl -s -o /dev/null "http://$BACKEND:8080/api/[1-20]"
e2e_run frontend curl -s -o /dev/null "http://$BACKEND6:8080/admin?secret=[1-3]"
# A request that two parsers could read differently, and a method that would be a label.
e2e_run frontend timeout 2 bash -c "exec 3<>/dev/tcp/$BACKEND/8080; printf 'GET /api/x HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n' >&3; cat <&3" >/dev/null
e2e_run frontend curl -s -o /dev/null -X EVIL "http://$BACKEND:8080/api/x"
e2e_is "a stranger" none "$(e2e_http other --max-time 1 "http://$BACKEND:8080/api/x")"

answered() { [ "$(value 'hubble_http_requests_total{method="GET",protocol="HTTP/1.1",status="200",reporter="server"}')" = 20 ]; }
e2e_wait 5 answered || e2e_fail "answers: $(curl -s "http://$AT/metrics" | grep http_requests)"
e2e_is "received" 25 "$(value 'cilium_policy_l7_total{rule="received",proxy_type="postern"}')"
e2e_is "forwarded" 20 "$(value 'cilium_policy_l7_total{rule="forwarded",proxy_type="postern"}')"
e2e_is "denied" 4 "$(value 'cilium_policy_l7_total{rule="denied",proxy_type="postern"}')"
e2e_is "in error" 1 "$(value 'cilium_policy_l7_total{rule="parse_errors",proxy_type="postern"}')"
e2e_is "by reason" "1 4" "$(value 'cilium_drop_count_total{reason="host-repeated",direction="INGRESS"}') $(value 'cilium_drop_count_total{reason="no-rule-l7",direction="INGRESS"}')"
e2e_is "timed" 20 "$(value 'hubble_http_request_duration_seconds_count{method="GET",reporter="server"}')"
e2e_is "verdicts of HTTP rules" "20 5" "$(value 'hubble_policy_verdicts_total{direction="ingress",match="l7/http",action="forwarded"}') $(value 'hubble_policy_verdicts_total{direction="ingress",match="l7/http",action="dropped"}')"
syns=$(value 'cilium_drop_count_total{reason="no-rule-l4",direction="INGRESS"}')
[ "$syns" -ge 1 ] || e2e_fail "no SYN of a stranger is counted"
e2e_is "verdicts of L3/L4 are the packets" "$syns" "$(value 'hubble_policy_verdicts_total{direction="ingress",match="none",action="dropped"}')"
e2e_is "lost" 0 "$(value 'hubble_lost_events_total{source="perf_event_ring_buffer"}')"
e2e_is "policies and generation" "1 1" "$(value cilium_policy) $(value cilium_policy_max_revision)"
[ "$(value 'cilium_bpf_map_pressure{map_name="pst_policies"}')" != 0 ] || e2e_fail "the policies take no room"
! curl -s "http://$AT/metrics" | grep -qE 'EVIL|secret|/api' || e2e_fail "a client chose a label"

# Every line is one of the text form: a comment, or a name, labels and a number; and each series is there once.
curl -s "http://$AT/metrics" >"$E2E/metrics"
! grep -vE '^(# (HELP|TYPE) [a-z_0-9]+ .*|[a-z_0-9]+(\{([a-z_]+="[^"\\]*",?)+\})? [0-9.e+-]+)$' "$E2E/metrics" ||
	e2e_fail "a line that is not the text form"
e2e_is "series that are there twice" "" "$(grep -v '^#' "$E2E/metrics" | sed 's/ [^ ]*$//' | sort | uniq -d)"
! command -v promtool >/dev/null || promtool check metrics <"$E2E/metrics" >"$E2E/promtool" 2>&1 ||
	! grep -q 'error while linting' "$E2E/promtool" || e2e_fail "promtool: $(cat "$E2E/promtool")"

sed -i 's,/api/,/other/,' "$E2E/p.yaml"
changed() { [ "$(value cilium_policy_max_revision)" = 2 ]; }
e2e_wait 5 changed || e2e_fail "the change is not counted"
e2e_is "a change in force, timed" "1 1" "$(value 'cilium_policy_change_total{source="file",operation="reload",outcome="success"}') $(value 'cilium_policy_implementation_delay_count{source="file"}')"
echo "not: [yaml" >"$E2E/p.yaml"
refused() { [ "$(value 'cilium_policy_change_total{source="file",operation="reload",outcome="fail"}')" -ge 1 ]; }
e2e_wait 5 refused || e2e_fail "a refused change is not counted"
e2e_is "the revision stays" 2 "$(value cilium_policy_max_revision)"

# Sixteen who say nothing do not keep Prometheus out for long.
for fd in $(seq 20 35); do eval "exec $fd<>/dev/tcp/127.0.0.1/9970"; done
e2e_wait 15 changed || e2e_fail "idle connections keep everybody out"
for fd in $(seq 20 35); do eval "exec $fd<&-"; done

cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
refuse() { # refuse STATUS ADDRESS PATTERN
	build/posternd --policy "$E2E/p.yaml" --inventory $INV --cgroup "$E2E_CGROUP" --no-pins --socket none --metrics "$2" 2>"$E2E/second"
	e2e_is "--metrics $2: exit status" "$1" $?
	grep -qE "$3" "$E2E/second" || e2e_fail "--metrics $2: $(cat "$E2E/second")"
}
refuse 3 $AT "cannot serve metrics at $AT: Address already in use"
refuse 2 localhost:9970 'expected 127.0.0.1:9970'
refuse 3 192.0.2.1:9970 'cannot serve metrics at 192.0.2.1:9970: Cannot assign requested address'
e2e_is "the first one goes on" ok "$(curl -s "http://$AT/readyz")"
e2e_is "and denies" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
exit 0
