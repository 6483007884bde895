#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whatever way a process takes to hand bytes to a connection, an allowed request arrives and a denied one does not: by
# the client's rules, then by the server's; the latter also with the courtesy at the client.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
sed 's/method: GET/method: GET|POST/' testdata/policies/good/backend-api.yaml >"$E2E/backend.yaml"
sed '/- method: POST/,$d; s/method: GET/method: GET|POST/' testdata/policies/good/frontend-egress.yaml >"$E2E/frontend.yaml"
export OUTSIDE=$E2E_CGROOT
ways='more corked by_bytes vectors sendfile splice zerocopy io_uring a_child handed_over moved early mapped tiny_segments multipath'
# Not by ip-netns(8), which hides the cgroups that one way needs.
ask() {
	(
		echo "$BASHPID" >"$E2E_CGROOT/$E2E_CGROUP/cgroup.procs" || exit 125
		# shellcheck disable=SC2086 # a list of words
		exec nsenter --net=/run/netns/frontend python3 tests/e2e/ways.py "$BACKEND" 8080 "$1" $ways \
			two_threads two_threads two_threads
	) >"$E2E/asked" || e2e_fail "$1: $(cat "$E2E/asked")"
}
cases() {
	local way allowed denied
	ask "$1"
	while read -r way allowed denied; do
		case $way,$allowed in
		multipath,*) e2e_is "$1: multipath TCP" "refused refused" "$allowed $denied" ;;
		two_threads,*) echo "ok: $1: two threads" ;;
		*,cannot*) echo "left out: $1: $way $allowed" ;;
		*)
			e2e_is "$1: $way, allowed" 200 "$allowed"
			[[ $denied =~ ^(403|ended|none)$ ]] || e2e_fail "$1: $way, denied: $denied"
			echo "ok: $1: $way, denied: $denied"
			;;
		esac
	done <"$E2E/asked"
}
for where in frontend backend courtesy; do
	courtesy=off policy=$where
	[ $where != courtesy ] || courtesy=on policy=backend
	e2e_posternd --policy "$E2E/$policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy $courtesy
	cases $where
	e2e_stop
done
written() { [ "$(grep -c ' /api/[a-z]*-mapped ' "$E2E/access.log")" -eq 3 ]; }
e2e_wait 3 written || e2e_fail "the allowed requests are not in the server's log"
# nginx logs a head that never came to its end as 400 with nothing sent: the first bytes of one are passed on.
e2e_is "denied requests at the server" "" "$(grep admin "$E2E/access.log" | grep -v '" 400 0 "')"
