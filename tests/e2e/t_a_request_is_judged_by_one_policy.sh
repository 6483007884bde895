#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The policy changes in the middle of heads and bodies: a request is judged by the policy under which it began, to its
# last byte; the next one on its connection by the new one, also in one packet with that last byte. A body outlives any
# number of policies; a head does not, or it would hold their tables for ever, and a trailer has nobody who knows it.
. "$(dirname "$0")/lib.sh"
e2e_up
sed 's/method: GET/method: GET|POST/' testdata/policies/good/backend-api.yaml >"$E2E/api.yaml"
sed 's,/api/,/v2/,' "$E2E/api.yaml" >"$E2E/v2.yaml"
e2e_run backend python3 tests/e2e/server.py 8080 "$E2E/seen" &
listens() { ip netns exec backend ss -Hltn 'sport = :8080' | grep -q .; }
e2e_wait 20 listens || e2e_fail "the server does not start"
cp "$E2E/api.yaml" "$E2E/p.yaml"
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
generation=1
switch() {
	cp "$E2E/$1.yaml" "$E2E/new" && mv "$E2E/new" "$E2E/p.yaml"
	generation=$((generation + 1))
	e2e_wait 10 grep -q "generation $generation is in force" "$E2E/log" || e2e_fail "no generation $generation"
}
# begin NAME BEFORE AFTER...: a connection that is at BEFORE when the policy changes. finish: all of them.
names=()
begin() {
	names+=("$1")
	e2e_run frontend timeout 60 python3 tests/e2e/conn.py $BACKEND 8080 "$2" "touch:$E2E/$1.at" "await:$E2E/go" \
		"${@:3}" >"$E2E/$1.got" 2>&1 &
}
at_it() { for name in "${names[@]}"; do [ -e "$E2E/$name.at" ] || return 1; done; }
finish() {
	touch "$E2E/go"
	for name in "${names[@]}"; do
		e2e_wait 20 eval "! pgrep -f 'touch:$E2E/$name.at'" || e2e_fail "$name does not end"
	done
	rm "$E2E/go"
	names=()
}
got() { e2e_is "$1" "$2" "$(tr '\n' ',' <"$E2E/$1.got")"; }
H='HTTP/1.1\r\nHost: b\r\n'
get() { printf 'send:GET %s %s\\r\\n' "$1" "$H"; }
body() { printf 'send:POST %s %sContent-Length: 10\\r\\n\\r\\n%s' "$1" "$H" "$2"; }

begin in-the-path 'send:GET /api/1' "send:23 $H\r\n" read "$(get /v2/n1)" read "$(get /api/n1)" read eof
begin in-a-field "send:GET /api/2 ${H}X: a" 'send:bc\r\n\r\n' read "$(get /api/n2)" read eof
begin at-the-last-byte "send:GET /api/3 ${H}\r" 'send:\n' read "$(get /v2/n3)" read
begin denied-before "send:GET /v2/4 $H" 'send:\r\n' read eof
begin in-a-body "$(body /api/5 01234)" send:56789 read "$(get /api/n5)" read eof
begin in-a-body-and-allowed "$(body /api/6 01234)" "send:56789GET /v2/n6 $H\r\n" read read
begin in-a-body-and-denied "$(body /api/7 01234)" "send:56789GET /api/n7 $H\r\n" read read eof
begin in-a-chunk-size "send:POST /api/8 ${H}Transfer-Encoding: chunked\r\n\r\n1" 'send:0\r\n0123456789abcdef\r\n0\r\n\r\n' read \
	"$(get /v2/n8)" read "$(get /api/n8)" read eof
begin in-the-body-of-denied "$(body /v2/9 01234)" read eof
e2e_wait 60 at_it || e2e_fail "not all connections are at their place"
switch v2
finish
no='403 Access denied,eof,'
got in-the-path "200 got 0,200 got 0,$no"
got in-a-field "200 got 0,$no"
got at-the-last-byte "200 got 0,200 got 0,"
got denied-before "$no"
got in-a-body "200 got 10,$no"
got in-a-body-and-allowed "200 got 10,200 got 0,"
got in-a-body-and-denied "200 got 10,$no"
got in-a-chunk-size "200 got 16,200 got 0,$no"
got in-the-body-of-denied "$no"
e2e_is "what the server has read that no policy allowed when it came" "" "$(grep -E '/api/n|/v2/[49]' "$E2E/seen")"

# As many policies as have a place, and one more, while a request is under way.
begin a-head-through-five "send:GET /v2/1 ${H}X: a" 'send:bc\r\n\r\n' eof
begin a-body-through-five "$(body /v2/2 01234)" send:56789 read "$(get /v2/m2)" read "$(get /api/m2)" read eof
begin chunks-through-five "send:POST /v2/3 ${H}Transfer-Encoding: chunked\r\n\r\n1" 'send:0\r\n0123456789abcdef\r\n0\r\n\r\n' read \
	"$(get /v2/m3)" read
begin trailers-through-five "send:POST /v2/4 ${H}Transfer-Encoding: chunked\r\n\r\n1" 'send:0\r\n0123456789abcdef\r\n0\r\nX: c\r\n\r\n' read eof
begin an-answer-through-five "$(get /v2/large)" large "$(get /api/m5)" read eof
e2e_wait 60 at_it || e2e_fail "not all connections are at their place"
for next in api v2 api v2 api v2; do switch $next; done
finish
got a-head-through-five "reset,"
e2e_is "by name" 1 "$(e2e_events '"reason":"generation-expired"')"
got trailers-through-five "$no"
e2e_is "by name" 1 "$(e2e_events '"reason":"too-many-fields"')"
got a-body-through-five "200 got 10,200 got 0,$no"
got chunks-through-five "200 got 16,200 got 0,"
got an-answer-through-five "large 8000000,$no"
e2e_is "of these the server has read" "GET /v2/large 0,GET /v2/m2 0,GET /v2/m3 0,POST /v2/2 10,POST /v2/3 16," \
	"$(grep -E ' /v2/([123] |m|large)|/api/m' "$E2E/seen" | sort | tr '\n' ',')"
e2e_stop
