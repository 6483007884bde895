#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pod that may make any packet, and give itself any address, is not taken for another one: what it sends from the address of
# another pod of this node or of another one, or of the node, is dropped at the host's side of it, counted and told with the
# pod that has sent it. The same for who says that another's address is his. Over both families, with and without a daemon.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_spoofed.sh"
e2e_up
spoof_up
told() { build/postern observe --all -o json | grep '"reason":"spoofed-source"' | grep -c "$1"; }
is_told() { [ "$(told "$1")" -ge 1 ]; }
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

# Who takes his device along, into a namespace that has nothing but the other one's address.
ip netns add away
ip -n other link set eth0 netns away
ip -n away addr add 10.77.0.2/24 dev eth0
ip -n away -6 addr add fd77::2/64 dev eth0 nodad
ip -n away link set eth0 up
sleep 2.5
attack "with the device in another namespace" "" "$KINDS" away

# Who has more addresses than are read, when no daemon has been there before.
e2e_stop
ip -n away addr flush dev eth0
ip -n away addr add 10.77.0.3/32 dev lo
for i in $(seq 17); do for j in $(seq 250); do echo "addr add 10.78.$i.$j/32 dev lo"; done; done | ip -n away -batch -
starts
attack "behind very many addresses" "" "$KINDS" away
