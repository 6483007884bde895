#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One pod is denied faster than the daemon can tell of it, for as long as it likes. The daemon answers, takes a new policy
# and ends when it is told to, all the same.
. "$(dirname "$0")/lib.sh"
e2e_up
cp testdata/policies/good/two-rules.yaml "$E2E/policy.yaml"
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
for _ in 1 2 3; do
	e2e_run other python3 -c 'if True:
		import socket
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		while True:
			for port in range(1024, 65536):
				try:
					sock.sendto(b"x", ("10.77.0.4", port))
				except OSError:
					pass' &
done
raging() { [ "$(wc -l <"$E2E/events")" -ge 20000 ]; }
e2e_wait 60 raging || e2e_fail "no flood: $(wc -l <"$E2E/events")"
timeout 30 build/postern status >"$E2E/status" || e2e_fail "the daemon does not answer"
e2e_is "it answers" 1 "$(grep -c '^health' "$E2E/status")"
grep -q '^lost' "$E2E/status" || e2e_fail "it keeps up: this proves nothing: $(cat "$E2E/status")"
sed -i 's/GET/PUT/' "$E2E/policy.yaml"
e2e_wait 30 grep -q 'generation 2 is in force' "$E2E/log" || e2e_fail "a new policy is not taken"
kill -TERM "$E2E_DAEMON"
ended() { ! kill -0 "$E2E_DAEMON" 2>/dev/null; }
e2e_wait 30 ended || e2e_fail "it does not end"
e2e_is "it takes a policy, and ends" yes yes
