#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Byte streams that can be read in two ways, whole and through posternd, to servers that write down what they are
# asked: what each has seen is a beginning of what the offline judge allows (tests/garden/README.md).
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E/garden"
e2e_run backend python3 tests/garden/garden.py serve "$E2E/garden" $BACKEND 8080 >"$E2E/serve" 2>&1 &
e2e_wait 80 test -s "$E2E/garden/ready" || e2e_fail "the servers do not start: $(cat "$E2E/serve")"
cat "$E2E/serve"

# ask COURTESY SECONDS SEED
status=0
ask() {
	local rc
	e2e_posternd --policy tests/garden/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy "$1" --proxy off
	e2e_run frontend timeout $(($2 * 2 + 20)) python3 tests/garden/garden.py live "$E2E/garden" $BACKEND 8080 10.77.0.2 \
		--seconds "$2" --seed "$3" $([ "$1" = off ] || echo --courtesy)
	rc=$?
	[ $rc -eq 0 ] || [ $rc -eq 77 ] || e2e_fail "courtesy $1: a server saw what was not judged, or too little ($rc)"
	[ $rc -eq 0 ] || status=$rc
	e2e_stop
}

seconds=${GARDEN_LIVE_SECONDS:-20} seed=${GARDEN_SEED:-1}
ask off "$seconds" "$seed"
if [ "$SECONDS" -lt 75 ]; then
	ask on $((seconds / 3)) $((seed + 1))
else
	echo "this machine is too slow today for the second part, with courtesy"
fi
exit $status
