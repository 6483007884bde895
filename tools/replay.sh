#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs replay programs over their seeds and, those that read policies, over every policy that is here:
#
#	tools/replay.sh build/replay/fuzz_NAME...

set -u
passed=0 failed=0

for binary in "$@"; do
	name=$(basename "$binary")
	inputs=()
	for dir in "testdata/corpus/${name#fuzz_}" "build/fuzz/seeds/${name#fuzz_}" "build/fuzz/corpus/$name"; do
		[ ! -d "$dir" ] || inputs+=("$dir")
	done
	case $name in
	fuzz_policy | fuzz_lint)
		inputs+=(testdata/corpus/policy testdata/policies)
		[ ! -d ../shared/corpus ] || inputs+=(../shared/corpus/valid ../shared/corpus/invalid)
		;;
	esac
	if out=$(timeout 300 "$binary" "${inputs[@]}" 2>&1 </dev/null); then
		echo "ok   $name: $(tail -n 1 <<<"$out")"
		passed=$((passed + 1))
	else
		echo "FAIL $name:"
		tail -n 40 <<<"$out" | sed 's/^/     | /'
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
