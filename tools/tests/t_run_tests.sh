#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The stages and totals of `make test`, over a made-up Makefile: a failure anywhere fails the whole,
# and the stages behind it still run.

. "$(dirname "$0")/lib.sh"

mkdir -p "$scratch/tools" "$scratch/tests/e2e" "$scratch/tests/lint"
# The stage that runs the linter; it has nothing to say here.
printf '#!/bin/sh\n' >"$scratch/tests/lint/run.sh"
chmod +x "$scratch/tests/lint/run.sh"
cp "$tools/run_tests.sh" "$scratch/tools/"

# tree: every stage passes. The words are Criterion's, colours included.
tree() {
	write Makefile <<-'EOF'
	.RECIPEPREFIX = >
	all bench-build unit-build mutants-unit packaging-tests replay garden e2e-build test-kernels:
	unit:
	>@printf '[\033[0;34m====\033[0m] \033[0;1mSynthesis: Tested: 3 | Passing: %s | Failing: %s | Crashing: %s\n' \
	>	$(or $(PASSING),3) $(or $(FAILING),0) $(or $(CRASHING),0)
	>@printf '[====] Synthesis: Tested: 2 | Passing: 2 | Failing: 0 | Crashing: 0 \n'
	>@exit $(or $(UNIT_RC),0)
	check-tools fuzz:
	>@echo 1 passed, 0 failed, 0 skipped
	EOF
	write tests/e2e/run.sh <<-'EOF'
	#!/bin/sh
	[ "${E2E_FAILED:-0}" -eq 0 ] || echo "FAIL t_some_test (exit 1)"
	echo "4 passed, ${E2E_FAILED:-0} failed, 2 skipped"
	exit "${E2E_FAILED:-0}"
	EOF
	chmod +x "$scratch/tests/e2e/run.sh"
}

run() {
	env -u MAKEFLAGS JOBS=1 "$@" "$scratch/tools/run_tests.sh"
}

tree
expect 0 '^unit +5 passed +0 failed +0 skipped' 'summaries of several programs are added up' run
expect 0 '^e2e +4 passed +0 failed +2 skipped' 'skips are shown' run
expect 0 '^ok: 1[56] passed' 'the last line has the sum' run

expect 1 '^FAILED: 2 failed' 'a failing test fails the run' run PASSING=2 FAILING=1 UNIT_RC=1
expect 1 '^unit +4 passed +1 failed' 'a failing test is counted' run PASSING=2 FAILING=1 UNIT_RC=1
expect 1 '^unit +4 passed +1 failed' 'a crash is a failure' run PASSING=2 CRASHING=1 UNIT_RC=1
expect 1 '^FAILED: 2 failed' 'a failure is seen even if the exit code hides it' run PASSING=2 FAILING=1
expect 1 '^FAILED: 2 failed' 'an exit code is seen even if the totals hide it' run UNIT_RC=1
expect 1 '^e2e +4 passed +3 failed' 'end-to-end tests count' run E2E_FAILED=3
named_again() { run "$@" | sed -n '/^== failed in e2e/,/^== totals/p'; }
expect 0 '^FAIL t_some_test' 'what failed is named once more above the totals' named_again E2E_FAILED=1
none_named() { ! run | grep '^== failed in'; }
expect 0 '' 'where nothing failed nothing is named' none_named
expect 1 '^e2e +4 passed' 'later stages run after a failure' run UNIT_RC=1

echo 'unit-build: ; @false' >>"$scratch/Makefile"
expect 1 '^unit +0 passed +1 failed' 'what does not build is a failure' run

tree
echo 'unit-build: ; @sleep 30 &' >>"$scratch/Makefile"
SECONDS=0
expect 0 '^ok: 1[56] passed' 'a process that is left behind does not fail the run' run
[ "$SECONDS" -lt 25 ] && ok || not_ok 'a process that is left behind holds up the run'

tree
echo '%:;@true' | write Makefile
printf '#!/bin/sh\n' | write tests/e2e/run.sh
expect 1 '^FAILED: nothing was tested' 'no tests are no success' run

finish
