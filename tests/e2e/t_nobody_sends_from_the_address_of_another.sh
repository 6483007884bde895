#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pod that may make any packet, and give itself any address, is not taken for another one: what it sends from the address of
# another pod of this node or of another one, or of the node, is dropped at the host's side of it, counted and told with the
# pod that has sent it. The same for who says that another's address is his. Behind a bridge and where each pod has a route,
# over both families; in audit it passes and is told of; with the option off it passes.
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E/p"
cat >"$E2E/p/backend.yaml" <<'Y'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: backend, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: backend } }
  ingress:
    - fromEndpoints: [{ matchLabels: { app: frontend } }]
    - fromEntities: [host]
Y
# One that is on another node.
sed 's/^  name: admin$/  name: far/; s/10\.77\.0\.5/10.77.9.5/; s/fd77::5/fd77:9::5/; s/app: admin/app: frontend/' \
	testdata/inventory/demo.yaml | awk '/^---/ { doc = "" } { doc = doc $0 "\n" } /^  name: far/ { far = 1 } END { if (far) print doc }' >"$E2E/far.yaml"
grep -q 10.77.9.5 "$E2E/far.yaml" || e2e_fail "no pod on another node: $(cat "$E2E/far.yaml")"
INV=(--inventory testdata/inventory/demo.yaml --inventory "$E2E/far.yaml")
KINDS="udp syn data rst icmp sctp fragment cut"
ALL="$KINDS claim tagged"
GOOD="udp syn data rst icmp sctp fragment claim" # of who is allowed
starts() { e2e_posternd --policy "$E2E/p" "${INV[@]}" --courtesy off "$@"; }
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
own_mac() { ip -br link show dev "$1" | awk '{ print $3 }'; }

# what POD KINDS SOURCE...: which of the kinds come to the backend: a line for all sources where they are alike. Outside of
# the cgroup: nothing else is to see them.
what() {
	local pod=$1 kinds=$2 source kind hears packets=()
	shift 2
	for source in "$@"; do
		for kind in $kinds; do packets+=("$source,$(to "$source"),$kind"); done
	done
	# Behind all that was sent, and of no policy's: nothing is under way any more when this has come.
	packets+=("10.77.0.$(number "$pod"),10.77.0.4,end")
	ip netns exec backend python3 tests/e2e/spoofed.py hear eth0 10.77.0.4 fd77::4 >"$E2E/heard" &
	hears=$!
	e2e_wait 10 grep -q ready "$E2E/heard" || e2e_fail "nobody hears"
	ip netns exec "$pod" python3 tests/e2e/spoofed.py send eth0 "${MAC:-$(mac backend)}" "${packets[@]}" || e2e_fail "nothing was sent"
	e2e_wait 5 grep -qx "10.77.0.$(number "$pod") end" "$E2E/heard" || e2e_fail "$pod cannot send as itself: $(cat "$E2E/heard")"
	kill $hears
	wait $hears 2>/dev/null
	for source in "$@"; do
		for kind in $kinds; do grep -qx "$source $kind" "$E2E/heard" && printf '%s ' "$kind"; done
		echo
	done | sort -u | xargs
}
to() { case $1 in *:*) echo fd77::4 ;; *) echo 10.77.0.4 ;; esac; }
number() { case $1 in frontend) echo 2 ;; other) echo 3 ;; backend) echo 4 ;; admin) echo 5 ;; esac; }
counted() {
	build/postern status --format json | python3 -c "
import json, sys
print(sum(d['egress'] + d['ingress'] for d in json.load(sys.stdin)['$1'] if d['reason'] == 'spoofed-source'))"
}
told() { build/postern observe --all -o json | grep '"reason":"spoofed-source"' | grep -c "$1"; }
is_told() { [ "$(told "$1")" -ge 1 ]; }
# As a pod of this node, as one of another node, as the node.
OTHERS="10.77.0.2 10.77.9.5 10.77.0.1 fd77::2 fd77:9::5 fd77::1"
# attack WHAT WANT KINDS: by a pod that is none of these
# shellcheck disable=SC2086
attack() { e2e_is "$1" "$2" "$(what other "$3" $OTHERS)"; }

attack "without enforcement" "$ALL" "$ALL"

starts
attack "dropped" "" "$ALL"
e2e_is "each is counted" 60 "$(counted drops)"
is_told '"verdict":"DROPPED".*"IP":{"source":"10.77.0.2".*"pod_name":"other".*"pod_name":"backend".*INVALID_SOURCE_IP' ||
	e2e_fail "not told with its sender: $(build/postern observe --all -o json | grep spoofed | tail -n 3)"
[ "$(told '')" -lt 10 ] || e2e_fail "each packet is told of"
[ "$(e2e_events '"reason":"spoofed-source".*"client":"10.77.0.2:.*"subject":{"identity":[0-9]*,"name":"default/other"}')" -ge 1 ] ||
	e2e_fail "the event does not name the sender: $(grep spoofed "$E2E/events" | head -n 2)"
e2e_is "told less often than dropped, with the pod that has sent it" yes yes
e2e_is "who is it" "$GOOD" "$(what frontend "$GOOD" 10.77.0.2 fd77::2)"
e2e_is "as somebody whom nobody knows: policies decide" "data rst" "$(what other "udp data rst icmp" 192.0.2.9 2001:db8::9)"

# Who gives himself the address, with a socket like any other.
ip -n other addr add 10.77.0.2/32 dev eth0
ip -n other addr add fd77::2/128 dev eth0 nodad
for way in "-4 10.77.0.2 10.77.0.4" "-6 fd77::2 fd77::4"; do
	# shellcheck disable=SC2086
	set -- $way
	before=$(counted drops)
	e2e_run other ping "$1" -q -c 1 -W 1 -I "$2" "$3" >/dev/null && e2e_fail "an address that was taken ($2) is answered to"
	[ "$(counted drops)" -gt "$before" ] || e2e_fail "what leaves from $2 is not counted"
done
attack "with the address at its own device" "" "$ALL"
e2e_leave KILL
attack "without a daemon" "" "$KINDS"
starts
ip -n other addr del 10.77.0.3/24 dev eth0
ip -n other addr add 10.77.0.3/24 dev eth0
sleep 2.5
attack "with the next daemon, its own address given up for a while" "" "$KINDS"
ip -n other addr del 10.77.0.2/32 dev eth0
ip -n other addr del fd77::2/128 dev eth0
e2e_stop

starts --audit
attack "in audit" "udp icmp claim" "udp icmp claim"
e2e_is "each is counted as audited" "18 0" "$(counted audited) $(counted drops)"
e2e_wait 5 is_told '"verdict":"AUDIT"' || e2e_fail "not told of in audit"
e2e_stop

starts --source-ip-verification off
attack "switched off" "udp icmp claim" "udp icmp claim"
e2e_is "nothing is counted" "0 0" "$(counted audited) $(counted drops)"
e2e_stop

# Each pod with a route of its own to its device, and none to others.
for pod in frontend other backend admin; do
	n=$(number $pod)
	ip link set $pod nomaster
	ip route add 10.77.0.$n/32 dev $pod
	ip -6 route add fd77::$n/128 dev $pod
	for gate in 10.77.0.1 fd77::1; do
		ip -n $pod neigh replace $gate lladdr "$(own_mac $pod)" dev eth0 nud permanent
	done
	for to in 10.77.0.$n fd77::$n; do
		ip neigh replace $to lladdr "$(mac $pod)" dev $pod nud permanent
	done
done
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
MAC=$(own_mac other)
KINDS="udp syn data rst icmp sctp"
e2e_is "routed, without enforcement" "$KINDS" "$(what other "$KINDS" 10.77.0.2 10.77.9.5 fd77::2 fd77:9::5)"
starts
e2e_is "routed, dropped" "" "$(what other "$KINDS" 10.77.0.2 10.77.9.5 fd77::2 fd77:9::5)"
e2e_is "routed, each is counted" 24 "$(counted drops)"
