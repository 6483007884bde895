#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# posternd --detach under load: no allowed request fails. And what is still on its way when nothing judges any more: a request
# that was answered with 403 never arrives, though its sender's TCP may hold it; one that nobody has answered does.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
P="--policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml"
asked() { [ "$(grep -c api/load "$E2E/access.log")" -ge "$1" ]; }
# send POD PATH: sends a request, waits for an answer or for the file $E2E/over, and keeps the connection until then
send() {
	e2e_run "$1" python3 tests/e2e/conn.py $BACKEND 8080 "send:GET $2 HTTP/1.1\r\nHost: b\r\n\r\n" "touch:$E2E/sent" read \
		"touch:$E2E/read" "await:$E2E/over"
}

for courtesy in off on; do
	rm -f "$E2E/stop" "$E2E/over" "$E2E/read" "$E2E/sent"
	: >"$E2E/access.log"
	# shellcheck disable=SC2086
	e2e_posternd $P --courtesy $courtesy
	e2e_run frontend python3 tests/e2e/load.py $BACKEND 8080 "$E2E/stop" >"$E2E/load" 2>"$E2E/failures" &
	load=$!
	e2e_wait 20 asked 100 || e2e_fail "no load"
	send frontend /admin/answered >"$E2E/open" &
	client=$!
	e2e_wait 20 test -e "$E2E/read" || e2e_fail "no answer"
	e2e_stop # within the second and a half for which the answered connection may live
	e2e_wait 20 asked $(($(grep -c api/load "$E2E/access.log") + 100)) || e2e_fail "no load behind it"
	# The sender of what was answered has been silent for longer than its TCP would have waited to repeat it.
	sleep 2
	touch "$E2E/stop" "$E2E/over"
	wait $load $client
	read -r allowed failed _ <"$E2E/load"
	e2e_is "courtesy $courtesy: allowed requests that failed, of $allowed" "0 " "$failed $(head -n 5 "$E2E/failures")"
	e2e_is "what was answered" "403 Access denied" "$(head -n 1 "$E2E/open")"
	e2e_is "answered requests that the server saw" 0 "$(grep -c /admin/answered "$E2E/access.log")"
done

# Denied while no daemon was there to say so.
rm -f "$E2E/over" "$E2E/read" "$E2E/sent"
# shellcheck disable=SC2086
e2e_posternd $P --courtesy off
e2e_leave KILL
send frontend /admin/silent >"$E2E/open" &
client=$!
e2e_wait 20 test -e "$E2E/sent" || e2e_fail "nothing is sent"
sleep 0.5
[ ! -e "$E2E/read" ] || e2e_fail "there is an answer without a daemon: $(cat "$E2E/open")"
e2e_is "what nobody answered waits" 0 "$(grep -c /admin/silent "$E2E/access.log")"
build/posternd --detach --pin-dir "$E2E_PINS" 2>>"$E2E/log" || e2e_fail "--detach ended with $?"
e2e_wait 20 test -e "$E2E/read" || e2e_fail "the request is lost"
touch "$E2E/over"
wait $client
e2e_is "and is served when nothing is enforced any more" "200 hello from /admin/silent" "$(head -n 1 "$E2E/open")"
