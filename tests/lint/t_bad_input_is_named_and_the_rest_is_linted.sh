#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A folder with everything that a linter may be given by mistake or in bad faith, and one policy with a
# known finding. Each file gives its own error, the policy is linted all the same, and neither memory nor
# time depends on what is in the folder.

set -eu
[ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null || { echo 'root, and no setpriv: nothing is unreadable'; exit 77; }
dir=$SCRATCH/in
mkdir "$dir"
cd "$dir"

policy='apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p}
spec:
  endpointSelector: {}
  ingress:
  - toPorts:
    - ports: [{port: "80", protocol: UDP}]
      rules: {http: [{}]}'

# file NAME RULE: standard input is the file, RULE what is found in it.
declare -A expected
file() {
	cat >"$1"
	expected[$1]=$2
}

file policy.yaml http-needs-tcp <<<"$policy"
file crlf.yaml http-needs-tcp < <(sed 's/$/\r/' <<<"$policy")
file bom.yaml http-needs-tcp < <(printf '\xef\xbb\xbf%s\n' "$policy")
file empty.yaml empty-file </dev/null
file binary.yaml yaml-encoding < <(printf '\x7fELF\x02\x01\x01\x00\x00')
file utf8.yaml yaml-encoding < <(printf 'a: \xff\xfe\n')
file tabs.yaml yaml-syntax < <(printf 'a:\n\tb: 1\n')
file deep.yaml yaml-limit < <(head -c 100000 /dev/zero | tr '\0' '[')
{
	echo 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
	for ((i = 1; i < 20; i++)); do
		printf 'a%d: &a%d [' "$i" "$i"
		for ((k = 0; k < 10; k++)); do printf '*a%d, ' $((i - 1)); done
		echo ']'
	done
} >bomb
file bomb.yaml yaml-alias-limit <bomb
rm bomb
truncate -s 1G huge.yaml
expected[huge.yaml]=file-too-large
cp policy.yaml unreadable.yaml
expected[unreadable.yaml]=file-unreadable
mkdir loop
ln -s .. loop/again
expected[loop]=directory-loop
ln -s nowhere.yaml dangling.yaml
expected[dangling.yaml]=file-missing
mkfifo pipe.yaml
expected[pipe.yaml]=file-unreadable

chmod 755 "$SCRATCH" "$dir" loop
find . -name "*.yaml" -type f -exec chmod 644 {} +
chmod 000 unreadable.yaml
cp "$POSTERN" "$SCRATCH/postern"
as_user=()
[ "$(id -u)" -ne 0 ] || as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
cd /

# 256 MiB of addresses, 20 s of time: the file of 1 GiB is not read, nothing is expanded.
status=0
(
	ulimit -v 262144
	exec "${as_user[@]}" timeout 20 "$SCRATCH/postern" lint --no-config --format json "$dir"
) >"$SCRATCH/out.json" || status=$?
[ "$status" -eq 1 ] || { echo "exit status $status, expected 1"; exit 1; }

for name in "${!expected[@]}"; do
	echo "$name ${expected[$name]}"
done | python3 -c '
import json, os, sys
top, out = sys.argv[1:]
found = {}
for f in json.load(open(out))["findings"]:
    if f["severity"] == "error":
        name = os.path.relpath(f["file"], top).split("/")[0]
        found.setdefault(name, set()).add(f["rule"])
        if not f["message"] or "line" in f and f["line"] < 1:
            sys.exit(f"no message or place: {f}")
wrong = 0
for line in sys.stdin:
    name, rule = line.split()
    wanted = {rule}
    if found.pop(name, set()) != wanted:
        print(f"{name}: expected {rule}")
        wrong += 1
if wrong or found:
    sys.exit(f"not expected: {found}")
' "$dir" "$SCRATCH/out.json"
