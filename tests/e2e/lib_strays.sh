# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of packets that no socket has sent share. Source it behind lib.sh.
#
#	strays_policy		$E2E/p/frontend.yaml, whose last lines are rules of egress: port 4711 of the backend
#	mac POD [DEVICE]	the address of its device (default: eth0)

strays_policy() {
	mkdir "$E2E/p"
	cat >"$E2E/p/frontend.yaml" <<'Y'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: frontend, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: frontend } }
  egress:
    - toEndpoints: [{ matchLabels: { app: backend } }]
      toPorts: [{ ports: [{ port: "4711", protocol: ANY }] }]
Y
}
mac() { ip -n "$1" -br link show dev "${2:-eth0}" | awk '{ print $3 }'; }
