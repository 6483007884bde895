#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The golden requests and streams, judged by the kernel and, sent there by the daemon, by the userspace proxy: at the
# server and at the client, over IPv4 and IPv6. Line by line the same reason, as many requests at the server, as many
# answers at the client.
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E/seen"
e2e_run backend python3 tests/e2e/streams.py sink 8080 "$E2E/seen" &
cp testdata/http/policy.yaml "$E2E/ingress.yaml"
# The same rules for who asks.
sed -e 's/app: backend/app: PEER/; s/app: frontend/app: backend/; s/app: PEER/app: frontend/' \
	-e 's/ingress:/egress:/; s/fromEndpoints:/toEndpoints:/' testdata/http/policy.yaml >"$E2E/egress.yaml"
ports=20000
# judge WAY DIRECTION POD: the pod is the one that has the rules; lines in $E2E/WAY.DIRECTION.ADDRESS
judge() {
	local way=$1 direction=$2 pod=$3 address off=()
	# The kernel's way has no other: a refused preface would open it for all that come later.
	[ "$way" = proxy ] || off=(--proxy off)
	awk -v pod="name: $pod" -v way="$way" '{ print } way == "proxy" && $0 ~ pod { print "  annotations: {postern.io/mode: proxy}" }' \
		testdata/inventory/demo.yaml >"$E2E/pods.yaml"
	# Streams are known by their client's port, which the proxy takes for its own connection to the server, too, but where
	# one from an earlier round is not over yet.
	ip netns exec frontend sysctl -qw net.ipv4.ip_local_port_range="$ports $((ports + 9999))"
	ports=$((ports + 10000))
	: >"$E2E/events"
	e2e_posternd --policy "$E2E/$direction.yaml" --inventory "$E2E/pods.yaml" --courtesy off --events all "${off[@]}"
	for address in $BACKEND fd77::4; do
		: >"$E2E/events"
		rm -f "$E2E/seen/"* # of connections that may have had the same ports
		e2e_run frontend timeout 90 python3 tests/e2e/streams.py tell "$E2E/seen" "$E2E/events" $address 8080 requests \
			testdata/http/streams.md testdata/http/requests.md >"$E2E/$way.$direction.$address" ||
			e2e_fail "$way, $direction, $address: the streams do not end"
		echo "ok: $way, $direction, $address: after $SECONDS s"
		[ $way = kernel ] || e2e_is "verdicts of the kernel" 0 "$(e2e_events '"generation":.*"layer":"l7"')"
		e2e_is "directions" "\"direction\":\"$direction\"" "$(grep -o '"direction":"[a-z]*"' "$E2E/events" | sort -u | xargs -0)"
	done
	e2e_stop
}

for way in kernel proxy; do
	judge $way ingress backend
	judge $way egress frontend
done
# Three differences are no accident: the proxy speaks HTTP/2, and waits for what is behind a preface; it takes an offer of
# HTTP/2 away, so that a body may follow; and it goes on behind its own answer, to the third request of three.
cat >"$E2E/known" <<'K'
< pipelined-second-denied 1 1 no-rule-l7
> pipelined-second-denied 2 1 no-rule-l7
< http2-preface 0 0 http2-preface
> http2-preface 0 0 -
< h2c-offer-with-body 0 0 h2c-upgrade
> h2c-offer-with-body 1 1 -
K
# What comes behind the last request of a connection may find that it has ended. It passes in no way: the counts show that.
told() { sed 's/ after-close$/ -/' "$E2E/$1"; }
for direction in ingress egress; do
	for address in $BACKEND fd77::4; do
		n=$(wc -l <"$E2E/kernel.$direction.$address")
		[ "$n" -gt 200 ] || e2e_fail "only $n streams"
		diff <(told "kernel.$direction.$address") <(told "proxy.$direction.$address") | grep '^[<>]' >"$E2E/differences"
		e2e_is "$direction, $address: of $n streams, judged in two ways" "" "$(diff "$E2E/known" "$E2E/differences")"
	done
done
