#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sidecar: HAProxy in the backend pod takes the requests and asks nginx, over loopback and over the pod's own
# address. What comes from outside is judged; what the pod says to itself is its own business.
. "$(dirname "$0")/lib.sh"
command -v haproxy >/dev/null || { echo "haproxy is missing: make deps"; exit 77; }
e2e_up
e2e_nginx
sed 's/"8080"/"8090"/' testdata/policies/good/backend-api.yaml >"$E2E/p.yaml"
cat >"$E2E/haproxy.cfg" <<H
defaults
	mode http
	timeout connect 5s
	timeout client 10s
	timeout server 10s
frontend in
	bind :8090
	bind [::]:8090 v6only
	use_backend own if { path_beg /api/own }
	default_backend loopback
backend loopback
	server nginx 127.0.0.1:8080
backend own
	server nginx $BACKEND:8080
H
# The proxy connects while it is enforced, so the daemon comes first.
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
e2e_run backend haproxy -db -f "$E2E/haproxy.cfg" >"$E2E/haproxy.log" 2>&1 &
listens() { ip netns exec backend ss -ltn | grep -q ':8090'; }
e2e_wait 5 listens || e2e_fail "haproxy does not listen: $(cat "$E2E/haproxy.log")"
for to in "$BACKEND" "$BACKEND6"; do
	e2e_is "through loopback" "200 hello from /api/x" "$(e2e_http frontend "http://$to:8090/api/x")"
	e2e_is "through the own address" "200 hello from /api/own" "$(e2e_http frontend "http://$to:8090/api/own")"
	e2e_is "a denied path" "403 Access denied" "$(e2e_http frontend "http://$to:8090/admin")"
	e2e_is "past the proxy" none "$(e2e_http frontend --max-time 1 "http://$to:8080/api/x")"
done
e2e_is "keep-alive through the proxy" "200200200" \
	"$(e2e_run frontend curl -sS -o /dev/null -w '%{http_code}' -o /dev/null -o /dev/null "http://$BACKEND:8090/api/[1-3]")"
e2e_is "denied requests at nginx" 0 "$(grep -c admin "$E2E/access.log")"
