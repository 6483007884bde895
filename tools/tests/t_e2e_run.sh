#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The runner of the end-to-end tests: its totals, its exit code, and that nothing outlives a test.

. "$(dirname "$0")/lib.sh"

mkdir -p "$scratch/tests/e2e"
cp "$tools/../tests/e2e/"*.sh "$scratch/tests/e2e/"
rm -f "$scratch"/tests/e2e/t_*.sh
run=$scratch/tests/e2e/run.sh

add() {
	{ echo '#!/bin/bash'; cat; } >"$scratch/tests/e2e/t_$1.sh"
	chmod +x "$scratch/tests/e2e/t_$1.sh"
}

expect 0 '^0 passed, 0 failed, 0 skipped$' 'no tests' "$run"

add good <<<'exit 0'
if [ "$(id -u)" -eq 0 ]; then
	chmod -R a+rwX "$scratch"
	expect 0 '^skip t_good: needs root$' 'without root tests are skipped with the reason' \
		setpriv --reuid 65534 --clear-groups "$run"
	rm -rf "$scratch/build"
fi
if [ "$(id -u)" -ne 0 ] || ! unshare --mount --pid --fork true 2>/dev/null; then
	expect 0 '^0 passed, 0 failed, 1 skipped$' 'without namespaces tests are skipped' "$run"
	finish
	exit
fi

expect 0 '^1 passed, 0 failed, 0 skipped$' 'a test passes' "$run"

add skipped <<<'echo "no such kernel"; exit 77'
expect 0 '^skip t_skipped: no such kernel$' 'a skip has its reason' "$run"
expect 0 '^1 passed, 0 failed, 1 skipped$' 'a skip is counted' "$run"

add bad <<<'echo "what went wrong"; exit 1'
expect 1 '^1 passed, 1 failed, 1 skipped$' 'a failure fails the run' "$run"
expect 1 'what went wrong' "a failure's log is shown" "$run"
expect 0 '^1 passed, 0 failed, 0 skipped$' 'tests can be named' "$run" t_good

add slow <<<'sleep 60'
expect 1 '^FAIL t_slow' 'a test that hangs fails' env E2E_TIMEOUT=1 "$run" t_slow

marker=30$((RANDOM + 10000))
add leaves <<<"setsid sleep $marker & ip netns add pst-left; exit 1"
expect 1 '^FAIL t_leaves' 'a test that leaves things behind' "$run" t_leaves
expect 1 '' 'its processes are gone' pgrep -f "sleep $marker"
expect 1 '' 'its namespaces are gone' sh -c 'ip netns list | grep pst-left'

finish
