#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Without pins, a daemon that ends in order takes the courtesy with it: a client socket keeps the program, and must not be
# answered by a policy that is not in force any more.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
get='HTTP/1.1\r\nHost: b\r\n\r\n'
build/posternd --no-pins --cgroup "$E2E_CGROUP" --events-file "$E2E/events" --courtesy on \
	--policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml 2>"$E2E/log" &
E2E_DAEMON=$!
e2e_wait 30 grep -q 'enforcing below' "$E2E/log" || e2e_fail "posternd does not start"
e2e_run frontend python3 tests/e2e/conn.py $BACKEND 8080 \
	"send:GET /admin $get" read "touch:$E2E/one" "await:$E2E/gone" "send:GET /admin $get" read >"$E2E/open" &
client=$!
e2e_wait 20 test -e "$E2E/one" || e2e_fail "no first answer"
kill -TERM "$E2E_DAEMON"
wait "$E2E_DAEMON" || e2e_fail "posternd ended with $?"
touch "$E2E/gone"
wait $client
e2e_is "the open connection" "403 Access denied,200 hello from /admin," "$(tr '\n' ',' <"$E2E/open")"
