#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The kernel refuses HTTP/2; the daemon remembers the server's port, and the client's next connection goes to the proxy,
# which judges it stream by stream. What offers HTTP/2 passes where the server does not take it. Where it does, nothing
# passes behind that, and the next connection goes to the proxy, which takes the offer away.
. "$(dirname "$0")/lib.sh"
e2e_up
cat >"$E2E/h2.conf" <<N
pid $E2E/h2.pid;
error_log $E2E/error.log;
events { }
http {
	access_log $E2E/access.log;
	default_type text/plain;
	server { listen 8080 http2; listen [::]:8080 http2; location / { return 200 "hello from \$uri for \$remote_addr"; } }
	server { listen 8081; listen 8082; listen [::]:8082; location / { return 200 "hello from \$uri, \$http_upgrade"; } }
}
N
e2e_run backend nginx -c "$E2E/h2.conf" || e2e_fail "nginx does not start"
cat >"$E2E/policy.yaml" <<'P'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: api, namespace: default}
spec:
  endpointSelector: {matchLabels: {app: backend}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: frontend}}]
      toPorts:
        - ports: [{port: "8080", protocol: TCP}, {port: "8081", protocol: TCP}, {port: "8082", protocol: TCP}, {port: "8083", protocol: TCP}]
          rules: {http: [{path: "/api/.*"}]}
P
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
h2() { e2e_http frontend --http2-prior-knowledge "$@"; }
pgrep -x postern-proxy >/dev/null && e2e_fail "a proxy without need"

e2e_is "the first connection" none "$(h2 http://$BACKEND:8080/api/1)"
refused() { [ "$(e2e_events '"reason":"http2-preface"')" -eq 1 ]; }
e2e_wait 5 refused || e2e_fail "it is not refused by name"
works() { [ "$(h2 http://$BACKEND:8080/api/2)" = "200 hello from /api/2 for 10.77.0.2" ]; }
e2e_wait 10 works || e2e_fail "the next ones are not judged by the proxy: $(h2 http://$BACKEND:8080/api/2)"
e2e_is "what is not allowed" "403 Access denied" "$(h2 http://$BACKEND:8080/admin)"
e2e_is "another pod" none "$(e2e_http other --max-time 1 --http2-prior-knowledge http://$BACKEND:8080/api/1)"
e2e_is "the port beside it is the kernel's" "200 hello from /api/3, " "$(e2e_http frontend http://$BACKEND:8081/api/3)"
e2e_http frontend http://$BACKEND:8081/admin >/dev/null
judged() { [ "$(e2e_events '"generation":.*"layer":"l7".*"reason":"no-rule-l7"')" -eq 1 ]; }
e2e_wait 5 judged || e2e_fail "it is not judged there"

# nginx does not take an offer.
e2e_is "an offer" "200 hello from /api/4, h2c" "$(e2e_http frontend --http2 http://$BACKEND:8082/api/4)"
e2e_is "one on IPv6" "200 hello from /api/5, h2c" "$(e2e_http frontend --http2 "http://$BACKEND6:8082/api/5")"
e2e_is "two on one connection, and what is not allowed" "hello from /api/6, h2chello from /api/7, h2cAccess denied" \
	"$(e2e_run frontend curl -s --http2 http://$BACKEND:8082/api/6 http://$BACKEND:8082/api/7 http://$BACKEND:8082/admin | tr -d '\r\n')"
e2e_is "what is refused for offers" 0 "$(e2e_events '"reason":"h2c-upgrade"')"

# A body would be HTTP/2 to a server that switches too soon.
with_body() { head -c 200000 /dev/zero | e2e_http frontend --http2 -H Expect: --data-binary @- "http://$BACKEND6:8082/api/5"; }
e2e_is "a body" "403 Access denied" "$(with_body)"
passes() { [ "$(with_body)" = "200 hello from /api/5, " ]; }
e2e_wait 10 passes || e2e_fail "the next one is not taken away: $(with_body)"

# nghttpx does.
e2e_run backend nghttpx --frontend='*,8083;no-tls' --backend=127.0.0.1,8081 --workers=1 --errorlog-file="$E2E/nghttpx" \
	--conf=/dev/null --accesslog-file="$E2E/nghttpx.access" &
taken() { e2e_run frontend curl -s -o /dev/null -w '%{http_version}' --max-time 5 --http2 http://$BACKEND:8083/api/8; }
up() { [ "$(ip netns exec backend ss -Hltn 'sport = :8083' | wc -l)" -ge 1 ]; }
e2e_wait 5 up || e2e_fail "nghttpx does not listen: $(cat "$E2E/nghttpx")"
taken >"$E2E/version" # the answer may be there before the connection ends
offered() { [ "$(e2e_events "\"reason\":\"h2c-upgrade\".*:${1:-8083}\"")" -eq 1 ]; }
e2e_wait 5 offered || e2e_fail "what follows a taken offer is not refused by name: $(cat "$E2E/version")"
proxied() { [ "$(e2e_http frontend --max-time 5 --http2 http://$BACKEND:8083/api/9)" = "200 hello from /api/9, " ]; }
e2e_wait 10 proxied || e2e_fail "the next one is not taken away: $(e2e_http frontend --max-time 5 --http2 http://$BACKEND:8083/api/9)"
e2e_is "what it is answered in" 1.1 "$(taken)"
e2e_is "what is not allowed, with an offer" "403 Access denied" "$(e2e_http frontend --http2 http://$BACKEND:8083/admin)"
e2e_is "requests for /admin that arrived" 0 "$(grep -c admin "$E2E/access.log")"
e2e_stop
