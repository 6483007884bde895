# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of the daemon's userspace proxy share. Source it instead of lib.sh, which it sources.
#
#	e2e_names POD PORT...   tests/e2e/names.py serves at these ports of the pod; returns when it does
#	e2e_listens POD PORT... does somebody at all of them?
#	e2e_ask POD ARG...      a client of names.py: its line, with the client's port as P where it is the same everywhere
#	e2e_rules NAME POD ingress|egress PEER
#	                        a policy, whose port rules come next:
#	e2e_added FIELD VALUE PORT...   /api/.* with a field added: for the proxy
#	e2e_judged PORT...              /api/.* alone: for the kernel
#	e2e_start ARG...        posternd with $E2E/policy.yaml and without courtesy
#	e2e_within              prints a program that is posternd, but below what it enforces itself
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

e2e_listens() {
	local pod=$1 port
	shift
	for port; do
		ip netns exec "$pod" ss -Hltn | grep -q ":$port " || return 1
	done
}

e2e_names() {
	local pod=$1 port
	shift
	for port; do
		e2e_run "$pod" python3 tests/e2e/names.py serve "$port" &
	done
	e2e_wait 20 e2e_listens "$pod" "$@" || e2e_fail "the servers of $pod do not start"
}

e2e_ask() {
	local pod=$1 line port
	shift
	line=$(e2e_run "$pod" timeout 20 python3 tests/e2e/names.py ask "$@" 2>&1) || line=none
	port=$(sed -E 's/^[^ ]*:([0-9]+) .*/\1/' <<<"$line")
	sed -E "s/:$port\b/:P/g" <<<"$line"
}

e2e_rules() {
	local peers=fromEndpoints
	[ "$3" = ingress ] || peers=toEndpoints
	cat <<-P
		---
		apiVersion: cilium.io/v2
		kind: CiliumNetworkPolicy
		metadata: {name: $1, namespace: default}
		spec:
		  endpointSelector: {matchLabels: {app: $2}}
		  $3:
		    - $peers: [{matchLabels: {app: $4}}]
		      toPorts:
	P
}

# e2e_port_rule RULE PORT...
e2e_port_rule() {
	local rule=$1 ports
	shift
	ports=$(printf '{port: "%s", protocol: TCP}, ' "$@")
	printf '        - ports: [%s]\n          rules: {http: [%s]}\n' "${ports%, }" "$rule"
}

e2e_judged() {
	e2e_port_rule '{path: "/api/.*"}' "$@"
}

e2e_added() {
	local rule="{path: \"/api/.*\", headerMatches: [{name: $1, value: $2, mismatch: ADD}]}"
	shift 2
	e2e_port_rule "$rule" "$@"
}

e2e_start() {
	e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off "$@"
}

e2e_within() {
	cat >"$E2E/within" <<-W
		#!/bin/sh
		echo \$\$ >$E2E_CGROOT/$E2E_CGROUP/cgroup.procs
		exec build/posternd "\$@"
	W
	chmod +x "$E2E/within"
	echo "$E2E/within"
}
