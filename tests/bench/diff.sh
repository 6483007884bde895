#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# diff.sh POSTERN: CPU time of `postern diff` over 1,000 policies with one changed line, and with all
# documents changed (a comment) but one decision.
set -eu
postern=$1
here=$(dirname "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

measure() {
	# Seconds of user and system time, by the shell's own account of its children.
	sh -c '"$@" >"$0" 2>&1; times' "$dir/out" "$postern" diff "$2" "$3" >"$dir/times"
	printf '%-26suser and system: %s\n' "$1" "$(tail -1 "$dir/times")"
	grep -v '^ ' "$dir/out" | cut -c 1-120 | sed 's/^/  /'
}

python3 "$here/diff_policies.py" "$dir/old" 1000
python3 "$here/diff_policies.py" "$dir/new" 1000 --change
measure "one changed line" "$dir/old" "$dir/new"
for file in "$dir"/new/*; do
	sed -i '1i # moved' "$file"
done
measure "all documents changed" "$dir/old" "$dir/new"
