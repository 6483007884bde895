#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# SARIF against the official schema of version 2.1.0, which an npm package carries.

set -eu
package=@microsoft/jest-sarif@1.0.0-beta.0
archive=microsoft-jest-sarif-1.0.0-beta.0.tgz
dir=$TOP/build/sarif-schema
python3 -c 'import jsonschema' 2>/dev/null || { echo 'no python3-jsonschema'; exit 77; }
if [ ! -e "$dir/$archive" ]; then
	mkdir -p "$dir"
	(cd "$dir" && timeout 60 npm pack "$package" >/dev/null 2>&1) ||
		{ echo "npm cannot fetch $package"; exit 77; }
fi
cd "$SCRATCH"
git init -q . 2>/dev/null || mkdir .git
cp "$TOP"/testdata/policies/bad/*.yaml .
cp "$TOP/testdata/policies/bad/http.yaml" $'a \xff%:\n"b.yaml'
"$POSTERN" lint --quiet --format sarif -o bad.sarif . || [ $? -eq 1 ]
"$POSTERN" lint --quiet --format sarif -o clean.sarif "$TOP/testdata/policies/good" || [ $? -eq 1 ]
python3 - "$dir/$archive" bad.sarif clean.sarif <<'EOF'
import copy, json, sys, tarfile
import jsonschema

with tarfile.open(sys.argv[1]) as archive:
    schema = json.load(archive.extractfile("package/lib/schemas/sarif-2.1.0-rtm.5.json"))
validator = jsonschema.Draft4Validator(schema)
for name in sys.argv[2:]:
    with open(name) as file:
        log = json.load(file)
    errors = [f"{name}: {list(e.path)}: {e.message[:300]}" for e in validator.iter_errors(log)]
    print(name, len(log["runs"][0]["results"]), "results,", len(errors), "errors")
    if errors:
        sys.exit("\n".join(errors[:10]))
    # The validator does find mistakes.
    broken = copy.deepcopy(log)
    broken["runs"][0]["tool"]["driver"].pop("name")
    if validator.is_valid(broken):
        sys.exit("a log without the driver's name is taken")
with open("bad.sarif") as file:
    results = json.load(file)["runs"][0]["results"]
if len(results) < 50:
    sys.exit(f"only {len(results)} results: the bad policies have more")
EOF
