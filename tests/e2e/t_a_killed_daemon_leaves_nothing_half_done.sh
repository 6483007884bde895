#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SIGKILL in mid-traffic. This version has no pins: links die with the process, the kernel detaches the programs,
# and enforcement ends. Open connections go on undisturbed, new ones are not judged. A daemon that starts again ends
# the connections that it does not know.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
P="--policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off"
# shellcheck disable=SC2086
e2e_posternd $P
e2e_run frontend python3 tests/e2e/conn.py $BACKEND 8080 \
	'send:GET /api/1 HTTP/1.1\r\nHost: b\r\n\r\n' read "touch:$E2E/one" "await:$E2E/killed" \
	'send:GET /api/2 HTTP/1.1\r\nHost: b\r\n\r\n' read "touch:$E2E/two" "await:$E2E/again" \
	'send:GET /api/3 HTTP/1.1\r\nHost: b\r\n\r\n' read eof >"$E2E/open" &
client=$!
e2e_wait 20 test -e "$E2E/one" || e2e_fail "no first answer"
kill -KILL "$E2E_DAEMON"
wait "$E2E_DAEMON" 2>/dev/null
gone() { ! bpftool cgroup show "$E2E_CGROOT/$E2E_CGROUP" | grep -q pst_; }
e2e_wait 5 gone || e2e_fail "programs outlive their daemon"
e2e_is "a new connection is not judged" "200 hello from /admin" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
touch "$E2E/killed"
e2e_wait 20 test -e "$E2E/two" || e2e_fail "the open connection is disturbed"
# shellcheck disable=SC2086
e2e_posternd $P
touch "$E2E/again"
wait $client
e2e_is "the open connection" "200 hello from /api/1,200 hello from /api/2,reset," "$(tr '\n' ',' <"$E2E/open")"
e2e_is "it ended by name" 1 "$(e2e_events '"reason":"unknown-flow"')"
e2e_is "a new one is judged again" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
