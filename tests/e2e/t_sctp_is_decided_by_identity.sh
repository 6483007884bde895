#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SCTP is decided by who talks to whom and by port, in both directions, also where the kernel does not speak it and would say
# so. Packets are made by hand: the first of an association, to which the kernel answers by itself.
. "$(dirname "$0")/lib.sh"
e2e_up
policy() {
	cat <<-Y
		apiVersion: cilium.io/v2
		kind: CiliumNetworkPolicy
		metadata: { name: sctp, namespace: default }
		spec:
		  endpointSelector: { matchLabels: { app: $1 } }
		  $2:
		    - $3: [{ matchLabels: { app: $4 } }]
		      toPorts: [{ ports: [{ port: "5000", protocol: SCTP }] }]
	Y
}
policy backend ingress fromEndpoints frontend >"$E2E/ingress.yaml"
policy frontend egress toEndpoints backend >"$E2E/egress.yaml"
asks() { e2e_run "$1" timeout 20 python3 tests/e2e/probe_ports.py "$2" "$3" sctp; }
addresses="$BACKEND fd77::4"
usual=$(asks other $BACKEND 5001)
case $usual in
unreachable) echo "# this kernel does not speak SCTP: associations are left out" ;;
abort) ;;
*) e2e_fail "without enforcement: $usual" ;;
esac

e2e_posternd --policy "$E2E/ingress.yaml" --inventory testdata/inventory/demo.yaml
for at in $addresses; do
	e2e_is "$at: an allowed peer and port" "$usual" "$(asks frontend "$at" 5000)"
	e2e_is "$at: another port" nothing "$(asks frontend "$at" 5001)"
	e2e_is "$at: another peer" nothing "$(asks other "$at" 5000)"
	e2e_is "$at: the same port of TCP" nothing "$(e2e_run frontend python3 tests/e2e/probe_ports.py "$at" 5000 syn)"
done
e2e_is "denials by name" 4 "$(e2e_events '"direction":"ingress".*"reason":"no-rule-l4".*"protocol":"SCTP"')"
e2e_stop
e2e_posternd --policy "$E2E/egress.yaml" --inventory testdata/inventory/demo.yaml
for at in $addresses; do
	e2e_is "$at: out to an allowed peer and port" "$usual" "$(asks frontend "$at" 5000)"
	e2e_is "$at: out to another port" refused "$(asks frontend "$at" 5001)"
done
e2e_is "out to another peer" refused "$(asks frontend fd77::3 5000)"
e2e_is "in from anybody" "$usual" "$(asks other $BACKEND 5001)"
e2e_is "denials by name" 3 "$(e2e_events '"direction":"egress".*"reason":"no-rule-l4".*"protocol":"SCTP"')"
