#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One connection, several requests: each is judged. Without courtesy a denial ends the connection in order; with
# it the connection lives on.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
OK='send:GET /api/ok HTTP/1.1\r\nHost: b\r\n\r\n'
BAD='send:GET /admin HTTP/1.1\r\nHost: b\r\n\r\n'
one() { e2e_run frontend python3 tests/e2e/conn.py $BACKEND 8080 "$@" | tr '\n' ','; }

e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off
e2e_is "allow, then deny: orderly end" "200 hello from /api/ok,403 Access denied,eof," "$(one "$OK" read "$BAD" read eof)"
e2e_is "deny at once" "403 Access denied,eof," "$(one "$BAD" read eof)"
hundred=()
for _ in $(seq 100); do hundred+=("$OK" read); done
e2e_is "100 requests on one connection" 100 "$(e2e_run frontend python3 tests/e2e/conn.py $BACKEND 8080 "${hundred[@]}" | grep -c '^200 hello')"
e2e_stop

e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy on
e2e_is "deny, allow, deny, allow on one connection" "403 Access denied,200 hello from /api/ok,403 Access denied,200 hello from /api/ok," \
	"$(one "$BAD" read "$OK" read "$BAD" read "$OK" read)"
e2e_is "the kernel answered" 2 "$(e2e_events '"answer":"kernel"')"
e2e_is "admin requests that arrived" 0 "$(grep -c admin "$E2E/access.log")"
