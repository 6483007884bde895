#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Client and server of gRPC by grpc-js, in pods of their own, through the daemon's redirection: calls of all four kinds
# pass, denied ones have status 7, both ends know each other's addresses; also where the kernel judged until it saw HTTP/2.
dir=$(cd "$(dirname "$0")/../.." && pwd)/build/npm/grpc
# The namespaces of the test lead nowhere: before there are any.
if [ ! -e "$dir/node_modules/@grpc/grpc-js/package.json" ]; then
	command -v npm >/dev/null && command -v node >/dev/null || { echo "needs npm and nodejs"; exit 77; }
	mkdir -p "$dir"
	timeout 100 npm install --prefix "$dir" --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.0 >/dev/null 2>&1 ||
		{ echo "npm cannot fetch @grpc/grpc-js"; exit 77; }
fi
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
export GRPC_JS=$dir/node_modules/@grpc/grpc-js
J=tests/e2e/grpc.js
e2e_run backend node $J serve 8080 8081 2>"$E2E/server.err" &
e2e_wait 20 e2e_listens backend 8080 8081 || e2e_fail "the server does not start: $(cat "$E2E/server.err")"
RULE='method: POST, path: "/shop.Cart/.*"'
{
	e2e_rules cart backend ingress frontend
	e2e_port_rule "{$RULE, headerMatches: [{name: X-Added, value: by-policy, mismatch: ADD}]}" 8080
	e2e_port_rule "{$RULE}" 8081
} >"$E2E/policy.yaml"
e2e_start
# expected CLIENT SERVER FIELD
expected() {
	cat <<-X
		unary: $1 $3 end $2
		server's stream: 100 messages of 192 bytes
		client's stream: 1000000
		both: 40 messages of 1200000 bytes
		the server's own error: status 5 no such thing: 100 %
		denied: status 7 Access denied
		denied stream: status 7 Access denied
		denied in both directions: status 7 Access denied
		on the same channel again: $1 $3 end $2
	X
}
ask() { e2e_run frontend timeout 60 node $J ask "$@" 2>&1; }
e2e_is "IPv4" "$(expected 10.77.0.2:P 10.77.0.4:P by-policy)" "$(ask 10.77.0.4 8080)"
e2e_is "IPv6" "$(expected 'fd77::2:P' '[fd77::4]:P' by-policy)" "$(ask '[fd77::4]' 8080)"
e2e_is "calls that were denied, by name" 6 "$(e2e_events '"verdict":"deny","reason":"no-rule-l7".*"path":"/shop.Admin/')"
# The kernel judges that port until it sees HTTP/2: this connection ends at once, though the server has spoken first, and
# its call is one to be tried again (UNAVAILABLE). All others pass.
ask 10.77.0.4 8081 >"$E2E/refused"
e2e_is "the call whose connection the kernel refuses" "unary: status 14" "$(head -n 1 "$E2E/refused" | cut -d ' ' -f 1-3)"
e2e_is "those behind it" "$(expected 10.77.0.2:P 10.77.0.4:P - | tail -n +2)" "$(tail -n +2 "$E2E/refused")"
[ "$(e2e_events '"reason":"http2-preface"')" -ge 1 ] || e2e_fail "the kernel did not refuse HTTP/2 first"
e2e_is "what the proxy wants and may not" 0 "$(grep -c 'was refused' "$E2E/log")"
exit 0
