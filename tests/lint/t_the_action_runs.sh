#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The script of the GitHub action as the runner starts it, and its problem matcher on real output.

set -eu
action=$TOP/deploy/github-action
cd "$SCRATCH"
mkdir .git policies 'with blank'
cp "$TOP"/testdata/policies/bad/http.yaml policies/
cp "$TOP"/testdata/policies/good/backend-api.yaml 'with blank/'

fail() {
	echo "$*"
	exit 1
}

# run NAME=VALUE...: the inputs; leaves status, out and $GITHUB_OUTPUT.
run() {
	export GITHUB_OUTPUT=$SCRATCH/outputs
	: >"$GITHUB_OUTPUT"
	status=0
	out=$(env "$@" "$action/lint.sh" 2>err) || status=$?
}

run INPUT_PATH=policies INPUT_OUTPUT=a.sarif
[ "$status" -eq 1 ] || fail "status $status, expected 1"
grep -q '^::error file=policies/http.yaml,line=' <<<"$out" || fail "no annotation: $out"
grep -qx 'sarif-file=a.sarif' outputs || fail "outputs: $(cat outputs)"
n=$(python3 -c 'import json; print(len(json.load(open("a.sarif"))["runs"][0]["results"]))')
grep -qx "findings=$n" outputs || fail "outputs: $(cat outputs), results: $n"
[ "$n" -gt 1 ] || fail "only $n findings"

run INPUT_PATH=$'with blank\n' INPUT_FORMAT=json INPUT_OUTPUT=a.json INPUT_VERSION=1.18
[ "$status" -eq 0 ] || fail "status $status, expected 0: $out $(cat err)"
! grep -q sarif-file outputs || fail "sarif-file without sarif"
python3 -c 'import json; json.load(open("a.json"))'

# An input is a word, whatever is in it.
# shellcheck disable=SC2016
run INPUT_PATH='$(touch hacked); --rules' INPUT_OUTPUT=b.sarif
[ ! -e hacked ] || fail 'an input was run'
[ "$status" -eq 1 ] || fail "status $status, expected 1: no such file is a finding"
run INPUT_FAIL_ON=never
[ "$status" -eq 2 ] || fail "status $status, expected 2"
run INPUT_OUTPUT=$'a\nfindings=0'
[ "$status" -eq 2 ] || fail 'a line end in the name of the output was taken'

"$POSTERN" lint -q policies >text || [ $? -eq 1 ]
"$POSTERN" lint -q --format json policies >json || [ $? -eq 1 ]
python3 - "$action/problem-matcher.json" <<'EOF'
import json, re, sys
pattern = json.load(open(sys.argv[1]))["problemMatcher"][0]["pattern"][0]
found = [re.match(pattern["regexp"], line) for line in open("text").read().split("\n")]
found = [[m[pattern[k]] for k in ("file", "line", "column", "severity", "code", "message")]
         for m in found if m]
wanted = [[f["file"], str(f["line"]), str(f["column"]), f["severity"], f["rule"], f["message"]]
          for f in json.load(open("json"))["findings"] if "line" in f]
if found != wanted or not found:
    sys.exit(f"matched {found}, expected {wanted}")
EOF
