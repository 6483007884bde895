#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who takes the events stops reading, as a log service that hangs. The daemon answers, takes a new policy and ends all the
# same; what could not be told is counted, and lines that come later are whole.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
cp testdata/policies/good/two-rules.yaml "$E2E/policy.yaml"
mkfifo "$E2E/pipe"
"${E2E_BINARY:-build/posternd}" --cgroup "$E2E_CGROUP" --pin-dir "$E2E_PINS" --policy "$E2E/policy.yaml" --courtesy off \
	--inventory testdata/inventory/demo.yaml >"$E2E/pipe" 2>"$E2E/log" &
E2E_DAEMON=$!
exec 7<"$E2E/pipe" # open, and not read
e2e_wait 30 grep -q 'enforcing below' "$E2E/log" || e2e_fail "posternd does not start"
e2e_run other python3 -c 'if True:
	import socket
	sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	for port in range(1024, 4096):
		try:
			sock.sendto(b"x", ("10.77.0.4", port))
		except OSError:
			pass'
timeout 10 build/postern status >"$E2E/status" || e2e_fail "the daemon does not answer"
e2e_is "it answers" 1 "$(grep -c '^health' "$E2E/status")"
sed -i 's/GET/PUT/' "$E2E/policy.yaml"
e2e_wait 30 grep -q 'generation 2 is in force' "$E2E/log" || e2e_fail "a new policy is not taken"
e2e_wait 10 eval 'e2e_http frontend http://10.77.0.4:8080/api/x >/dev/null; grep -q "events were not written" "$E2E/log"' ||
	e2e_fail "it does not say what is lost"

# It is read again.
timeout 2 cat <&7 >"$E2E/first"
e2e_http frontend http://10.77.0.4:8080/admin >/dev/null
timeout 2 cat <&7 >"$E2E/later"
grep -q '"path":"/admin"' "$E2E/later" || e2e_fail "what is new is not told: $(cat "$E2E/later")"
python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <<<"$(cat "$E2E/first" "$E2E/later")" ||
	e2e_fail "a line is cut"
kill -TERM "$E2E_DAEMON"
ended() { ! kill -0 "$E2E_DAEMON" 2>/dev/null; }
e2e_wait 30 ended || e2e_fail "it does not end"
e2e_is "it takes a policy, and ends" yes yes
