#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Requests that the userspace proxy judged, HTTP/1.1 and HTTP/2, IPv4 and IPv6, ingress and egress, are flows as those of
# the kernel: followed, filtered, with both ends, the deciding policies and answers, each once and marked as the proxy's;
# without secrets; allowed ones only while somebody looks. What the daemon was too slow for is told as lost.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
e2e_nginx
sed -E "s#/nginx.pid#/second.pid#; s#/access.log#/second.log#; /listen .*8081/d; s#8080( backlog=4096)?#8090 http2#" "$E2E/nginx.conf" >"$E2E/second.conf"
e2e_run backend nginx -c "$E2E/second.conf" || e2e_fail "no second nginx"
{
	e2e_rules in backend ingress frontend
	e2e_port_rule '{path: "/api/.*", headerMatches: [{name: X-Added, value: s3cret, mismatch: ADD}]}' 8080 8090
	e2e_port_rule '{path: "/[ab]*a[ab]{14}"}' 8080
	e2e_judged 8081
	e2e_rules out admin egress backend
	e2e_added X-Added v 8081
	e2e_rules admin backend ingress admin
	e2e_port_rule '{}' 8081
} >"$E2E/policy.yaml"
e2e_start
U=http://$BACKEND U6=http://$BACKEND6
observe() { build/postern observe --print-policy-names "$@"; }
count() { observe --all "$@" | wc -l; }
up() { [ "$(e2e_http frontend "$U:8080/api/up")" = "200 hello from /api/up" ]; }
e2e_wait 10 up || e2e_fail "the proxy is not there: $(cat "$E2E/log")"
out() { [ "$(e2e_http admin "$U:8081/api/up")" = "200 hello from /api/up" ]; }
e2e_wait 10 out || e2e_fail "the proxy is not there for egress: $(cat "$E2E/log")"

# Nobody looks: denials alone.
e2e_is "before anybody looks" "" "$(observe --all --pod frontend)"
e2e_is "denied" "403 Access denied" "$(e2e_http frontend -H 'Cookie: id=s3cret' "$U:8080/admin?token=s3cret")"
e2e_is "allowed" "200 hello from /api/x" "$(e2e_http frontend "$U:8080/api/x")"
e2e_is "flows while nobody looks" 1 "$(count --pod frontend)"

build/postern observe --print-policy-names --follow >"$E2E/live" 2>"$E2E/live.err" &
follower=$!
followed() { grep -q "\"clients\":2" <(build/postern status --format json); }
e2e_wait 5 followed || e2e_fail "nobody follows"
h2() { e2e_http frontend --http2-prior-knowledge "$@"; }
e2e_is "allowed" "200 hello from /api/x" "$(e2e_http frontend -H 'Authorization: s3cret' "$U6:8080/api/x?q=s3cret")"
e2e_is "by PCRE2" "200 hello from /abaaaaaaaaaaaaaaaa" "$(e2e_http frontend "$U:8080/abaaaaaaaaaaaaaaaa")"
e2e_is "two on one connection" "hello from /api/1 hello from /api/2 " \
	"$(e2e_run frontend curl -sS "$U:8080/api/1" "$U:8080/api/2" | tr '\n' ' ')"
e2e_is "HTTP/2" "200 hello from /api/y" "$(h2 "$U:8090/api/y")"
e2e_is "HTTP/2, IPv6" "200 hello from /api/y" "$(h2 "$U6:8090/api/y")"
e2e_is "HTTP/2, denied" "403 Access denied" "$(h2 -X POST "$U:8090/admin?token=s3cret")"
e2e_is "a server that answers in another way" "502 The answer is not valid" "$(e2e_http frontend "$U:8090/api/none")"
e2e_is "egress" "200 hello from /api/z" "$(e2e_http admin "$U:8081/api/z")"
e2e_is "egress, denied" "403 Access denied" "$(e2e_http admin "$U:8081/admin")"
e2e_is "the kernel's" "200 hello from /api/k" "$(e2e_http frontend "$U:8081/api/k")"
seen() { [ "$(grep -c "$1" "$E2E/live")" -ge 1 ]; }
e2e_wait 5 seen '/api/k); reply' || e2e_fail "followed: $(cat "$E2E/live" "$E2E/live.err")"

# line PATTERN: there is one, and no other like it, among what was followed.
line() {
	e2e_is "lines like $1" 1 \
		"$(grep -cE "^[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8}\.[0-9]{3}: $1\$" "$E2E/live")"
}
front='default/frontend:[0-9]+ \(ID:[0-9]+\)'
back() { echo "default/backend:$1 \\(ID:[0-9]+\\)"; }
by() { echo "default/in \\($E2E/policy.yaml:$1:26\\)"; }
v6='http://\[fd77::4\]'
line "$front -> $(back 8080) http-request FORWARDED \(HTTP/1.1 GET $v6:8080/api/x; ALLOWED BY $(by 11); rule-matched-by-fallback; MISSING x-added\)"
line "$front <- $(back 8080) http-response FORWARDED \(HTTP/1.1 200 [0-9]+ms \(GET $v6:8080/api/x\); reply\)"
line "$front -> $(back 8080) http-request FORWARDED \(HTTP/1.1 GET $U:8080/aba+; ALLOWED BY $(by 13); rule-matched-by-fallback\)"
line "$front -> $(back 8080) http-request FORWARDED \(HTTP/1.1 GET $U:8080/api/1; .*\)"
line "$front -> $(back 8080) http-request FORWARDED \(HTTP/1.1 GET $U:8080/api/2; .*\)"
line "$front <- $(back 8080) http-response FORWARDED \(HTTP/1.1 200 [0-9]+ms \(GET $U:8080/api/2\); reply\)"
line "$front -> $(back 8090) http-request FORWARDED \(HTTP/2.0 GET $U:8090/api/y; ALLOWED BY $(by 11); .*\)"
line "$front -> $(back 8090) http-request FORWARDED \(HTTP/2.0 GET $v6:8090/api/y; ALLOWED BY $(by 11); .*\)"
line "$front <- $(back 8090) http-response FORWARDED \(HTTP/2.0 200 [0-9]+ms \(GET $v6:8090/api/y\); reply\)"
line "$front -> $(back 8090) http-request DROPPED \(HTTP/2.0 POST $U:8090/admin; DENIED BY $(by 11); no-rule-l7\)"
line "$front -> $(back 8090) http-request DROPPED \(HTTP/1.1 GET $U:8090/api/none; bad-answer\)"
line "default/admin:.* -> $(back 8081) http-request FORWARDED \(HTTP/1.1 GET $U:8081/api/z; ALLOWED BY default/out .*; rule-matched-by-fallback; .*\)"
line "default/admin:.* -> $(back 8081) http-request FORWARDED \(HTTP/1.1 GET $U:8081/api/z; ALLOWED BY default/admin .*; rule-matched\)"
line "default/admin:.* -> $(back 8081) http-request DROPPED \(HTTP/1.1 GET $U:8081/admin; DENIED BY default/out .*; no-rule-l7\)"
line "$front -> $(back 8081) http-request FORWARDED \(HTTP/1.1 GET $U:8081/api/k; .*; rule-matched\)"
# By the proxy 8 requests allowed, 7 of them answered, 2 denied, an answer refused; by the kernel 2, answered;
# and nothing of the legs between the proxy and the servers.
e2e_is "all that was followed" 22 "$(grep -c ' http-re' "$E2E/live")"
e2e_is "and nothing else" 22 "$(wc -l <"$E2E/live")"

observe --all -o jsonpb >"$E2E/flows"
! grep -q s3cret "$E2E/flows" "$E2E/events" || e2e_fail "a secret is told"
e2e_is "filter: method" 1 "$(count --http-method POST)"
e2e_is "filter: verdict" 4 "$(count --verdict DROPPED)"
e2e_is "filter: pod" 5 "$(count --pod admin)"
e2e_is "filter: protocol and path" 2 "$(count --protocol http --http-path '^/api/y' --http-status 2+)"
e2e_is "last" "/admin" "$(observe --last 1 --verdict DROPPED -o json | grep -oE '/admin"' | head -n 1 | tr -d '"')"
python3 - "$E2E/flows" testdata/flows/flow.schema.json <<-P || e2e_fail "what flows say"
	import json, sys
	lines = [json.loads(line) for line in open(sys.argv[1])]
	flows = [line["flow"] for line in lines]
	mine = [f for f in flows if f["extensions"]["value"].get("judged_by") == "proxy"]
	assert len(mine) == 19, len(mine)
	for f in mine:
	    assert "socket_cookie" not in f, f
	    assert all(f[end]["identity"] and f[end]["pod_name"] and f[end]["labels"] for end in ("source", "destination")), f
	    assert f["verdict"] == "FORWARDED" or f["extensions"]["value"]["answer"] == "proxy", f
	    assert f["l7"]["type"] != "RESPONSE" or int(f["l7"]["latency_ns"]) > 0, f
	assert {f["IP"]["ipVersion"] for f in mine} == {"IPv4", "IPv6"}
	try:
	    import jsonschema
	except ImportError:
	    print("no jsonschema here: the schema is left out")
	else:
	    for line in lines:
	        jsonschema.validate(line, json.load(open(sys.argv[2])))
	    print("ok: each line fits the schema")
P
kill $follower
wait $follower 2>/dev/null
alone() { grep -q "\"clients\":1" <(build/postern status --format json); }
e2e_wait 5 alone || e2e_fail "who has gone still counts"
before=$(count)
e2e_is "nobody looks any more" "200 hello from /api/x" "$(e2e_http frontend "$U:8080/api/x")"
e2e_is "and allowed requests are not told" "$before" "$(count)"

# A daemon that does not read: requests go on, what the pipe has no room for is lost, and that is told.
before=$(e2e_events '"reason":"no-rule-l7"')
kill -STOP "$E2E_DAEMON"
e2e_is "denied beside a daemon that stands still" 9000 \
	"$(e2e_run frontend curl -sS -o /dev/null -w '%{http_code}\n' "$U:8080/admin/[1-9000]" | grep -c 403)"
kill -CONT "$E2E_DAEMON"
lost() { build/postern observe --all -o jsonpb | grep -o '"source":"OBSERVER_EVENTS_QUEUE","num_events_lost":"[0-9]*' | grep -o '[0-9]*$' | awk '{ n += $1 } END { print n + 0 }'; }
is_lost() { [ "$(lost)" -gt 0 ]; }
e2e_wait 10 is_lost || e2e_fail "nothing was lost, or it is not told: $(e2e_events '"reason":"no-rule-l7"')"
e2e_is "told and lost" 9000 "$((lost=$(lost), lost + $(e2e_events '"reason":"no-rule-l7"') - before))"
e2e_is "the proxy still is the first" 1 "$(build/postern status --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)["proxy"]["starts"])')"
exit 0
