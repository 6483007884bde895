#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The map of the client sockets that the kernel answers itself is full. Who finds no place in it is judged like any other: a
# denied request does not arrive, the daemon answers it in place of the kernel, and it is counted that there was no place. Who
# has one keeps it, and when one becomes free the next connection has it. By the client's rules, and by the server's.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
PLACES=4
command -v "${CC:-cc}" >/dev/null || { echo "needs a compiler: what makes the map small is preloaded"; exit 77; }
${CC:-cc} -shared -fPIC -D_GNU_SOURCE -o "$E2E/small.so" tests/e2e/small_map.c -ldl ||
	e2e_fail "what makes the map small does not compile"
allowed='GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n' denied='GET /admin HTTP/1.1\r\nHost: b\r\n\r\n'
counted() {
	build/postern status --format json |
		python3 -c "import json,sys; print(sum(x['egress'] for x in json.load(sys.stdin)['passed'] if x['reason'] == 'courtesy-missed'))"
}
answers() { e2e_events "\"answer\":\"$1\""; }
# each N FILE: until each of N clients has made its file.
each() { [ "$(find "$E2E" -name "$2.*" | wc -l)" -eq "$1" ]; }
in_the_map() { bpftool map dump pinned "$(find "$E2E_PINS" -name pst_courtesy)" -j | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'; }
is_empty() { [ "$(in_the_map)" -eq 0 ]; }

# without POLICY: of which end the rules are.
without() {
	local at i got
	LD_PRELOAD=$E2E/small.so SMALL_MAP=pst_courtesy SMALL_MAP_ENTRIES=$PLACES e2e_posternd --courtesy on \
		--policy "testdata/policies/good/$1.yaml" --inventory testdata/inventory/demo.yaml
	for i in $(seq $PLACES); do
		at=10.77.0.4
		[ $((i % 2)) -eq 0 ] || at=fd77::4
		e2e_run frontend python3 tests/e2e/conn.py $at 8080 "send:$denied" read "touch:$E2E/has.$i" "await:$E2E/full" \
			"send:$allowed" read "send:$denied" read "touch:$E2E/still.$i" "await:$E2E/end" >"$E2E/placed.$i" &
	done
	e2e_wait 20 each $PLACES has || e2e_fail "$1: not every first request is answered"
	e2e_is "$1: who has a place is answered by the kernel" "$PLACES 0 0" "$(answers kernel) $(answers daemon) $(counted)"
	e2e_is "$1: places taken" $PLACES "$(in_the_map)"
	for at in $BACKEND "$BACKEND6"; do
		got=$(e2e_run frontend timeout 20 python3 tests/e2e/conn.py "$(tr -d '[]' <<<"$at")" 8080 \
			"send:$allowed" read "send:$denied" read eof | tr '\n' ',')
		e2e_is "$1, $at: no place: allowed, denied, and the connection ends" "200 hello from /api/x,403 Access denied,eof," "$got"
		e2e_is "$1, $at: no place, denied at once" "403 Access denied" "$(e2e_http frontend "http://$at:8080/admin")"
	done
	e2e_is "$1: the daemon has answered those, the kernel none" "$PLACES 4" "$(answers kernel) $(answers daemon)"
	e2e_is "$1: connections that found no place" 4 "$(counted)"
	touch "$E2E/full"
	e2e_wait 20 each $PLACES still || e2e_fail "$1: who had a place is harmed: $(cat "$E2E"/placed.*)"
	for i in $(seq $PLACES); do
		e2e_is "$1: who had a place goes on" "403 Access denied,200 hello from /api/x,403 Access denied," \
			"$(tr '\n' ',' <"$E2E/placed.$i")"
	done
	e2e_is "$1: and is answered by the kernel" "$((2 * PLACES)) 4" "$(answers kernel) $(answers daemon)"
	touch "$E2E/end"
	e2e_wait 10 is_empty || e2e_fail "$1: places are not given back"
	e2e_is "$1: places are free again" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
	e2e_is "$1: and taken again" "$((2 * PLACES + 1)) 4 4" "$(answers kernel) $(answers daemon) $(counted)"
	e2e_is "$1: denied requests that arrived" 0 "$(grep -c admin "$E2E/access.log")"
	e2e_stop
	rm "$E2E"/has.* "$E2E"/still.* "$E2E/full" "$E2E/end"
	: >"$E2E/events"
}
without backend-api
without frontend-egress
