#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the action runs. Inputs come as INPUT_*, outputs go to the file $GITHUB_OUTPUT. The command is
# $POSTERN, else postern from PATH, else it is built from the action's own checkout.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..

find_postern() {
	if [ -n "${POSTERN:-}" ]; then
		echo "$POSTERN"
	elif command -v postern; then
		:
	else
		make -C "$top" --no-print-directory -j"$(nproc)" postern-cli >&2
		echo "$top/build/postern-cli"
	fi
}

format=${INPUT_FORMAT:-sarif}
output=${INPUT_OUTPUT:-postern.sarif}
case $output in
*$'\n'* | *$'\r'*)
	echo "::error::postern lint: the name of the output file has a line end" >&2
	exit 2
	;;
esac
postern=$(find_postern)
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
args=(--format github -o - --format "$format" -o "$output" --format json -o "$counts")
[ -z "${INPUT_CONFIG:-}" ] || args+=(--config "$INPUT_CONFIG")
[ -z "${INPUT_FAIL_ON:-}" ] || args+=(--fail-on "$INPUT_FAIL_ON")
[ -z "${INPUT_VERSION:-}" ] || args+=(--cilium-version "$INPUT_VERSION")
paths=()
while IFS= read -r path; do
	[ -z "$path" ] || paths+=("$path")
done <<<"${INPUT_PATH:-.}"

status=0
"$postern" lint --quiet "${args[@]}" -- "${paths[@]}" || status=$?
# The first line of the report has the counts of the summary.
findings=$(head -n 1 "$counts" |
	sed -n 's/.*"errors":\([0-9]*\),"warnings":\([0-9]*\),"infos":\([0-9]*\),.*/\1 + \2 + \3/p')
{
	[ "$format" != sarif ] || [ "$status" -gt 1 ] || echo "sarif-file=$output"
	[ -z "$findings" ] || echo "findings=$((findings))"
} >>"${GITHUB_OUTPUT:-/dev/null}"
exit "$status"
