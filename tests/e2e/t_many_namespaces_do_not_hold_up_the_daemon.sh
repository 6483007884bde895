#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sixty namespaces get the address of a workload at once, as any pod may arrange that may make namespaces of its own. The
# proxy gets a listener in each, but the daemon answers meanwhile, and has few descriptors for them.
. "$(dirname "$0")/lib_proxy.sh"
MANY=60
e2e_up
{ e2e_rules out frontend egress backend && e2e_added X-Added by-policy 8080; } >"$E2E/policy.yaml"
e2e_start
fds() { ls "/proc/$1/fd" | wc -l; }
PROXY=$(pgrep -x postern-proxy)
for ((i = 0; i < MANY; i++)); do
	ip netns add "copy$i" && ip -n "copy$i" link set lo up || e2e_fail "no namespaces"
done
sleep 3 # the places of the policy are there
before=$(fds "$E2E_DAEMON") listeners=$(fds "$PROXY")
for ((i = 0; i < MANY; i++)); do ip -n "copy$i" addr add 10.77.0.2/32 dev lo; done
begin=$(date +%s%N) longest=0
all_open() {
	local asked answered
	asked=$(date +%s%N)
	build/postern status --socket "$E2E_SOCKET" >/dev/null
	answered=$(date +%s%N)
	((answered - asked <= longest)) || longest=$((answered - asked))
	(($(fds "$PROXY") >= listeners + 2 * MANY))
}
e2e_wait 150 all_open || e2e_fail "there are no listeners in some: $(($(fds "$PROXY") - listeners))"
took=$((($(date +%s%N) - begin) / 1000000)) longest=$((longest / 1000000)) more=$(($(fds "$E2E_DAEMON") - before))
echo "# $MANY places in $took ms, an answer in $longest ms at most, $more descriptors more"
((longest < took / 2)) || e2e_fail "an answer took $longest ms of $took"
((more <= 3 * MANY)) || e2e_fail "$more descriptors more for $MANY places"
e2e_stop
