#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SIGKILL and SIGTERM in mid-traffic: the last generation stays in force, on open and on new connections, and the next
# daemon goes on with their state: it ends nobody. A connection is judged from its first request to its last, through
# four daemons. What only a daemon can do, the 403, waits for the next one.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
P="--policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off"
U=http://$BACKEND:8080
get() { printf 'send:GET %s HTTP/1.1\\r\\nHost: b\\r\\n\\r\\n' "$1"; }
attached() { bpftool cgroup show "$E2E_CGROOT/$E2E_CGROUP" | grep -c pst_; }
# The sum of a counter over CPUs and directions, by its index.
lost() { bpftool -j map dump pinned "$E2E_PINS"/v*/pst_counters | python3 -c '
import json, sys
last = json.load(sys.stdin)[-1]
print(sum(int(b, 16) << 8 * (i % 8) for v in last["values"] for i, b in enumerate(v["value"])))'; }

# Whether tc compares what senders send: the daemon's own variable of its programs, which no pin keeps.
senders() {
	local id
	for id in $(sed -n 's/^map_id:\t//p' "/proc/$E2E_DAEMON/fdinfo/"* | sort -u); do
		bpftool map show id "$id" | grep -q '\.bss' && bpftool map dump id "$id"
	done | grep -o '"pst_senders_judged": [0-9]*'
}

# shellcheck disable=SC2086
e2e_posternd $P
e2e_is "what senders send is not compared yet" '"pst_senders_judged": 0' "$(senders)"
e2e_run frontend python3 tests/e2e/conn.py $BACKEND 8080 \
	"$(get /api/1)" read "touch:$E2E/1" "await:$E2E/killed" \
	"$(get /api/2)" read "touch:$E2E/2" "await:$E2E/again" \
	"$(get /api/3)" read "touch:$E2E/3" "await:$E2E/ended" \
	"$(get /api/4)" read "touch:$E2E/4" "await:$E2E/last" \
	"$(get /api/5)" read "$(get /admin)" read eof >"$E2E/open" &
client=$!
e2e_wait 20 test -e "$E2E/1" || e2e_fail "no first answer"
e2e_leave KILL
e2e_is "programs attached after SIGKILL" 10 "$(attached)"
touch "$E2E/killed"
e2e_wait 20 test -e "$E2E/2" || e2e_fail "the open connection is disturbed"
e2e_is "a new connection" "200 hello from /api/x" "$(e2e_http frontend $U/api/x)"
e2e_is "a denied request gets no answer" none "$(e2e_http frontend $U/admin)"
e2e_is "another pod" none "$(e2e_http other --max-time 1 $U/api/x)"

# A full ring loses events, not verdicts.
e2e_run backend python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.77.0.4", 9))
open(sys.argv[1], "w").close()
time.sleep(60)' "$E2E/bound" &
e2e_wait 10 test -e "$E2E/bound" || e2e_fail "no receiver of datagrams"
before=$(lost)
e2e_run other python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(12000):
    s.sendto(b"x", ("10.77.0.4", 9))'
[ "$(lost)" -gt "$before" ] || e2e_fail "the ring was not full: $(lost) events lost"
echo "ok: $(($(lost) - before)) events lost"
e2e_is "with a full ring" "200 hello from /api/y" "$(e2e_http frontend $U/api/y)"
e2e_is "denied, with a full ring" none "$(e2e_http frontend --max-time 1 $U/admin)"

# shellcheck disable=SC2086
e2e_posternd $P
e2e_is "what senders send is compared from the start" '"pst_senders_judged": 1' "$(senders)"
grep -q 'adopted what is pinned' "$E2E/log" || e2e_fail "nothing was adopted"
grep -q 'generation 2 is in force' "$E2E/log" || e2e_fail "counting does not go on: $(cat "$E2E/log")"
touch "$E2E/again"
e2e_wait 20 test -e "$E2E/3" || e2e_fail "the next daemon disturbs the open connection"
e2e_is "denied, with a daemon" "403 Access denied" "$(e2e_http frontend $U/admin)"
e2e_leave TERM
e2e_is "programs attached after SIGTERM" 10 "$(attached)"
touch "$E2E/ended"
e2e_wait 20 test -e "$E2E/4" || e2e_fail "SIGTERM disturbs the open connection"

# A daemon that cannot start changes nothing.
if build/posternd --cgroup "$E2E_CGROUP" --pin-dir "$E2E_PINS" --policy testdata/policies/bad 2>"$E2E/log"; then
	e2e_fail "bad policies are accepted"
fi
grep -q 'stays in force' "$E2E/log" || e2e_fail "it does not say what stays in force"
e2e_is "denied after a start that failed" none "$(e2e_http frontend --max-time 1 $U/admin)"
# shellcheck disable=SC2086
e2e_posternd $P
touch "$E2E/last"
wait $client
e2e_is "the open connection" "200 hello from /api/1,200 hello from /api/2,200 hello from /api/3,200 hello from /api/4,200 hello from /api/5,403 Access denied,eof," \
	"$(tr '\n' ',' <"$E2E/open")"
e2e_is "connections that the next daemons did not know" 0 "$(e2e_events '"reason":"unknown-flow"')"
e2e_is "denied requests that arrived" 0 "$(grep -c admin "$E2E/access.log")"
e2e_stop
e2e_is "programs attached after --detach" 0 "$(attached)"
[ ! -e "$E2E_PINS" ] || e2e_fail "pins are left: $(find "$E2E_PINS")"
