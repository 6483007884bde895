#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whose address is whose follows pods as they come and go, and cuts off nobody: a pod whose namespace has the address of one
# that has gone, before and after the inventory knows; one that gets its addresses late, by DHCP, one by one or with duplicate
# detection; one with several devices; addresses that change places; what no pod has. In all of this nobody else may send from
# these addresses, also not with a later daemon.
. "$(dirname "$0")/lib.sh"
e2e_up
cat >"$E2E/policy.yaml" <<'Y'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: backend, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: backend } }
  ingress: [{ fromEndpoints: [{ matchLabels: { app: web } }] }]
Y
# pods NAME,LABEL,ADDRESS... : the inventory
pods() {
	local pod name label addresses address
	printf 'apiVersion: v1\nkind: Namespace\nmetadata: { name: default }\n'
	for pod in backend,backend,10.77.0.4,fd77::4 other,other,10.77.0.3,fd77::3 "$@"; do
		IFS=, read -r name label addresses <<<"$pod"
		printf -- '---\napiVersion: v1\nkind: Pod\nmetadata: { name: %s, namespace: default, labels: { app: %s } }\nstatus:\n  podIPs:\n' "$name" "$label"
		for address in ${addresses//,/ }; do printf '    - ip: "%s"\n' "$address"; done
	done
}
inventory() {
	local now
	now=$(generation)
	pods "$@" >"$E2E/inventory.new"
	mv "$E2E/inventory.new" "$E2E/inventory.yaml"
	e2e_wait 10 newer "$now" || e2e_fail "the inventory is not read"
}
generation() { build/postern status 2>/dev/null | awk '/^generation/ { print +$2 }'; }
newer() { [ "$(generation)" -gt "$1" ]; }
answered() { e2e_run "$1" ping -q -c 1 -W 1 "${@:2}" >/dev/null 2>&1; }
# Well, and from now on: who is cut off only later is so within this time.
reaches() {
	e2e_wait 5 answered "${@:2}" || e2e_fail "$1: not answered: $(build/postern observe --all -o json | tail -n 1)"
	for _ in 1 2 3; do
		sleep 0.4
		answered "${@:2}" || e2e_fail "$1: answered no longer: $(build/postern observe --all -o json | tail -n 1)"
	done
	e2e_is "$1" yes yes
}
drops() { build/postern status | awk '$0 ~ /spoofed-source/ { n = $NF } END { print +n }'; }
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
forged() { ip netns exec "$1" python3 tests/e2e/spoofed.py send eth0 "$(mac backend)" "$2,$(case $2 in *:*) echo fd77::4 ;; *) echo 10.77.0.4 ;; esac),udp"; }
# Nobody but its pod may: other tries.
guarded() {
	local before
	before=$(drops)
	forged other "$2"
	e2e_is "$1: $2 is nobody else's" $((before + 1)) "$(drops)"
}
# bare NAME: a pod without addresses
bare() {
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip link set "$1" master br0 up
	ip -n "$1" link set lo up
	ip -n "$1" link set eth0 up
}
gone() { # and with it its device, which takes the kernel a moment
	ip netns del "$1"
	e2e_wait 5 eval "! ip link show dev $1 2>/dev/null" || e2e_fail "$1 does not go"
}

ip netns del frontend
ip netns del admin
pods web-0,web,10.77.0.2,fd77::2 >"$E2E/inventory.yaml"
e2e_posternd --policy "$E2E/policy.yaml" --inventory "$E2E/inventory.yaml" --courtesy off --metrics 127.0.0.1:9970
guarded "before there is a pod" 10.77.0.2

bare web
sleep 0.3
ip -n web addr add 10.77.0.2/24 dev eth0
reaches "addresses that come late" web 10.77.0.4
ip -n web -6 addr add fd77::2/64 dev eth0 nodad
reaches "and a second one" web fd77::4
guarded "with a pod" 10.77.0.2
guarded "with a pod" fd77::2

# The same address in another namespace. The inventory may know it before, or may not.
gone web
bare web2
ip -n web2 addr add 10.77.0.2/24 dev eth0
reaches "a new pod with the old one's name" web2 10.77.0.4
inventory web-1,web,10.77.0.2
reaches "it has got a name of its own" web2 10.77.0.4
guarded "with the new pod" 10.77.0.2
gone web2
inventory web-2,web,10.77.0.2,fd77::2
guarded "while there is none" 10.77.0.2
bare web3
ip -n web3 addr add 10.77.0.2/24 dev eth0
reaches "a pod that the inventory knew first" web3 10.77.0.4

# Its name is that of another one meanwhile, which has another address: a StatefulSet's, on another node.
inventory web-2,web,10.77.8.8 web-3,web,10.77.0.2
reaches "what the inventory said first was wrong" web3 10.77.0.4
guarded "a pod of another node" 10.77.8.8

# A pod gets a new address, and another one its old one.
ip -n web3 addr del 10.77.0.2/24 dev eth0
ip -n web3 addr add 10.77.0.7/24 dev eth0
inventory web-3,web,10.77.0.7
reaches "a new address" web3 10.77.0.4
bare web4
ip -n web4 addr add 10.77.0.2/24 dev eth0
inventory web-3,web,10.77.0.7 web-4,web,10.77.0.2
reaches "the old one at another pod" web4 10.77.0.4
reaches "who had it" web3 10.77.0.4
inventory web-3,web,10.77.0.7 web-4,web,10.77.0.2,fd77::2
ip -n web4 -6 addr add fd77::2/64 dev eth0 nodad
reaches "an address more" web4 fd77::4

# Another device to the same pod.
ip link add web4b type veth peer name eth1 netns web4
ip link set web4b master br0 up
ip -n web4 link set eth1 up
ip -n web4 addr add 10.77.0.8/32 dev eth1
inventory web-3,web,10.77.0.7 web-4,web,10.77.0.2,fd77::2,10.77.0.8
ip -n web4 route add 10.77.0.4/32 dev eth1 src 10.77.0.8
reaches "over a second device" web4 10.77.0.4
ip -n web4 route del 10.77.0.4/32 dev eth1
reaches "over the first" web4 10.77.0.4

# What a pod needs to get an address, or to keep one.
ip netns exec web3 sysctl -qw net.ipv6.conf.eth0.accept_dad=1 net.ipv6.conf.eth0.dad_transmits=1
inventory web-3,web,10.77.0.7,fd77::7 web-4,web,10.77.0.2,fd77::2,10.77.0.8
before=$(drops)
ip -n web3 -6 addr add fd77::7/64 dev eth0
usable() { ip -n web3 -6 addr show dev eth0 | grep fd77::7 | grep -qv "tentative\|dadfailed"; }
e2e_wait 10 usable || e2e_fail "duplicate detection does not end: $(ip -n web3 -6 addr show)"
reaches "after duplicate detection" web3 fd77::4
rm -f "$E2E/heard"
ip netns exec backend python3 tests/e2e/spoofed.py hear eth0 10.77.0.4 fd77::4 >"$E2E/heard" &
e2e_wait 10 grep -q ready "$E2E/heard" || e2e_fail "nobody hears"
for source in 0.0.0.0 :: fe80::1234; do forged web3 $source; done
forged web3 10.77.0.7 # last
e2e_wait 5 grep -q "^10.77.0.7 udp" "$E2E/heard" || e2e_fail "a pod's own: $(cat "$E2E/heard")"
e2e_is "nothing of that is anybody's" "$before" "$(drops)"

# Who is no pod's.
bare stranger
ip -n stranger addr add 10.77.0.99/24 dev eth0
forged stranger 10.77.0.99
e2e_is "who is not known is not checked" "$before" "$(drops)"
build/postern status | grep -q "source IPs *verified of 4 pods, not of 1 network" || e2e_fail "status does not tell who is checked: $(build/postern status)"

e2e_is "as do the metrics" "4 1 0" "$(curl -s http://127.0.0.1:9970/metrics | awk '/^postern_source_/ { printf "%s%s", sep, $2; sep = " " }')"

# A later daemon knows what the one before knew, also what has come meanwhile.
ip -n other addr add 10.77.0.2/32 dev eth0
e2e_leave KILL
bare web5
ip -n web5 addr add 10.77.0.9/24 dev eth0
pods web-3,web,10.77.0.7,fd77::7 web-4,web,10.77.0.2,fd77::2,10.77.0.8 web-5,web,10.77.0.9 >"$E2E/inventory.yaml"
e2e_posternd --policy "$E2E/policy.yaml" --inventory "$E2E/inventory.yaml" --courtesy off
reaches "a pod that came while there was no daemon" web5 10.77.0.4
reaches "one that was there" web4 10.77.0.4
guarded "by the next daemon" 10.77.0.2
guarded "by the next daemon" 10.77.0.9
e2e_leave TERM
gone web4
e2e_posternd --policy "$E2E/policy.yaml" --inventory "$E2E/inventory.yaml" --courtesy off
bare web6
ip -n web6 addr add 10.77.0.2/24 dev eth0
reaches "in the place of one that went while there was none" web6 10.77.0.4
guarded "by the third daemon" 10.77.0.2
