#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Policies that are written one by one, faster than generations can be put in force: the last one is in force soon after it
# was written, and not behind a generation for each of the others.
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E/p"
cp testdata/policies/good/two-rules.yaml "$E2E/p/first.yaml"
e2e_posternd --policy "$E2E/p" --inventory testdata/inventory/demo.yaml --courtesy off
python3 -c 'if True:
	import os, sys, time
	for i in range(400):
		with open(sys.argv[1] + "/new", "w") as f:
			f.write("""apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: p%d, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: backend } }
  ingress: [{ fromEndpoints: [{ matchLabels: { app: frontend } }] }]
""" % i)
		os.rename(sys.argv[1] + "/new", sys.argv[1] + "/p%d.yaml" % i)
		time.sleep(0.012)' "$E2E/p"
generation() { build/postern status | awk '/^generation/ { print +$2 }'; }
before=$(generation)
is_last() { grep -q ' 405 rules' "$E2E/log"; }
e2e_wait 90 is_last || e2e_fail "the last one is not in force: $(tail -n 1 "$E2E/log")"
behind=$(($(generation) - before))
[ "$behind" -lt 15 ] || e2e_fail "$behind generations came before that of the last policy"
e2e_is "the last one is in force soon" yes yes
