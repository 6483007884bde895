#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several processes listen at one port, on both families: one in the enforced cgroup, one in a cgroup below it, one that
# has left it, one outside of it. What counts is where the listener was made: no request that is denied reaches one that
# was made inside, whichever the kernel chooses. And a socket that connects to itself talks to itself, which nobody from
# outside does who forges its address.
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E_CGROOT/$E2E_CGROUP/below"
# serve NAME CGROUP [MOVE]. Not by ip-netns(8), which hides the cgroups.
serve() {
	(
		echo "$BASHPID" >"$2/cgroup.procs" || exit 125
		exec nsenter --net=/run/netns/backend python3 tests/e2e/sharing.py serve "$1" 8080 "$E2E/$1" ${3:+"$3"}
	) >"$E2E/ready.$1" 2>&1 &
	e2e_wait 30 grep -q ready "$E2E/ready.$1" || e2e_fail "$1 does not start: $(cat "$E2E/ready.$1")"
}
serve inside "$E2E_CGROOT/$E2E_CGROUP"
serve below "$E2E_CGROOT/$E2E_CGROUP/below"
serve left "$E2E_CGROOT/$E2E_CGROUP" "$E2E_CGROOT"
serve outside "$E2E_CGROOT"
ask() { e2e_run frontend timeout 60 python3 tests/e2e/sharing.py ask "$@"; }
answers() { grep -oE "$1:[0-9]+" <<<"$2" | cut -d : -f 2; }

e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off
for at in 10.77.0.4 fd77::4; do
	got=$(ask $at 8080 /api/x 80)
	echo "# $at, allowed: $got"
	for name in inside below left outside; do
		[ "$(answers $name "$got")" -ge 1 ] || e2e_fail "$at: $name has answered nothing of 80: $got"
	done
	[[ $got =~ (403|none|ended) ]] && e2e_fail "$at: an allowed request was not answered: $got"
	got=$(ask $at 8080 /admin 80)
	echo "# $at, denied: $got"
	[ "$(answers 403 "$got")" -ge 30 ] || e2e_fail "$at: too few were denied: $got"
	[[ $got =~ (inside|below|left) ]] && e2e_fail "$at: a denied request was answered: $got"
done
for name in inside below left; do
	e2e_is "$name: denied requests that it has read" 0 "$(grep -c admin "$E2E/$name")"
	[ "$(grep -c ' ::ffff:10.77.0.2' "$E2E/$name")" -ge 1 ] || e2e_fail "$name has no peer over IPv4"
	[ "$(grep -c ' fd77::2' "$E2E/$name")" -ge 1 ] || e2e_fail "$name has no peer over IPv6"
done
echo "ok: outside has read $(grep -c admin "$E2E/outside") that would be denied: it is not enforced on"
e2e_stop

# To itself, both ends of one connection being one socket: no rule is asked, nothing is lost, in either direction.
sed 's/port: "8080"/port: "8080"\n              endPort: 9000/' testdata/policies/good/backend-api.yaml >"$E2E/ingress.yaml"
sed 's/ingress:/egress:/; s/fromEndpoints/toEndpoints/' "$E2E/ingress.yaml" >"$E2E/egress.yaml"
addresses='127.0.0.1 ::1 10.77.0.4 fd77::4 ::ffff:10.77.0.4' port=8100
for how in 'ingress off' 'egress on'; do
	e2e_posternd --policy "$E2E/${how% *}.yaml" --inventory testdata/inventory/demo.yaml --courtesy "${how#* }"
	# shellcheck disable=SC2086 # a list of words
	e2e_is "to itself, $how" "$(printf '%s all,' $addresses)" \
		"$(e2e_run backend timeout 30 python3 tests/e2e/sharing.py self $port $addresses 2>&1 | tr '\n' ',')"
	e2e_stop
	port=$((port + 10))
done

# The kernel takes such a packet over IPv6. The policy lets nobody send datagrams.
mac=$(ip -n backend -br link show dev eth0 | awk '{ print $3 }')
e2e_run backend python3 tests/e2e/sharing.py datagrams fd77::4 5353 "$E2E/datagrams" >"$E2E/ready.udp" &
e2e_wait 30 grep -q ready "$E2E/ready.udp" || e2e_fail "the server does not start"
forge() { ip netns exec frontend python3 tests/e2e/sharing.py forge eth0 "$mac" fd77::4 5353 "$1"; }
forge before
e2e_wait 10 grep -q before "$E2E/datagrams" || e2e_fail "the kernel takes no datagram from its own address, un-enforced"
e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off \
	--source-ip-verification off # which would drop it before
forge forged
dropped() { [ "$(e2e_events '"reason":"no-rule-l4".*"protocol":"UDP"')" -ge 1 ]; }
e2e_wait 5 dropped || e2e_fail "the forged datagram is not dropped"
e2e_is "datagrams at the server" before "$(tr '\n' ' ' <"$E2E/datagrams" | sed 's/ $//')"
e2e_stop
exit 0
