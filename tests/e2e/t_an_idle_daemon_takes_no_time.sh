#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# While nothing is asked and nothing changes, none of the daemon's processes runs: five seconds take less than 25 ms of a
# processor, all of them together, with a socket, metrics and a thousand policies.
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E/policies"
for n in $(seq 1000); do
	sed "s/name: backend-api/name: p$n/" testdata/policies/good/backend-api.yaml >"$E2E/policies/p$n.yaml"
done
e2e_posternd --policy "$E2E/policies" --inventory testdata/inventory/demo.yaml --metrics 127.0.0.1:9970 --courtesy off
family() { echo "$E2E_DAEMON" && pgrep -P "$E2E_DAEMON"; }
# ran: how long they have run, all threads, in microseconds
ran() {
	local pid
	for pid in $(family); do cat "/proc/$pid/task/"*/schedstat; done | awk '{ n += $1 } END { printf "%d", n / 1000 }'
}
e2e_wait 30 curl -sf -o /dev/null http://127.0.0.1:9970/readyz || e2e_fail "it is not ready"
sleep 2
[ "$(family | wc -l)" -ge 3 ] || e2e_fail "where are its processes: $(family)"
before=$(ran)
sleep 5
took=$(($(ran) - before))
echo "five seconds of nothing took $took us of a processor"
[ "$took" -lt 25000 ] || e2e_fail "it does not rest: $took us in five seconds"
# Else this measures nothing.
kill -HUP "$E2E_DAEMON"
e2e_wait 30 eval '[ $(($(ran) - before)) -gt 1000 ]' || e2e_fail "the time of a reading does not show"
e2e_stop
