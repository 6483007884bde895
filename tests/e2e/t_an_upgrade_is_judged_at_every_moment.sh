#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A daemon whose maps are of another version is replaced under load, by a younger one and then by an older one: what is denied
# never arrives, what is allowed fails only on connections that are older than the new daemon's programs (docs/decisions/0015), and
# of the old pins nothing is left.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
P="--policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off"
now() { awk '{ print $1 }' /proc/uptime; }
schemas() { find "$E2E_PINS" -mindepth 1 -maxdepth 1 -printf '%f ' | sed -E 's/-[0-9a-f]{16}//g'; }
attached() { bpftool cgroup show "$E2E_CGROOT/$E2E_CGROUP" | grep -c pst_; }

# upgrade WHAT FROM TO SIGNAL: under load, the daemon FROM is ended by SIGNAL and TO begins.
upgrade() {
	local what=$1 to=$3 load begun over first
	# shellcheck disable=SC2086
	E2E_BINARY=$2 e2e_posternd $P
	first=$(schemas)
	programs=$(attached)
	rm -f "$E2E/stop"
	: >"$E2E/access.log"
	: >"$E2E/events"
	e2e_run frontend python3 tests/e2e/load.py $BACKEND 8080 "$E2E/stop" >"$E2E/load" 2>"$E2E/failures" &
	load=$!
	asked() { [ "$(grep -c api "$E2E/access.log")" -ge "$1" ]; }
	e2e_wait 20 asked 200 || e2e_fail "$what: no load"
	e2e_is "$what: failures before" 0 "$(wc -l <"$E2E/failures")"
	e2e_leave "$4"
	begun=$(now)
	# shellcheck disable=SC2086
	E2E_BINARY=$to e2e_posternd $P
	over=$(now)
	e2e_wait 20 asked $(($(grep -c api "$E2E/access.log") + 200)) || e2e_fail "$what: no load behind it"
	touch "$E2E/stop"
	wait $load
	read -r allowed failed denied through <"$E2E/load"
	echo "# $what: $first-> $(schemas); $allowed allowed, $denied denied, the new daemon enforced after $(awk "BEGIN { print $over - $begun }") s"
	sed 's/^/# /' "$E2E/failures"
	e2e_is "$what: denied requests that were not, of $denied" 0 "$through"
	e2e_is "$what: denied requests that the server saw" 0 "$(grep -c admin "$E2E/access.log")"
	e2e_is "$what: allowed requests that failed on connections opened behind it" 0 \
		"$(sed -n 's/.*, opened: //p' "$E2E/failures" | awk -v over="$over" '$1 > over + 0.01' | wc -l)"
	e2e_is "$what: answers that were no 200" 0 "$(grep -c '^answer' "$E2E/failures")"
	# One connection stays, and one is always new; the second may be between SYN and request twice, once for each of its ends.
	[ "$failed" -ge 1 ] && [ "$failed" -le 3 ] || e2e_fail "$what: $failed allowed requests failed"
	[ "$(e2e_events '"reason":"unknown-flow"')" -ge 1 ] || e2e_fail "$what: no connection ended as unknown"
	e2e_is "$what: what is attached is the new daemon's alone" "$programs" "$(attached)"
	[ "$(schemas)" != "$first" ] && [ "$(schemas | wc -w)" -eq 1 ] || e2e_fail "$what: pins: $first, then $(schemas)"
	[ "$denied" -ge 5 ] || e2e_fail "$what: too little load to tell"
	e2e_is "$what: an allowed request" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
	e2e_is "$what: a denied one" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
	e2e_stop # by build/posternd, whoever has pinned it
	[ ! -e "$E2E_PINS" ] || e2e_fail "$what: pins are left: $(find "$E2E_PINS")"
}

upgrade "upgrade" build/other/posternd build/posternd TERM
upgrade "upgrade behind a crash" build/other/posternd build/posternd KILL
upgrade "downgrade" build/posternd build/other/posternd TERM
