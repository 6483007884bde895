#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whatever this version cannot judge is denied with a named reason and never reaches nginx.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --proxy off --policy testdata/policies/good/two-rules.yaml --inventory testdata/inventory/demo.yaml --courtesy off

# refused NAME REASON STEP...: sends, and expects REASON in the events and nothing in nginx's log.
refused() {
	local name=$1 reason=$2 before
	shift 2
	before=$(e2e_events "\"reason\":\"$reason\"")
	e2e_run frontend timeout 10 python3 tests/e2e/conn.py $BACKEND 8080 "$@" >"$E2E/out"
	more() { [ "$(e2e_events "\"reason\":\"$reason\"")" -gt "$before" ]; }
	e2e_wait 3 more || e2e_fail "$name: no event with reason $reason"
	e2e_is "$name ($reason) reached nginx" 0 "$(grep -c refused "$E2E/access.log")"
}

H='Host: b\r\n'
refused "a coding before chunked" transfer-encoding "send:POST /api/refused HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" eof
refused "an upgrade to something else" upgrade "send:GET /api/refused HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: tls/1.0\r\n\r\n" eof
refused "an offer of HTTP/2 without settings" bad-upgrade "send:GET /api/refused HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" eof
refused "the HTTP/2 preface" http2-preface 'send:PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' eof
refused "a TLS hello" not-http 'send:\x16\x03\x01\x00\xa5\x01\x00\x00' eof
refused "CONNECT" connect "send:CONNECT refused:80 HTTP/1.1\r\n$H\r\n" eof
refused "a denied request behind others in one packet" no-rule-l7 "send:GET /api/1 HTTP/1.1\r\n$H\r\nGET /api/2 HTTP/1.1\r\n$H\r\nGET /refused HTTP/1.1\r\n$H\r\n" eof
refused "a dot segment" target-dot-segment "send:GET /api/../refused HTTP/1.1\r\n$H\r\n" read
refused "an escaped slash" target-escape "send:GET /api/x%2frefused HTTP/1.1\r\n$H\r\n" read
refused "an empty segment" target-empty-segment "send:GET /api//refused HTTP/1.1\r\n$H\r\n" read
refused "no Host" host-missing 'send:GET /api/refused HTTP/1.1\r\n\r\n' read
refused "two Hosts" host-repeated "send:GET /api/refused HTTP/1.1\r\n$H$H\r\n" read
refused "two lengths" content-length-repeated "send:GET /api/refused HTTP/1.1\r\n${H}Content-Length: 0\r\nContent-Length: 0\r\n\r\n" read
refused "a bare LF" bad-line-end 'send:GET /api/refused HTTP/1.1\nHost: b\n\n' read
refused "a body on GET" unexpected-body "send:GET /api/refused HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nabc" read
refused "HTTP/3.7" bad-version "send:GET /api/refused HTTP/3.7\r\n$H\r\n" read

e2e_is "curl with HTTP/2 prior knowledge" none "$(e2e_http frontend --http2-prior-knowledge "http://$BACKEND:8080/api/refused")"
e2e_is "and ordinary requests still pass" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
