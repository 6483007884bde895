#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The courtesy answers in the kernel, at the sender. Where the answer to an earlier request has arrived, but waits until
# the sender lets go of its socket, the 403 must not come first: it would be taken for that request's answer.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_run backend python3 tests/e2e/server.py 8080 "$E2E/requests" &
e2e_posternd --policy testdata/http/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy on --events all
up() { e2e_run backend ss -Hltn | grep -q :8080; }
e2e_wait 10 up || e2e_fail "the server does not start"
answers=$(e2e_run frontend timeout 20 python3 tests/e2e/overtake.py $BACKEND 8080 /api/slow /secret)
[ $? -ne 77 ] || { echo "$answers"; exit 77; }
e2e_is "a denied request sent while the answer waits" "200 403" "${answers% *}"
e2e_is "the server has seen the allowed one only" "GET /api/slow 0" "$(cat "$E2E/requests")"
# At rest it still is the kernel that answers.
e2e_is "a denied request on a connection at rest" "403 Access denied" "$(e2e_http frontend http://$BACKEND:8080/secret)"
e2e_is "answered by the kernel" 1 "$(e2e_events '"answer":"kernel"')"
