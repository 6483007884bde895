#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A denied request behind allowed ones in one packet: those are answered, whole and in order, then comes the 403. nginx
# never sees the denied one. At the client's own node nothing of the packet has left, so the connection ends.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --policy testdata/http/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy off
H='Host: b\r\n\r\n'
to=$BACKEND
one() { e2e_run frontend timeout 20 python3 tests/e2e/conn.py $to 8080 "$@" | tr '\n' ','; }
get() { echo "GET $1 HTTP/1.1\r\n$H"; }
# logged PATH...: nginx has answered exactly these since the last call. Of a head that comes in pieces it may have the
# beginning, which it writes down when the connection ends.
logged() {
	local want="$*"
	answered() { grep -v ' 400 0 ' "$E2E/access.log" | awk '{ print $7 }' | xargs; }
	seen() { [ "$(answered)" = "$want" ]; }
	e2e_wait 3 seen || e2e_fail "nginx saw '$(answered)', expected '$want'"
	: >"$E2E/access.log"
}

for to in $BACKEND fd77::4; do
	e2e_is "behind one, to $to" "200 hello from /api/x,403 Access denied,eof," \
		"$(one "send:$(get /api/x)$(get /admin)" read read eof)"
	logged /api/x
	e2e_is "behind the end of a body" "200 hello from /api/x,403 Access denied,eof," \
		"$(one "send:POST /api/x HTTP/1.1\r\nContent-Length: 10\r\n${H}01234" sleep:0.1 "send:56789$(get /admin)" read read eof)"
	logged /api/x
	e2e_is "behind a large answer, a HEAD and a 204" "large 3000000,head 3000000,204 ,403 Access denied,eof," \
		"$(one "send:$(get /api/large)HEAD /api/large HTTP/1.1\r\n$H$(get /api/204)$(get /admin)" large head read read eof)"
	logged /api/large /api/large /api/204
done
to=$BACKEND
# Longer than a segment of the daemon's, and than an event.
pipeline='' want='' paths=() reads=()
for i in $(seq 25); do
	pipeline+="GET /api/p$i HTTP/1.1\r\nX: $(printf 'y%.0s' {1..300})\r\n$H"
	want+="200 hello from /api/p$i," paths+=("/api/p$i") reads+=(read)
done
e2e_is "behind 25 of 350 bytes" "${want}403 Access denied,eof," "$(one "send:$pipeline$(get /admin)" "${reads[@]}" read eof)"
logged "${paths[@]}"
e2e_is "cut by the packet as well" "200 hello from /api/x,200 hello from /api/y,403 Access denied,eof," \
	"$(one "send:GET /api/x HT" sleep:0.1 "send:TP/1.1\r\n$H$(get /api/y)GET /adm" sleep:0.1 "send:in HTTP/1.1\r\n$H" read read read eof)"
logged /api/x /api/y
e2e_is "a malformed one" "200 hello from /api/x,403 Access denied,eof," "$(one "send:$(get /api/x)\x16\x03\x01" read read eof)"
logged /api/x
# The daemon sleeps: the client repeats, and is answered when it wakes.
kill -STOP "$E2E_DAEMON"
{ sleep 1 && kill -CONT "$E2E_DAEMON"; } &
e2e_is "while the daemon sleeps" "200 hello from /api/x,403 Access denied,eof," \
	"$(one "send:$(get /api/x)$(get /admin)" read read eof)"
logged /api/x
# What the daemon sends gets nowhere: the connection ends after a few tries.
ip route add blackhole $BACKEND
e2e_is "where the daemon cannot reach the server" "reset," "$(one "send:$(get /api/never)$(get /admin)" eof)"
ip route del blackhole $BACKEND
logged
e2e_stop

e2e_posternd --policy testdata/policies/good/frontend-egress.yaml --inventory testdata/inventory/demo.yaml --courtesy off
e2e_is "at the client's node" "reset," "$(one "send:$(get /api/never)$(get /admin)" eof)"
e2e_is "and one after the other" "200 hello from /api/x,403 Access denied,eof," \
	"$(one "send:$(get /api/x)" read "send:$(get /admin)" read eof)"
logged /api/x
