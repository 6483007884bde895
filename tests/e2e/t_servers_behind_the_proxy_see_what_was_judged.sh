#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Byte streams that can be read in two ways, whole and cut, sent by the daemon to the userspace proxy and by that to servers
# that write down what they are asked: what each has seen is a beginning of what the offline judge allows
# (tests/garden/README.md).
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E/garden"
e2e_run backend python3 tests/garden/garden.py serve "$E2E/garden" $BACKEND 8080 >"$E2E/serve" 2>&1 &
e2e_wait 80 test -s "$E2E/garden/ready" || e2e_fail "the servers do not start: $(cat "$E2E/serve")"
cat "$E2E/serve"
awk '{ print } /name: backend/ { print "  annotations: {postern.io/mode: proxy}" }' testdata/inventory/demo.yaml >"$E2E/pods.yaml"
e2e_posternd --policy tests/garden/policy.yaml --inventory "$E2E/pods.yaml" --courtesy off --events denied
seconds=${GARDEN_LIVE_SECONDS:-20}
e2e_run frontend timeout $((seconds * 2 + 20)) python3 tests/garden/garden.py live "$E2E/garden" $BACKEND 8080 10.77.0.2 \
	--seconds "$seconds" --seed "${GARDEN_SEED:-1}" --proxied
status=$?
e2e_is "verdicts of the kernel" 0 "$(e2e_events '"generation":.*"layer":"l7"')"
[ $status -eq 0 ] || [ $status -eq 77 ] || e2e_fail "a server saw what was not judged, or too little ($status)"
exit $status
