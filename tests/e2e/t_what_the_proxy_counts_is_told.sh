#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The proxy's counters in /metrics and in the status beside real traffic: connections, bytes, requests by protocol and
# verdict, streams, servers that are not there, limits. They go on when the proxy is killed, and nothing of it stays open.
. "$(dirname "$0")/lib_proxy.sh"
PATH=$PATH:/usr/sbin
for tool in nghttpd nghttp; do
	command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
done
e2e_up
N=tests/e2e/names.py
AT=127.0.0.1:9970
mkdir -p "$E2E/www/api"
echo two >"$E2E/www/api/x"
e2e_run backend nghttpd --no-tls -d "$E2E/www" 8082 >/dev/null 2>&1 &
e2e_names backend 8080
e2e_wait 20 e2e_listens backend 8082 || e2e_fail "nghttpd does not start"
{ e2e_rules changes backend ingress frontend && e2e_added X-Added by-policy 8080 8081 8082; } >"$E2E/policy.yaml"
e2e_start --metrics $AT --workload-connections 6
value() { curl -s "http://$AT/metrics" | awk -v s="$1" '$1 == s { print $2 }'; }
proxy() { value "postern_proxy_$1"; }
l7() { value "cilium_policy_l7_total{rule=\"$1\",proxy_type=\"postern-proxy\"}"; }
leg() { echo "$(proxy "$1{leg=\"downstream\"}") $(proxy "$1{leg=\"upstream\"}")"; }
rq() { echo "$(proxy "rq_total{protocol=\"$1\",verdict=\"forwarded\"}") $(proxy "rq_total{protocol=\"$1\",verdict=\"denied\"}") $(proxy "rq_total{protocol=\"$1\",verdict=\"parse_errors\"}")"; }
becomes() { [ "$("${@:2}")" = "$1" ]; }
# soon WHAT WANT COMMAND...: the proxy closes its ends a moment after the client.
soon() { e2e_wait 10 becomes "${@:2}" || e2e_is "$1" "$2" "$("${@:3}")"; }
state() { build/postern status --format json | python3 -c "import json,sys; print(json.load(sys.stdin)['proxy']$1)"; }

# asks ARG...: curl, which counts what it sends and gets.
SENT=0
GOT=0
asks() {
	local line
	while read -r line; do
		SENT=$((SENT + ${line% *}))
		GOT=$((GOT + ${line#* }))
	done < <(e2e_run frontend curl -sS -o /dev/null -w '%{size_request} %{size_header} %{size_download}\n' "$@" | awk '{ print $1, $2 + $3 }')
}
# traffic: four connections; one never needs a server, one has a bad head, one has no server.
traffic() {
	asks "http://$BACKEND:8080/api/[1-10]"              # one connection
	asks "http://$BACKEND6:8080/admin?[1-3]"            # another one, never asked on
	asks -H 'Host: a b' "http://$BACKEND:8080/api/x"    # a parse error
	e2e_is "nobody listens" none "$(e2e_http frontend "http://$BACKEND:8081/api/x")"
}

e2e_is "the proxy runs" "1 1" "$(proxy up) $(proxy starts_total)"
e2e_is "nothing yet" "0 0" "$(leg cx_total)"
traffic
soon "connections, and to servers" "4 2" leg cx_total
soon "none is open" "0 0" leg cx_active
e2e_is "HTTP/1" "11 3 1" "$(rq http1)"
e2e_is "by reason" "3 1" "$(proxy 'rq_denied_total{protocol="http1",reason="no-rule-l7"}') $(proxy 'rq_denied_total{protocol="http1",reason="bad-host"}')"
e2e_is "servers that are not there" "1 0 0" "$(proxy 'upstream_failures_total{kind="connect"}') $(proxy 'upstream_failures_total{kind="timeout"}') $(proxy 'upstream_failures_total{kind="reset"}')"
e2e_is "bytes sent to clients, as curl counts them" "$GOT" "$(proxy 'cx_tx_bytes_total{leg="downstream"}')"
AWAY=$(printf 'GET /api/x HTTP/1.1\r\nHost: %s:8081\r\nUser-Agent: %s\r\nAccept: */*\r\n\r\n' "$BACKEND" "$(curl -V | sed -n '1s,^curl \([^ ]*\).*,curl/\1,p')" | wc -c)
e2e_is "bytes received from clients" $((SENT + AWAY)) "$(proxy 'cx_rx_bytes_total{leg="downstream"}')"
e2e_is "in Cilium's words" "15 11 3 1" "$(l7 received) $(l7 forwarded) $(l7 denied) $(l7 parse_errors)"

e2e_run frontend nghttp -n -H 'x-a: b' "http://$BACKEND:8082/api/x" "http://$BACKEND:8082/api/x?2" "http://$BACKEND:8082/admin" >/dev/null 2>&1
e2e_is "HTTP/2" "2 1 0" "$(rq http2)"
e2e_is "streams" "3" "$(proxy streams_total)"
soon "none is open" 0 proxy streams_active

# Six are held open, and the seventh is refused and told.
for i in 1 2 3 4 5 6; do
	mkfifo "$E2E/held$i"
	e2e_run frontend python3 $N hold 10.77.0.4 8080 /api/x <"$E2E/held$i" >"$E2E/held$i.out" &
	exec {FD}>"$E2E/held$i"
	HELD+=("$FD")
	e2e_wait 20 test -s "$E2E/held$i.out" || e2e_fail "connection $i has no answer"
done
e2e_is "six are open" "6 6" "$(leg cx_active)"
e2e_is "one too many" none "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
e2e_is "is counted" 1 "$(proxy 'cx_refused_total{reason="workload-limit"}')"
e2e_is "and told" 1 "$(e2e_events '"layer":"l4","direction":"ingress","verdict":"deny","reason":"workload-limit","client":"10.77.0.2:[0-9]+","server":"10.77.0.4:8080"')"
e2e_is "in the status" "True 1 6 6 {'forwarded': 17, 'denied': 3, 'parse_errors': 1} 1" \
	"$(state "['is_up']") $(state "['starts']") $(state "['downstream']['open']") $(state "['upstream']['open']") $(state "['http1']") $(state "['upstream_failures']['connect']")"
build/postern status >"$E2E/status"
grep -q '^proxy  *up, started 1 times; 6 of 11 connections open, 6 of 9 to servers$' "$E2E/status" || e2e_fail "for people: $(cat "$E2E/status")"
grep -q 'http1: 17 forwarded, 3 denied, 1 parse errors' "$E2E/status" || e2e_fail "for people: $(cat "$E2E/status")"

# The next proxy begins with nothing, and the sums go on.
TOTAL=$(proxy 'cx_total{leg="downstream"}')
pkill -KILL -x postern-proxy
soon "it is started again" 2 proxy starts_total
soon "and runs" 1 proxy up
e2e_is "what was open is not" "0 0 0" "$(leg cx_active) $(proxy streams_active)"
e2e_is "and what was counted stays" "$TOTAL 17 3 1" "$(proxy 'cx_total{leg="downstream"}') $(rq http1)"
for fd in "${HELD[@]}"; do exec {fd}>&-; done
through() { [ "$(e2e_http frontend "http://$BACKEND:8080/api/x" | cut -d' ' -f1)" = 200 ]; }
e2e_wait 20 through || e2e_fail "nothing passes the next proxy"
e2e_is "and goes on" "$((TOTAL + 1)) 18 3 1" "$(proxy 'cx_total{leg="downstream"}') $(rq http1)"

curl -s "http://$AT/metrics" >"$E2E/metrics"
! grep -vE '^(# (HELP|TYPE) [a-z_0-9]+ .*|[a-z_0-9]+(\{([a-z_0-9]+="[^"\\]*",?)+\})? [0-9.e+-]+)$' "$E2E/metrics" ||
	e2e_fail "a line that is not the text form"
e2e_is "series that are there twice" "" "$(grep -v '^#' "$E2E/metrics" | sed 's/ [^ ]*$//' | sort | uniq -d)"
! grep -qE 'admin|/api|10\.77' "$E2E/metrics" || e2e_fail "a client chose a label"
exit 0
