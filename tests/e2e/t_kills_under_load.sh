#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The daemon is killed again and again under load: idle, while it publishes, while it answers denials, while it adopts
# what its predecessor has pinned. No allowed request fails, no denied one arrives.
#
#	KILLS=n	how many (default 12); with 100 it is the nightly form (E2E_TIMEOUT=1200)
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
P="--policy $E2E/p.yaml --inventory testdata/inventory/demo.yaml --courtesy off"
kills=${KILLS:-12}
cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
sleep_ms() { sleep "$(printf '0.%03d' $((RANDOM % $1)))"; }

# Starts one and does not wait.
begin() {
	: >"$E2E/log"
	# shellcheck disable=SC2086
	build/posternd --cgroup "$E2E_CGROUP" --pin-dir "$E2E_PINS" --events-file "$E2E/events" $P 2>"$E2E/log" &
	E2E_DAEMON=$!
}

took=$(date +%s%3N)
# shellcheck disable=SC2086
e2e_posternd $P
took=$(($(date +%s%3N) - took))
[ $took -lt 999 ] || took=999
e2e_run frontend python3 tests/e2e/load.py $BACKEND 8080 "$E2E/stop" >"$E2E/load" 2>"$E2E/failures" &
load=$!
adopting=0
for i in $(seq "$kills"); do
	case $((i % 4)) in
	0) sleep_ms 300 ;;
	1) kill -HUP "$E2E_DAEMON"; sleep_ms 30 ;;
	2) e2e_run frontend python3 tests/e2e/conn.py $BACKEND 8080 'send:GET /admin HTTP/1.1\r\nHost: b\r\n\r\n' sleep:0.05 \
		>/dev/null & sleep_ms 150 ;;
	3)
		e2e_leave KILL
		begin
		sleep_ms $took
		grep -q 'enforcing below' "$E2E/log" || adopting=$((adopting + 1))
		;;
	esac
	e2e_leave KILL
	# shellcheck disable=SC2086
	e2e_posternd $P
	grep -q 'adopted what is pinned' "$E2E/log" || e2e_fail "kill $i: nothing was adopted"
done
touch "$E2E/stop"
wait $load
read -r allowed failed denied through <"$E2E/load"
echo "$kills kills, $adopting of them before the next one had adopted; a start takes $took ms or more"
e2e_is "allowed requests that failed, of $allowed" "0 " "$failed $(head -n 5 "$E2E/failures")"
e2e_is "denied requests that were not, of $denied" 0 "$through"
e2e_is "denied requests that the server saw" 0 "$(grep -c admin "$E2E/access.log")"
e2e_is "connections that a daemon did not know" 0 "$(e2e_events '"reason":"unknown-flow"')"
[ "$allowed" -ge $((kills * 10)) ] && [ "$denied" -ge "$kills" ] || e2e_fail "too little load to tell"
e2e_stop
