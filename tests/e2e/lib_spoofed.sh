# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of spoofed sources share. Source it behind lib.sh, before e2e_up; then call spoof_up.
#
#	starts ARG...		starts the daemon: the frontend and the node may talk to the backend, other may not
#	what POD KINDS SOURCE...	which kinds of packets (spoofed.py) come to the backend from there
#	attack WHAT WANT KINDS [POD]	the same for all sources that are not other's
#	counted drops|audited	how many the daemon has counted

spoof_up() {
	mkdir "$E2E/p"
	cat >"$E2E/p/backend.yaml" <<'Y'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: backend, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: backend } }
  ingress:
    - fromEndpoints: [{ matchLabels: { app: frontend } }]
    - fromEntities: [host]
Y
	# One that is on another node.
	sed 's/^  name: admin$/  name: far/; s/10\.77\.0\.5/10.77.9.5/; s/fd77::5/fd77:9::5/; s/app: admin/app: frontend/' \
		testdata/inventory/demo.yaml | awk '/^---/ { doc = "" } { doc = doc $0 "\n" } /^  name: far/ { far = 1 } END { if (far) print doc }' >"$E2E/far.yaml"
	grep -q 10.77.9.5 "$E2E/far.yaml" || e2e_fail "no pod on another node: $(cat "$E2E/far.yaml")"
}
INV=(--inventory testdata/inventory/demo.yaml --inventory "$E2E/far.yaml")
KINDS="udp syn data rst icmp sctp fragment cut"
ALL="$KINDS claim tagged"
GOOD="udp syn data rst icmp sctp fragment claim" # of who is allowed
starts() { e2e_posternd --policy "$E2E/p" "${INV[@]}" --courtesy off "$@"; }
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
own_mac() { ip -br link show dev "$1" | awk '{ print $3 }'; }

# what POD KINDS SOURCE...: which of the kinds come to the backend: a line for all sources where they are alike. Outside of
# the cgroup: nothing else is to see them.
what() {
	local pod=$1 kinds=$2 source kind hears packets=()
	shift 2
	for source in "$@"; do
		for kind in $kinds; do packets+=("$source,$(to "$source"),$kind"); done
	done
	# Behind all that was sent, and of no policy's: nothing is under way any more when this has come.
	packets+=("10.77.0.$(number "$pod"),10.77.0.4,end")
	rm -f "$E2E/heard"
	ip netns exec backend python3 tests/e2e/spoofed.py hear eth0 10.77.0.4 fd77::4 >"$E2E/heard" &
	hears=$!
	e2e_wait 10 grep -q ready "$E2E/heard" || e2e_fail "nobody hears"
	ip netns exec "$pod" python3 tests/e2e/spoofed.py send eth0 "${MAC:-$(mac backend)}" "${packets[@]}" || e2e_fail "nothing was sent"
	e2e_wait 5 grep -qx "10.77.0.$(number "$pod") end" "$E2E/heard" || e2e_fail "$pod cannot send as itself: $(cat "$E2E/heard")"
	kill $hears
	wait $hears 2>/dev/null
	for source in "$@"; do
		for kind in $kinds; do grep -qx "$source $kind" "$E2E/heard" && printf '%s ' "$kind"; done
		echo
	done | sort -u | awk 'NF { $1 = $1; printf "%s%s", (n++ ? " " : ""), $0 } END { print "" }'
}
to() { case $1 in *:*) echo fd77::4 ;; *) echo 10.77.0.4 ;; esac; }
number() { case $1 in frontend) echo 2 ;; other | away) echo 3 ;; backend) echo 4 ;; admin) echo 5 ;; esac; }
counted() {
	build/postern status --format json | python3 -c "
import json, sys
print(sum(d['egress'] + d['ingress'] for d in json.load(sys.stdin)['$1'] if d['reason'] == 'spoofed-source'))"
}
# As a pod of this node, as one of another node, as the node.
OTHERS="10.77.0.2 10.77.9.5 10.77.0.1 fd77::2 fd77:9::5 fd77::1"
# attack WHAT WANT KINDS: by a pod that is none of these
# shellcheck disable=SC2086
attack() { e2e_is "$1" "$2" "$(what "${4:-other}" "$3" $OTHERS)"; }
