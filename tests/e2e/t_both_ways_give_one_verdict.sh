#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The golden requests, judged by the kernel and, sent there by the daemon, by the userspace proxy: line by line the same
# verdict and reason. So do --paths and --deny-*: one answer, whoever gives it. And so
# says `postern explain` beforehand of what asks for another protocol, which the one refuses and the other takes away.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
for pod in frontend backend; do
	ip -n $pod link set eth0 mtu 65000
	ip link set $pod mtu 65000
done
ip link set br0 mtu 65000
awk '{ print } /name: backend/ { print "  annotations: {postern.io/mode: proxy}" }' testdata/inventory/demo.yaml >"$E2E/proxy.yaml"
cp testdata/inventory/demo.yaml "$E2E/kernel.yaml"
# start WAY ARG...
start() {
	local way=$1
	shift
	: >"$E2E/events"
	# The kernel's way has no other: a refused preface would open it for all that come later.
	[ "$way" = proxy ] || set -- --proxy off "$@"
	e2e_posternd --policy testdata/http/policy.yaml --inventory "$E2E/$way.yaml" --courtesy off --events all "$@"
}
# The reports of the last ones are on their way when the answers are there.
quiet() { [ "$(wc -l <"$E2E/events")" = "$(sleep 0.3; wc -l <"$E2E/events")" ]; }
# judge WAY FILE: lines of verdicts in $E2E/WAY
judge() {
	e2e_run frontend timeout 100 python3 tests/e2e/vectors.py "testdata/http/$2" $BACKEND 8080 >"$E2E/out" || e2e_fail "vectors.py"
	e2e_wait 10 quiet
	python3 tests/e2e/verdicts.py "$E2E/out" "$E2E/events" | sort >"$E2E/$1"
}

for way in kernel proxy; do
	start $way --paths any
	judge $way paths.md
	[ $way = kernel ] || e2e_is "the proxy has judged paths" 0 "$(e2e_events '"generation":.*"layer":"l7"')"
	e2e_stop
	mv "$E2E/$way" "$E2E/$way.paths"
done
[ "$(wc -l <"$E2E/kernel.paths")" -ge 10 ] || e2e_fail "only $(wc -l <"$E2E/kernel.paths") paths"
e2e_is "paths of any form, judged in two ways" "" "$(diff "$E2E/kernel.paths" "$E2E/proxy.paths")"

for way in kernel proxy; do
	start $way --deny-body '{"error":"denied"}' --deny-content-type application/json --deny-header 'X-Denied-By: postern'
	for method in GET HEAD; do
		e2e_run frontend curl -sS -i $([ $method = GET ] || echo -I) --max-time 5 "http://$BACKEND:8080/admin" |
			tr -d '\r' | grep -vi '^connection:'
	done >"$E2E/$way.403"
	judge $way requests.md
	if [ $way = proxy ]; then
		e2e_is "the proxy has judged requests" 0 "$(e2e_events '"generation":.*"layer":"l7"')"
		e2e_is "HTTP/2" '403 {"error":"denied"}' "$(e2e_http frontend --http2-prior-knowledge "http://$BACKEND:8080/admin")"
		e2e_is "HTTP/2, its header" 'x-denied-by: postern' \
			"$(e2e_run frontend curl -sS -i --http2-prior-knowledge "http://$BACKEND:8080/admin" | tr -d '\r' | grep x-denied)"
	fi
	e2e_stop
done
e2e_is "the 403, of the one and the other" "" "$(diff "$E2E/kernel.403" "$E2E/proxy.403")"
e2e_is "its headers" 2 "$(grep -c '^X-Denied-By: postern$' "$E2E/proxy.403")"
# Three differences are no accident: the proxy speaks HTTP/2, takes an offer of it away so that a body may follow, and
# tells of what ends inside of a head.
for way in kernel proxy; do
	grep '^h2c-offer-with-body' "$E2E/$way" | cut -d ' ' -f 2- >"$E2E/$way.body"
	grep -vE '^(http2-preface|h2c-offer-with-body)' "$E2E/$way" >"$E2E/$way.same"
	grep -v ' head-split$' "$E2E/$way.same" | awk '$3 != "-"' >"$E2E/$way.told"
done
e2e_is "a body with an offer, by the kernel and by the proxy" "deny h2c-upgrade allow rule-matched" \
	"$(cat "$E2E/kernel.body" "$E2E/proxy.body" | xargs)"
[ "$(wc -l <"$E2E/kernel.told")" -gt 100 ] || e2e_fail "only $(wc -l <"$E2E/kernel.told") requests"
e2e_is "requests, of $(wc -l <"$E2E/kernel.told"), judged in two ways" "" "$(diff "$E2E/kernel.told" "$E2E/proxy.told")"
e2e_is "verdicts, of $(wc -l <"$E2E/kernel")" "" \
	"$(diff <(cut -d ' ' -f 1,2 "$E2E/kernel.same") <(cut -d ' ' -f 1,2 "$E2E/proxy.same"))"
offers='(h2c|option|upgrade)-'
for way in kernel proxy; do
	python3 tests/e2e/explained.py "$offers" testdata/http/requests.md testdata/http/policy.yaml "$E2E/$way.yaml" 10.77.0.2 \
		$BACKEND 8080 | sort >"$E2E/$way.explained"
	[ "$(wc -l <"$E2E/$way.explained")" -ge 10 ] || e2e_fail "only $(wc -l <"$E2E/$way.explained") offers are explained"
	e2e_is "what is explained of the $way's verdicts on offers" "" "$(diff <(grep -E "^$offers" "$E2E/$way") "$E2E/$way.explained")"
done
