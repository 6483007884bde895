#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The main program of the unit tests (tests/none.c), over two made-up tests.

. "$(dirname "$0")/lib.sh"

write test.c <<-'EOF'
	#include <criterion/criterion.h>
	Test(some, passes) { cr_assert(1); }
	Test(some, fails) { cr_assert(0, "for a reason"); }
EOF
read -ra cc <<<"${CC:-gcc}"
"${cc[@]}" -D_GNU_SOURCE "$tools/../tests/none.c" "$scratch/test.c" -o "$scratch/unit" -lcriterion || exit 1

unit() {
	"$scratch/unit" "$@"
}

expect 0 'Tested: 1 ' 'what the filter matches runs' unit --filter 'some/passes'
expect 1 'for a reason' 'and when it fails so does the run' unit --filter 'some/f*'
expect 1 'no test matches the filter "some/passed"' 'a name that nobody has' unit --filter 'some/passed'
expect 1 'no test matches the filter "other/\*"' 'a suite that nobody has' unit --filter 'other/*'
expect 1 'Tested: 2 ' 'without a filter all run' unit
expect 0 'passes' 'a list is no run' unit --list
finish
