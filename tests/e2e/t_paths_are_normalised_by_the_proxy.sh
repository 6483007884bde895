#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --paths normalize: workloads that are reached through the proxy get paths in normal form, and no others; what the server
# writes down is what was judged. Workloads that the kernel judges refuse them as always.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
awk '{ print } /name: backend/ { print "  annotations: {postern.io/mode: proxy}" }' testdata/inventory/demo.yaml >"$E2E/proxy.yaml"
cp testdata/inventory/demo.yaml "$E2E/kernel.yaml"
# start WAY ARG...
start() {
	local way=$1
	shift
	: >"$E2E/events"
	: >"$E2E/access.log"
	e2e_posternd --policy testdata/http/policy.yaml --inventory "$E2E/$way.yaml" --courtesy off --events all "$@"
}
wrong_start() { build/posternd --cgroup "$E2E_CGROUP" --policy testdata/http/policy.yaml "$@" 2>&1 | head -1; }

e2e_is "a word without its mode" "posternd: error: --escaped-slashes wants --paths normalize; see posternd --help" "$(wrong_start --escaped-slashes keep)"
for mode in redirect reject keep; do
	start proxy --paths normalize --escaped-slashes $mode
	e2e_run frontend timeout 60 python3 tests/e2e/normal.py $BACKEND 8080 $mode >"$E2E/out" || e2e_fail "normal.py"
	e2e_is "verdicts with $mode" "" "$(awk -F '\t' '$2 != $3' "$E2E/out")"
	awk -F '\t' '$4 != "-" { print $4 }' "$E2E/out" >"$E2E/expected"
	[ -s "$E2E/expected" ] || e2e_fail "no target with $mode"
	complete() { [ "$(wc -l <"$E2E/access.log")" -ge "$(wc -l <"$E2E/expected")" ]; } # nginx writes behind its answer
	e2e_wait 3 complete
	e2e_is "what the server got with $mode" "" "$(awk '{ print $7 }' "$E2E/access.log" | sed 's/\\x5C/\\/g' | diff - "$E2E/expected")"
	if [ $mode = redirect ]; then
		redirected() { e2e_events '"reason":"target-redirected".*"path":"/api/x"' >/dev/null; }
		e2e_wait 2 redirected || e2e_fail "the redirection is not told"
		e2e_is "HTTP/2, sent elsewhere" "307 http://$BACKEND:8080/api/x?y" "$(e2e_run frontend curl -sS -o /dev/null \
			--http2-prior-knowledge -w '%{http_code} %{redirect_url}' "http://$BACKEND:8080/api%2Fx?y")"
		e2e_is "a client that follows" 200 "$(e2e_http frontend -L "http://$BACKEND:8080/api%2Fx" | cut -d ' ' -f 1)"
	fi
	e2e_stop
done
start kernel --paths normalize
e2e_run frontend timeout 60 python3 tests/e2e/normal.py $BACKEND 8080 off >"$E2E/out" || e2e_fail "normal.py"
e2e_is "verdicts in the kernel" "" "$(awk -F '\t' '$2 != $3' "$E2E/out")"
