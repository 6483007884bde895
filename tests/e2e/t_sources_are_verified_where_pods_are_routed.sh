#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pod is not taken for another one either where each pod has a route of its own and no bridge is there. In audit what it
# sends as another one passes, and is told of; with --source-ip-verification off it passes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_spoofed.sh"
e2e_up
spoof_up
is_told() { build/postern observe --all -o json | grep spoofed-source | grep -q "$1"; }
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
