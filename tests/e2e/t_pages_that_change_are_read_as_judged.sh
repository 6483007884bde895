#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A hostile sender on the server's own node sends pages that it can still write to, waits for the verdict, and writes
# another request into them before the server reads. Without the filter at the server's side this works: the test
# shows that first, or the rest would show nothing.
. "$(dirname "$0")/lib.sh"
e2e_up
sed 's/method: GET/method: GET|POST/' testdata/policies/good/backend-api.yaml >"$E2E/policy.yaml"
for at in $BACKEND fd77::4; do
	e2e_run backend python3 tests/e2e/shared_pages.py serve $at 8080 "$E2E/go" >"$E2E/up.$at" &
	e2e_wait 60 test -s "$E2E/up.$at" || e2e_fail "no server"
done
attack() { e2e_run frontend timeout 20 python3 tests/e2e/shared_pages.py "$1" "$2" 8080 "$E2E/go" 2>&1 | tail -n 1; }
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off

tc qdisc del dev backend clsact
for at in $BACKEND fd77::4; do
	for way in sendfile behind-a-body splice; do
		e2e_is "$at: $way without the filter: the server reads what nobody has judged" /admin "$(attack $way $at)"
	done
done
e2e_leave TERM
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
for at in $BACKEND fd77::4; do
	for way in sendfile behind-a-body splice zerocopy; do
		e2e_is "$at: $way: the server reads what was judged" /api/x "$(attack $way $at)"
	done
done
