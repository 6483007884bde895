#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One of twenty packets is lost between two pods, in both directions, the answers of the daemon among them. What is allowed is
# answered with its own body; what is denied nearly always with a 403, never with another's answer or inside of one, and it does
# not arrive.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
P="--policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml"
clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -DLOSS=5 -c tests/e2e/lossy.bpf.c -o "$E2E/lossy.o" || e2e_fail "no network that loses packets"
for courtesy in off on; do
	# shellcheck disable=SC2086
	e2e_posternd $P --courtesy $courtesy
	for side in ingress egress; do
		tc filter add dev frontend $side pref 9 bpf direct-action object-file "$E2E/lossy.o" section tc ||
			e2e_fail "no network that loses packets"
	done
	asking=()
	for at in $BACKEND fd77::4; do
		e2e_run frontend timeout 100 python3 tests/e2e/lossy.py $at "${ROUNDS:-2}" 16 >"$E2E/$at" 2>&1 &
		asking+=($!)
	done
	wait "${asking[@]}"
	for at in $BACKEND fd77::4; do
		grep '^#' "$E2E/$at"
		e2e_is "courtesy $courtesy, $at" "nothing wrong" "$(grep -v '^#' "$E2E/$at")"
	done
	e2e_stop
	for side in ingress egress; do
		tc filter del dev frontend $side pref 9 2>/dev/null
	done
done
e2e_is "denied requests that arrived" 0 "$(grep -c denied "$E2E/access.log")"
