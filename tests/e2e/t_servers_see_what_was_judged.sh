#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Byte streams that can be read in two ways, whole and through posternd, to servers that write down what they are
# asked: what each has seen is a beginning of what the offline judge allows (tests/garden/README.md).
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E/garden"
e2e_run backend python3 tests/garden/garden.py serve "$E2E/garden" $BACKEND 8080 >"$E2E/serve" 2>&1 &
e2e_wait 60 test -s "$E2E/garden/ready" || e2e_fail "the servers do not start: $(cat "$E2E/serve")"
cat "$E2E/serve"
e2e_posternd --policy tests/garden/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy off
e2e_run frontend timeout 90 python3 tests/garden/garden.py live "$E2E/garden" $BACKEND 8080 10.77.0.2 \
	--seconds "${GARDEN_LIVE_SECONDS:-40}" --seed "${GARDEN_SEED:-1}"
status=$?
[ $status -eq 0 ] || [ $status -eq 77 ] || e2e_fail "a server saw what was not judged, or too little"
e2e_stop
exit $status
