#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pod whose device comes while the daemon has no descriptors to look at it gets its filters when there are some again,
# though nothing more is heard of the device.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_posternd --policy testdata/policies/good/two-rules.yaml --inventory testdata/inventory/demo.yaml --courtesy off
ip link del br0 # it tells of its ports now and then, and the daemon looks at all devices
sleep 2
prlimit --pid "$E2E_DAEMON" --nofile=3:4096
ip netns add late
ip link add late type veth peer name eth0 netns late
ip link set late up
ip -n late link set eth0 up
e2e_wait 10 grep -q 'cannot list the devices' "$E2E/log" || e2e_fail "the daemon has not noticed: this proves nothing"
sleep 2 # all that is heard of the device was heard
prlimit --pid "$E2E_DAEMON" --nofile=4096:4096
has_filters() { tc filter show dev late ingress | grep -q pst_from_pod && tc filter show dev late egress | grep -q pst_to_pod; }
e2e_wait 40 has_filters || e2e_fail "no filters: $(tail -n 3 "$E2E/log")"
e2e_is "filters" yes yes
