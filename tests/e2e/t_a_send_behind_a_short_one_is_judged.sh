#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A full buffer cuts a send short; about the next one the kernel does not ask sk_msg, so the courtesy never sees it. It is
# denied all the same, by the client's rules and by the server's, and by the authority: the connection ends.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_run backend python3 tests/e2e/short.py serve 8080 "$E2E/requests" >"$E2E/ready" &
e2e_wait 20 grep -q ready "$E2E/ready" || e2e_fail "the server does not start"
sed 's/method: GET/method: GET|POST/' testdata/policies/good/backend-api.yaml >"$E2E/backend.yaml"
sed '/- method: POST/,$d; s/method: GET/method: GET|POST/' testdata/policies/good/frontend-egress.yaml >"$E2E/frontend.yaml"
for where in frontend backend; do
	e2e_posternd --policy "$E2E/$where.yaml" --inventory testdata/inventory/demo.yaml --courtesy on
	got=$(e2e_run frontend timeout 60 python3 tests/e2e/short.py ask $BACKEND 8080 8 2>&1)
	echo "# $where: ${got//$'\n'/, }"
	e2e_is "rules of the $where: requests that were answered" "" "$(grep -E ' 200 ' <<<"$got")"
	# At rest, and yet it was not the kernel that answered: this is what the test is about.
	grep -qx '0 403 ended' <<<"$got" || e2e_fail "no send was missed by sk_msg"
	e2e_is "rules of the $where: behind a connection at rest, the kernel answers" "403 Access denied" \
		"$(e2e_http frontend http://$BACKEND:8080/admin)"
	e2e_wait 3 eval "[ \$(e2e_events '\"answer\":\"kernel\"') -ge 1 ]" || e2e_fail "the courtesy is off"
	e2e_stop
	: >"$E2E/events"
done
e2e_is "denied requests at the server" "" "$(grep admin "$E2E/requests")"
