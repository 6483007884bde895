#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rules that change headers, and patterns over the budget: the daemon sends these connections, and only these, to the
# userspace proxy. Both applications are told the addresses that each other has.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
N=tests/e2e/names.py
e2e_run backend python3 $N serve 8082 0.0.0.0 &
e2e_names backend 8080 8081
e2e_wait 20 e2e_listens backend 8082 || e2e_fail "the server of IPv4 does not start"
{
	e2e_rules changes backend ingress frontend && e2e_added X-Added by-policy 8080 && e2e_judged 8081
	e2e_port_rule '{path: "/[ab]*a[ab]{14}"}' 8082
} >"$E2E/policy.yaml"

# The daemon's own processes outside of what is enforced, and within, where their packets are judged as everybody's.
for E2E_BINARY in build/posternd "$(e2e_within)"; do
	echo "# ${E2E_BINARY##*/}"
	: >"$E2E/events"
	e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml
	e2e_is "a header is added; both ends know each other, IPv4" \
		"10.77.0.2:P > 10.77.0.4:8080 200 10.77.0.2:P > 10.77.0.4:8080 10.77.0.2:P by-policy" "$(e2e_ask frontend 10.77.0.4 8080 /api/x)"
	e2e_is "the same, IPv6" \
		"[fd77::2]:P > [fd77::4]:8080 200 [fd77::2]:P > [fd77::4]:8080 [fd77::2]:P by-policy" "$(e2e_ask frontend fd77::4 8080 /api/x)"
	e2e_is "the kernel judges the port beside it" \
		"10.77.0.2:P > 10.77.0.4:8081 200 10.77.0.2:P > 10.77.0.4:8081 10.77.0.2:P -" "$(e2e_ask frontend 10.77.0.4 8081 /api/x)"
	e2e_is "what no rule allows" "10.77.0.2:P > 10.77.0.4:8080 403 Access denied" "$(e2e_ask frontend 10.77.0.4 8080 /admin)"
	e2e_is "the same, IPv6" "[fd77::2]:P > [fd77::4]:8080 403 Access denied" "$(e2e_ask frontend fd77::4 8080 /admin)"
	e2e_is "a pattern over the budget" \
		"10.77.0.2:P > 10.77.0.4:8082 200 10.77.0.2:P > 10.77.0.4:8082 10.77.0.2:P -" "$(e2e_ask frontend 10.77.0.4 8082 /babbaaaabbbbaaaabbb)"
	e2e_is "a text that it does not match" "10.77.0.2:P > 10.77.0.4:8082 403 Access denied" "$(e2e_ask frontend 10.77.0.4 8082 /babbaaaabbbbaaaabbc)"
	e2e_is "somebody else" none "$(e2e_http other --max-time 1 http://10.77.0.4:8080/api/x)"
	e2e_is "denials, by name" 3 "$(e2e_events '"verdict":"deny","reason":"no-rule-l7"')"

	# What a pod does to itself is its own matter, as before; what it does to the proxy's listener leads nowhere.
	e2e_is "the pod's own loopback" "10.77.0.4:P > 10.77.0.4:8080 200 10.77.0.4:P > 10.77.0.4:8080 10.77.0.4:P -" "$(e2e_ask backend 10.77.0.4 8080 /admin)"
	LISTENER=$(ip netns exec backend ss -Hltn src 127.0.0.1 | awk '{ sub(/.*:/, "", $4); print $4; exit }')
	[ -n "$LISTENER" ] || e2e_fail "there is no listener in the pod"
	e2e_is "the listener itself has no server behind it" ConnectionResetError \
		"$(e2e_run backend timeout 20 python3 $N ask 127.0.0.1 "$LISTENER" /api/x 2>&1 | awk '{ print $NF }')"
	rights() { awk '/^(Uid|CapEff|NoNewPrivs|Seccomp):/ { printf "%s%s", sep, $2; sep = " " } END { print "" }' "$1/status"; }
	TASKS=$(echo "/proc/$(pgrep -x postern-proxy | head -n 1)/task"/*)
	e2e_is "no thread of the proxy has rights" "65534 0000000000000000 1 2" \
		"$(for task in $TASKS; do rights "$task"; done | sort -u)"
	[ "$(wc -w <<<"$TASKS")" -gt 1 ] || e2e_fail "there are no threads: $TASKS"
	e2e_stop
	gone() { ! pgrep -x postern-proxy; }
	e2e_wait 10 gone || e2e_fail "the proxy outlives its daemon"
done
