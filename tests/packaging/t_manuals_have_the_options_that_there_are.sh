#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# posternd(8) and postern-proxy(8) name the options that --help has, and no others. That postern(1) does so for each verb:
# cli/tests/test_usage.c.

set -eu
cd "$(dirname "$0")/../.."
SCRATCH=${SCRATCH:-$(mktemp -d)}

options() { grep -oE -- '--[a-z0-9][a-z0-9-]*' | sort -u; }
# difference HELP MANUAL: one line each.
difference() {
	options <"$1" >"$SCRATCH/help"
	sed 's/\\-/-/g; s/\\f[A-Z]//g' "$2" | options >"$SCRATCH/manual"
	comm -23 "$SCRATCH/help" "$SCRATCH/manual" | sed 's/$/ is not in the manual/'
	comm -13 "$SCRATCH/help" "$SCRATCH/manual" | sed 's/$/ is in the manual alone/'
}

failed=0
for program in posternd postern-proxy; do
	build/$program --help >"$SCRATCH/$program"
	found=$(difference "$SCRATCH/$program" "docs/$program.8")
	[ -z "$found" ] || { echo "FAILED: $program: $found"; failed=1; }
	grep -q . "$SCRATCH/help" || { echo "FAILED: $program --help names no option"; failed=1; }
	# The check itself.
	(cat "$SCRATCH/$program"; echo '  --made-up') >"$SCRATCH/more"
	[ "$(difference "$SCRATCH/more" "docs/$program.8")" = "--made-up is not in the manual" ] ||
		{ echo "FAILED: an option that is missing goes unnoticed"; failed=1; }
done
exit $failed
