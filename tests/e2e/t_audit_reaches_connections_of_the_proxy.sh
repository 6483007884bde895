#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Connections that the userspace proxy holds when their policy goes into audit go on, HTTP/1.1 and HTTP/2: from the next
# request on nothing is denied and nothing is changed, and one flow AUDIT tells of each. When audit ends, streams are
# judged again, and what nobody looked into ends.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
e2e_nginx
sed -E "s#/nginx.pid#/second.pid#; s#/access.log#/second.log#; /listen .*8081/d; s#8080( backlog=4096)?#8090 http2#" "$E2E/nginx.conf" >"$E2E/second.conf"
e2e_run backend nginx -c "$E2E/second.conf" || e2e_fail "no second nginx"
{ e2e_rules in backend ingress frontend && e2e_added X-Added by-policy 8080 8090; } >"$E2E/policy.yaml"
in_force() { sed -i '/annotations/d' "$E2E/policy.yaml"; }
in_audit() { sed -i "s/^metadata: .*/&\n  annotations: {postern.io\/audit: \"true\"}/; s/^metadata: {name: in, namespace: default}/metadata:\n  name: in\n  namespace: default/" "$E2E/policy.yaml"; }
says() { build/postern endpoints | awk -v want="$1" '$1 == "default/backend" && $3 == want { found = 1 } END { exit !found }'; }
e2e_start
up() { [ "$(e2e_http frontend "http://$BACKEND:8080/api/up")" = "200 hello from /api/up" ]; }
e2e_wait 10 up || e2e_fail "the proxy is not there: $(cat "$E2E/log")"

mkfifo "$E2E/one.in" "$E2E/two.in" "$E2E/three.in"
e2e_run frontend timeout 120 python3 tests/e2e/held.py $BACKEND 8080 <"$E2E/one.in" >"$E2E/one" &
exec 5>"$E2E/one.in"
e2e_run frontend timeout 120 python3 tests/e2e/held.py fd77::4 8090 h2 <"$E2E/two.in" >"$E2E/two" &
exec 6>"$E2E/two.in"
e2e_run frontend timeout 120 python3 tests/e2e/held.py $BACKEND 8080 <"$E2E/three.in" >"$E2E/three" &
exec 7>"$E2E/three.in"
# ask FD FILE PATH: the answer to it.
ask() {
	local before
	before=$(wc -l <"$2")
	more() { [ "$(wc -l <"$2")" -gt "$before" ]; }
	echo "$3" >&"$1"
	e2e_wait 10 more "" "$2" || e2e_fail "no answer to $3"
	tail -n 1 "$2"
}
one() { ask 5 "$E2E/one" "$1"; }
two() { ask 6 "$E2E/two" "$1"; }
three() { ask 7 "$E2E/three" "$1"; }
audited() { build/postern observe --all --verdict AUDIT -o json | grep -c '"flow"'; }
told() { [ "$(audited)" -ge "$1" ]; }

e2e_is "in force, HTTP/1.1" "200 403" "$(one /api/x) $(one /admin)"
e2e_is "in force, HTTP/2" "200 other" "$(two /api/x) $(two /admin)"
e2e_is "one that asks for nothing meanwhile" 200 "$(three /api/x)"
in_audit
e2e_wait 5 says audit || e2e_fail "the policy does not go into audit: $(build/postern endpoints)"
e2e_is "in audit, HTTP/1.1" "200 200" "$(one /admin) $(one /admin)"
e2e_is "in audit, HTTP/2" "200 200" "$(two /admin) $(two /admin)"
e2e_wait 5 told 3 || e2e_fail "not told: $(build/postern observe --all)"
e2e_is "once each" 3 "$(audited)"
in_force
e2e_wait 5 says enforced || e2e_fail "the policy stays in audit: $(build/postern endpoints)"
e2e_is "in force again, HTTP/2" "other 200" "$(two /admin) $(two /api/x)"
e2e_is "who asked for nothing in audit" "403 200" "$(three /admin) $(three /api/x)"
e2e_is "what nobody looked into" ended "$(one /api/x)"
exit 0
