#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The golden requests and streams, which the native tests judge at every split point, through real sockets: cut between
# requests and byte by byte, over IPv4 and IPv6. One verdict per vector everywhere, and the server has what the verdict
# says, no byte more.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_run backend python3 tests/e2e/streams.py sink 8080 "$E2E" &
for address in $BACKEND fd77::4; do
	e2e_posternd --proxy off --policy testdata/http/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy off --events all
	for cut in requests bytes; do
		: >"$E2E/events" # the second round may have ports of the first
		e2e_run frontend timeout 90 python3 tests/e2e/streams.py ask "$E2E" "$E2E/events" $address 8080 $cut \
			testdata/http/streams.md testdata/http/requests.md >"$E2E/out" || e2e_fail "$(cat "$E2E/out")"
		echo "ok: $address, cut: $cut: $(tail -n 1 "$E2E/out") after $SECONDS s"
	done
	e2e_stop
	: >"$E2E/events"
done
