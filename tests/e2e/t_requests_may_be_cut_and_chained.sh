#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A head in any number of packets, any number of requests in a packet: each is judged, and nginx sees exactly the
# allowed ones, in their order. A denial in the middle of a pipeline waits until the answers before it are whole.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --policy testdata/http/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy off \
	--events all
H='Host: b\r\n\r\n'
one() { e2e_run frontend timeout 20 python3 tests/e2e/conn.py $BACKEND 8080 "$@" | tr '\n' ','; }
get() { echo "GET $1 HTTP/1.1\r\n$H"; }
# logged PATH...: nginx has seen exactly these since the last call.
logged() {
	local want="$*"
	seen() { [ "$(awk '{ print $7 }' "$E2E/access.log" | xargs)" = "$want" ]; }
	e2e_wait 3 seen || e2e_fail "nginx saw '$(awk '{ print $7 }' "$E2E/access.log" | xargs)', expected '$want'"
	: >"$E2E/access.log"
}

e2e_is "byte by byte" "200 hello from /api/slow,200 hello from /api/next," \
	"$(one "bytes:$(get /api/slow)" read "bytes:$(get /api/next)" read)"
logged /api/slow /api/next
e2e_is "denied byte by byte" "200 hello from /api/slow,403 Access denied,eof," \
	"$(one "bytes:$(get /api/slow)" read "bytes:$(get /admin)" read eof)"
logged /api/slow
e2e_is "events with the whole head of it" 1 "$(e2e_events '"reason":"no-rule-l7".*"method":"GET","path":"/admin","host":"b"')"

for cut in 1 5 17 30 33; do
	e2e_is "cut $cut bytes before its end" "200 hello from /api/c,200 hello from /api/d," \
		"$(one "cut:$cut:$(get /api/c)" read "cut:$cut:$(get /api/d)" read)"
done
: >"$E2E/access.log"

pipeline='' want='' paths=()
for i in $(seq 30); do
	pipeline+=$(get "/api/p$i") want+="200 hello from /api/p$i," paths+=("/api/p$i")
done
reads=()
for i in $(seq 30); do reads+=(read); done
e2e_is "30 requests in one packet" "$want" "$(one "send:$pipeline" "${reads[@]}")"
logged "${paths[@]}"

# The answers are due when the denied request comes: they arrive whole and first.
e2e_is "denied in the middle of a pipeline" "200 hello from /api/a,large 3000000,200 hello from /api/b,403 Access denied,eof," \
	"$(one "send:$(get /api/a)" "send:$(get /api/large)$(get /api/b)" "send:$(get /admin)" "send:$(get /api/never)" \
		read large read read eof)"
logged /api/a /api/large /api/b
e2e_is "deferred denials" 1 "$(e2e_events '"answer":"deferred"')"
e2e_is "a HEAD before it" "head 3000000,403 Access denied,eof," \
	"$(one "send:HEAD /api/large HTTP/1.1\r\n$H" "send:$(get /admin)" head read eof)"
logged /api/large

e2e_is "a denied one behind others in its packet" "200 hello from /api/x,200 hello from /api/y,403 Access denied,eof," \
	"$(one "send:$(get /api/x)$(get /api/y)$(get /admin)$(get /api/never)" read read read eof)"
logged /api/x /api/y
e2e_is "more than the limit at once" "reset," "$(one "send:$(get /api/large)" "many:40:$(get /api/x)" drained)"
e2e_is "and by name" 1 "$(e2e_events '"reason":"pipelined"')"

answers=$(e2e_events '"layer":"answer".*"number":[0-9]+,"status":200,"latency_us":[1-9]')
[ "$answers" -ge 30 ] || e2e_fail "only $answers answers with status and latency"
