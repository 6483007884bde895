# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of pages that change share. Source it instead of lib.sh, which it sources.
#
#	e2e_pages GOOD              the policy GOOD of testdata, also for POST, in $E2E/policy.yaml; a server on both
#	                            addresses of the backend, which says what it reads in $E2E/up.ADDRESS
#	e2e_attack WAY ADDRESS      shared_pages.py; what the server has read
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

e2e_pages() {
	local at
	sed 's/method: GET/method: GET|POST/' "testdata/policies/good/$1" >"$E2E/policy.yaml"
	for at in $BACKEND fd77::4; do
		e2e_run backend python3 tests/e2e/shared_pages.py serve $at 8080 "$E2E/go" >"$E2E/up.$at" &
		e2e_wait 60 test -s "$E2E/up.$at" || e2e_fail "no server"
	done
}

e2e_attack() {
	e2e_run frontend timeout 60 python3 tests/e2e/shared_pages.py "$1" "$2" 8080 "$E2E/go" 2>&1 | tail -n 1
}
