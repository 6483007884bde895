#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Body, content type and headers of the 403 are the operator's, whoever sends it; what would reframe it is refused.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
POLICY=(--policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml)
for courtesy in off on; do
	e2e_posternd "${POLICY[@]}" --courtesy $courtesy --deny-body '{"error":"denied"}' \
		--deny-content-type application/json --deny-header 'X-Denied-By: postern' --deny-header 'cache-control:no-store'
	for method in GET HEAD; do
		[ $method = GET ] || head=-I
		e2e_run frontend curl -sS -i ${head:-} --max-time 5 "http://$BACKEND:8080/admin" | tr -d '\r' >"$E2E/out"
		e2e_is "courtesy $courtesy, $method: status" "HTTP/1.1 403 Forbidden" "$(head -n 1 "$E2E/out")"
		e2e_is "courtesy $courtesy, $method: headers" 4 "$(grep -ciE \
			'^(content-type: application/json|content-length: 18|x-denied-by: postern|cache-control:no-store)$' "$E2E/out")"
	done
	unset head
	e2e_is "courtesy $courtesy: body" '403 {"error":"denied"}' "$(e2e_http frontend "http://$BACKEND:8080/admin")"
	e2e_stop
done
e2e_is "answered by the daemon" 3 "$(e2e_events '"answer":"daemon"')"
e2e_is "answered by the kernel" 3 "$(e2e_events '"answer":"kernel"')"

# refused TEXT ARG...
refused() {
	local text=$1
	shift
	if build/posternd "${POLICY[@]}" --cgroup "$E2E_CGROUP" --pin-dir "$E2E_PINS" "$@" 2>"$E2E/err"; then e2e_fail "$* is accepted"; fi
	grep -q -- "$text" "$E2E/err" || e2e_fail "$*: $(cat "$E2E/err")"
}
refused 'framing of the response' --deny-header 'Content-Length: 3'
refused "expected 'Name: value'" --deny-header 'nothing'
refused 'control character' --deny-header $'X: a\r\nY: b'
refused 'control character' --deny-content-type $'a/b\n'
refused 'too long' --deny-body "$(head -c 513 /dev/zero | tr '\0' x)"
