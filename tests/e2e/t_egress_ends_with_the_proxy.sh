#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Egress through the proxy: what is open ends with the proxy or the daemon, and what is new is denied by name until it
# is back. HTTP/2 is learned at the client, too. Where both ends have such rules, both proxies judge.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
N=tests/e2e/names.py
e2e_names backend 8080 8081
cat >"$E2E/h2.conf" <<N
pid $E2E/h2.pid;
error_log $E2E/error.log;
events { }
http { access_log $E2E/access.log; default_type text/plain;
	server { listen 8082 http2; location / { return 200 "hello from \$uri for \$remote_addr"; } }
}
N
e2e_run backend nginx -c "$E2E/h2.conf" || e2e_fail "nginx does not start"
e2e_wait 20 e2e_listens backend 8082 || e2e_fail "nginx does not listen"
# rules POD DIRECTION PEER FIELD VALUE: the proxy adds the field on port 8080, the kernel judges beside it.
rules() { e2e_rules "$2" "$1" "$2" "$3" && e2e_added "$4" "$5" 8080 && e2e_judged 8081 8082; }
rules frontend egress backend X-Added out >"$E2E/policy.yaml"
ask() { e2e_http frontend --max-time "${2:-5}" "http://10.77.0.4:$1/api/x" | awk '{ print $1, $NF }'; }
is_back() { [ "$(ask 8080)" = "200 ${1:-out}" ]; }
holding() {
	rm -f "$E2E/held" "$E2E/held.in"
	mkfifo "$E2E/held.in"
	e2e_run frontend python3 $N hold 10.77.0.4 8080 /api/x <"$E2E/held.in" >"$E2E/held" &
	exec {TO}>"$E2E/held.in"
	e2e_wait 20 test -s "$E2E/held" || e2e_fail "there is no first answer"
}
held() {
	echo >&"$TO"
	more() { [ "$(wc -l <"$E2E/held")" -gt 1 ]; }
	e2e_wait 20 more || { echo nothing; return; }
	awk 'END { print $4 ~ /^[0-9]+$/ ? $4 " " $NF : "ended" }' "$E2E/held"
}

e2e_start
e2e_is "through the proxy" "200 out" "$(ask 8080)"
holding
pkill -KILL -x postern-proxy
e2e_is "a new connection while the proxy is gone" "403 denied" "$(ask 8080)"
e2e_is "the one through the proxy" ended "$(held)"
e2e_is "and what the kernel judges" "200 -" "$(ask 8081)"
e2e_is "the denial has a name" 1 "$(e2e_events '"direction":"egress","verdict":"deny","reason":"fallback-unavailable"')"
e2e_wait 20 is_back || e2e_fail "the proxy does not come back: $(ask 8080)"

h2() { e2e_http frontend --max-time 5 --http2-prior-knowledge "http://10.77.0.4:8082$1"; }
e2e_is "HTTP/2, the first time" none "$(h2 /api/1)"
works() { [ "$(h2 /api/2)" = "200 hello from /api/2 for 10.77.0.2" ]; }
e2e_wait 10 works || e2e_fail "the next ones are not judged by the proxy: $(h2 /api/2)"
e2e_is "what is not allowed" "403 Access denied" "$(h2 /admin)"
e2e_is "requests for /admin that arrived" 0 "$(grep -c admin "$E2E/access.log")"

holding
e2e_leave KILL
e2e_is "the daemon is killed: the one through the proxy" ended "$(held)"
e2e_is "a new one" "none none" "$(ask 8080 1)"
e2e_is "what the kernel judges" "200 -" "$(ask 8081)"
rules backend ingress frontend X-Seen in >>"$E2E/policy.yaml"
e2e_start
e2e_wait 20 is_back || e2e_fail "nothing passes under the next daemon, with rules at both ends: $(ask 8080)"
e2e_is "both ends know each other" "10.77.0.2 10.77.0.2" \
	"$(e2e_run frontend python3 $N ask 10.77.0.4 8080 /api/x | awk '{ sub(/:[0-9]*$/, "", $1); sub(/:[0-9]*$/, "", $5); print $1, $5 }')"
e2e_is "and what neither allows" "403 denied" "$(e2e_http frontend "http://10.77.0.4:8080/admin" | awk '{ print $1, $NF }')"
e2e_stop
