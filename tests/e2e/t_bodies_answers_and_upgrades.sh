#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Chunked requests, 100-continue, every kind of answer, WebSocket: allowed requests arrive, denied ones do not, and a 403
# is never the answer to another request. By the rules of the server, then by those of the client.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_run backend python3 tests/e2e/server.py 8080 "$E2E/server.log" &
: >"$E2E/server.log"
ready() { ip netns exec backend ss -Hltn "sport = :8080" | grep -q .; }
e2e_wait 20 ready || e2e_fail "the server does not start"
H='Host: b\r\n'
U="http://$BACKEND:8080"
one() { e2e_run frontend timeout 20 python3 tests/e2e/conn.py $BACKEND 8080 "$@" | tr '\n' ','; }
get() { echo "GET $1 HTTP/1.1\r\n$H\r\n"; }
ws() { echo "GET $1 HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"; }
POST='POST /api/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n'
BAD="$(get /admin)"

# logged WORDS...: what the server has seen since the last call.
logged() {
	local want="$*"
	seen() { [ "$(xargs <"$E2E/server.log")" = "$want" ]; }
	e2e_wait 5 seen || e2e_fail "the server saw '$(xargs <"$E2E/server.log")', expected '$want'"
	: >"$E2E/server.log"
}

cases() {
	e2e_is "$1: curl uploads in chunks" "200 got 200000" \
		"$(head -c 200000 /dev/zero | e2e_http frontend -T - "$U/api/x")"
	head -c 3000000 /dev/zero >"$E2E/body"
	e2e_is "$1: curl waits for 100-continue" "200 got 3000000" \
		"$(e2e_http frontend -X POST -H 'Expect: 100-continue' --data-binary "@$E2E/body" "$U/api/x")"
	e2e_is "$1: curl is denied before it uploads" "403 Access denied" \
		"$(e2e_http frontend -X POST -H 'Expect: 100-continue' --data-binary "@$E2E/body" "$U/admin")"
	logged PUT /api/x 200000 POST /api/x 3000000

	e2e_is "$1: chunks, trailers, the next request" "200 got 8,200 got 0," \
		"$(one "send:${POST}5;a=b\r\nhello\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n$(get /api/y)" read read)"
	e2e_is "$1: chunks byte by byte" "200 got 8,403 Access denied,eof," \
		"$(one "bytes:${POST}5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n" read "bytes:$BAD" read eof)"
	e2e_is "$1: a request inside a chunk is data" "200 got $(printf %b "$BAD" | wc -c)," \
		"$(one "send:$POST$(printf '%x' "$(printf %b "$BAD" | wc -c)")\r\n$BAD\r\n0\r\n\r\n" read)"
	logged POST /api/x 8 GET /api/y 0 POST /api/x 8 POST /api/x "$(printf %b "$BAD" | wc -c)"
	e2e_is "$1: a broken chunk" "403 Access denied,eof," "$(one "send:$POST" sleep:0.1 'send:5\r\nhelloXX3\r\n' read eof)"
	logged

	e2e_is "$1: hints" "103 ,200 got 0,403 Access denied,eof," "$(one "send:$(get /api/hints)" read read "send:$BAD" read eof)"
	e2e_is "$1: a chunked answer" "200 chunks" "$(e2e_http frontend "$U/api/chunks")"
	e2e_is "$1: an answer until the end" "200 until the end" "$(e2e_http frontend "$U/api/close")"
	e2e_is "$1: HEAD" "head 0,403 Access denied,eof," "$(one "send:HEAD /api/x HTTP/1.1\r\n$H\r\n" head "send:$BAD" read eof)"
	e2e_is "$1: an answer before the body" "200 early,403 Access denied,eof," \
		"$(one "send:POST /api/early HTTP/1.1\r\n${H}Content-Length: 5\r\n\r\n" read send:hello "send:$BAD" read eof)"
	e2e_is "$1: denied while a slow answer is due" "200 got 0,403 Access denied,eof," \
		"$(one "send:$(get /api/slow)" sleep:0.05 "send:$BAD" read read eof)"
	logged GET /api/hints 0 GET /api/chunks 0 GET /api/close 0 HEAD /api/x 0 POST /api/early 5 GET /api/slow 0

	e2e_is "$1: WebSocket" "101 ,echo GET /admin HTTP/1.1," "$(one "send:$(ws /api/ws)" read 'send:GET /admin HTTP/1.1' echo)"
	e2e_is "$1: bytes before its answer wait for it" "101 ,echo hello," "$(one "send:$(ws /api/ws)" send:hello read echo)"
	e2e_is "$1: bytes in its packet" "reset," "$(one "send:$(ws /api/ws)hello" eof)"
	e2e_is "$1: a refused handshake" "400 no,200 got 0,403 Access denied,eof," \
		"$(one "send:$(ws /api/no-ws)" read "send:$(get /api/x)" read "send:$BAD" read eof)"
	e2e_is "$1: a denied handshake" "403 Access denied,eof," "$(one "send:$(ws /admin/ws)" read eof)"
	logged GET /api/ws 0 GET /api/ws 0 GET /api/no-ws 0 GET /api/x 0
}

cat >"$E2E/egress.yaml" <<'P'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: out}
spec:
  endpointSelector: {matchLabels: {app: frontend}}
  egress:
  - toEndpoints: [{matchLabels: {app: backend}}]
    toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules:
        http: [{path: /api/.*}]
P
sed -e 's/^  egress:/  ingress:/' -e 's/toEndpoints/fromEndpoints/' -e 's/app: frontend/app: x/;s/app: backend/app: frontend/;s/app: x/app: backend/' \
	-e 's/name: out/name: in/' "$E2E/egress.yaml" >"$E2E/ingress.yaml"
for side in ingress egress; do
	e2e_posternd --policy "$E2E/$side.yaml" --inventory testdata/inventory/demo.yaml --courtesy off --events all
	cases $side
	e2e_stop
done
