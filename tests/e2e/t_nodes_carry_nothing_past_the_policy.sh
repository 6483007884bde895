#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The node's own kernel carries for a pod what its packets' addresses do not say: tunnels, source routes, checksums that are
# written over an address or a port. Nothing of that comes past who is denied.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_spoofed.sh"
. "$(dirname "$0")/lib_smuggled.sh"
e2e_up
smuggle_up
# Each pod with a route of its own to its device.
for pod in frontend other backend admin; do
	n=$(number $pod)
	ip link set $pod nomaster
	ip route add 10.77.0.$n/32 dev $pod
	ip -n $pod neigh replace 10.77.0.1 lladdr "$(own_mac $pod)" dev eth0 nud permanent
	ip neigh replace 10.77.0.$n lladdr "$(mac $pod)" dev $pod nud permanent
done
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.accept_source_route=1 net.ipv4.conf.other.accept_source_route=1
ip link set backend mtu 1000
gate=$(own_mac other)
routed() { from other "$gate" "$@"; }
sums() {
	from admin "$(own_mac admin)" sum 10.77.0.5 10.77.0.4
	for kind in port usual; do from frontend "$(own_mac frontend)" $kind 10.77.0.2 10.77.0.4; done
}
tunnels() {
	for way in ipip gre; do routed $way 10.77.0.2 10.77.0.4 10.77.0.3,10.77.0.1; done
	for port in 8472 6081; do routed vxlan 10.77.0.2 10.77.0.4 10.77.0.3,10.77.0.1,$port,$gate; done
}
has_vxlan=
if ip link add x0 type vxlan id 7 local 10.77.0.1 dstport 4789 2>/dev/null; then
	has_vxlan=yes
	ip link set x0 up
fi
wraps() { routed vxlan 10.77.0.2 10.77.0.4 10.77.0.3,10.77.0.1,4789,"$(own_mac x0)"; }

e2e_is "without enforcement, sums" "10.77.0.2 4711 10.77.0.2 4712 10.77.0.2 4711 " "$(heard backend sums)"
e2e_is "a source route" "10.77.0.3 4711 " "$(heard backend routed sourced 10.77.0.3 10.77.0.1 10.77.0.4)"
[ -z "$has_vxlan" ] || e2e_is "a tunnel of the node's" "10.77.0.2 4711 " "$(heard backend wraps)"
starts
e2e_is "sums: the usual one" "10.77.0.2 4711 " "$(heard backend sums)"
e2e_is "the others are counted" 2 "$(count bad-packet)"
e2e_is "a source route" "" "$(heard backend routed sourced 10.77.0.3 10.77.0.1 10.77.0.4)"
e2e_is "it is counted" 3 "$(count bad-packet)"
before=$(count spoofed-source)
[ -z "$has_vxlan" ] || e2e_is "a tunnel of the node's" "" "$(heard backend wraps)"
tunnels
e2e_is "each tunnel is counted" $((before + 4 + ${#has_vxlan} / 3)) "$(count spoofed-source)"
