# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of what bridges and nodes carry share. Source it behind lib_spoofed.sh, and call smuggle_up for spoof_up.
#
#	count REASON		how many the daemon has dropped for it
#	heard POD CMD...	what comes there with the mark (smuggled.py) when CMD has run
#	from POD MAC ARG...	sends one (smuggled.py)

smuggle_up() {
	spoof_up
	cat >"$E2E/p/other.yaml" <<'Y'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: other, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: other } }
  egress:
    - toEndpoints: [{ matchLabels: { app: admin } }]
    - toEntities: [host]
Y
}
count() { # REASON
	build/postern status --format json | python3 -c "
import json, sys
print(sum(d['egress'] + d['ingress'] for d in json.load(sys.stdin)['drops'] if d['reason'] == '$1'))"
}
heard() {
	local pod=$1 hears
	shift
	rm -f "$E2E/heard"
	ip netns exec "$pod" python3 tests/e2e/smuggled.py hear eth0 >"$E2E/heard" &
	hears=$!
	e2e_wait 60 grep -q ready "$E2E/heard" || e2e_fail "nobody hears"
	"$@" || e2e_fail "nothing was sent: $*"
	sleep 0.5
	kill $hears
	wait $hears 2>/dev/null
	grep -v ready "$E2E/heard" | tr '\n' ' '
}
from() { ip netns exec "$1" python3 tests/e2e/smuggled.py send eth0 "${@:2}"; }
