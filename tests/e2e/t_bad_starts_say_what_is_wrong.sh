#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each wrong input or surrounding: one clear error with place and remedy, the documented exit status, nothing
# attached.
. "$(dirname "$0")/lib.sh"
e2e_up
GOOD=testdata/policies/good/backend-api.yaml
INV=testdata/inventory/demo.yaml

# bad NAME STATUS PATTERN ARG...
bad() {
	local name=$1 status=$2 pattern=$3 got
	shift 3
	timeout 20 build/posternd --pin-dir "$E2E_PINS" "$@" >"$E2E/out" 2>"$E2E/log" </dev/null
	got=$?
	e2e_is "$name: exit status" "$status" "$got"
	grep -qE -- "$pattern" "$E2E/log" || e2e_fail "$name: no line matches $pattern"
	e2e_is "$name: programs attached" 0 "$(bpftool cgroup show "$E2E_CGROOT/$E2E_CGROUP" | grep -c pst_)"
}
C="--cgroup $E2E_CGROUP --inventory $INV"
mkdir "$E2E/empty"
printf 'kind: [\n' >"$E2E/not.yaml"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n' >"$E2E/other.yaml"
sed 's/toPorts/toPort/' $GOOD >"$E2E/field.yaml"
sed 's,/api/\.\*,/api/(,' $GOOD >"$E2E/regex.yaml"
sed 's/"8080"/"80800"/' $GOOD >"$E2E/port.yaml"
sed 's/10.77.0.3/10.77.0.2/' $INV >"$E2E/twice.yaml"

bad "not YAML" 1 'not.yaml:[0-9]+:[0-9]+: error: .*\[yaml-syntax\]' $C --policy "$E2E/not.yaml"
bad "not a CNP" 1 'other.yaml.*error: .*CiliumNetworkPolicy' $C --policy "$E2E/other.yaml"
bad "an unknown field" 1 'field.yaml:[0-9]+:[0-9]+: error: .*toPort' $C --policy "$E2E/field.yaml"
bad "an invalid regex" 1 'regex.yaml:[0-9]+:[0-9]+: error: .*\[regex-syntax\]' $C --policy "$E2E/regex.yaml"
bad "a port out of range" 1 'port.yaml:[0-9]+:[0-9]+: error: .*65535' $C --policy "$E2E/port.yaml"
bad "an address twice" 1 'twice.yaml:[0-9]+:[0-9]+: error: .*10.77.0.2' --cgroup "$E2E_CGROUP" --policy $GOOD --inventory "$E2E/twice.yaml"
bad "a directory without files" 1 'empty: error: ' $C --policy "$E2E/empty"
bad "a file that is not there" 1 'nowhere.*error: ' $C --policy "$E2E/nowhere"
bad "no policy at all" 2 'expected --policy' $C
bad "an unknown option" 2 "unknown option.* '--wrong'" --wrong
bad "no cgroup" 2 'expected --cgroup kubepods.slice .* --cgroup /sys/fs/cgroup' --policy $GOOD --inventory $INV
bad "the beginning of an option" 2 "unknown option '--polic=x': expected --policy" $C --polic=x
bad "the beginning of two" 2 "unknown option.* '--export-'" $C --export- 3
bad "an option twice" 2 ' --cgroup is given twice' $C --policy $GOOD --cgroup "$E2E_CGROUP"
bad "a switch twice" 2 ' --audit is given twice' $C --policy $GOOD --audit --audit
bad "an operand" 2 "unexpected operand 'policies'" $C policies --audit
bad "an option without its value" 2 "missing behind '--policy'" --policy
# With a policy that is not there, so that nothing is attached to the root if an empty name were to mean it.
bad "an empty cgroup" 2 "--cgroup '': expected PATH" --policy /nowhere --cgroup ''
for option in policy inventory bundle events-file export proxy show-header; do
	bad "an empty --$option" 2 "--$option '': expected" $C --policy /nowhere --$option ''
done
bad "a word that is none" 2 "--events: unknown value 'x': expected denied.all.none" $C --policy /nowhere --events x
bad "a cgroup that is not there" 3 'nowhere' --policy $GOOD --cgroup nowhere
bad "a proxy that is not there" 3 'cannot run /nowhere/proxy, which --proxy names: No such file' $C --policy $GOOD --proxy /nowhere/proxy
bad "a directory that is no cgroup v2" 3 'cgroup' --policy $GOOD --cgroup /tmp

# proxy NAME PATTERN ARG...
proxy() {
	local name=$1 pattern=$2
	shift 2
	timeout 20 build/postern-proxy --listen 127.0.0.1:18080 --upstream 127.0.0.1:18081 "$@" >"$E2E/out" 2>"$E2E/log" </dev/null
	e2e_is "proxy, $name: exit status" 2 $?
	grep -qE -- "$pattern" "$E2E/log" || e2e_fail "proxy, $name: no line matches $pattern"
}
proxy "an empty policy" '--policy: expected PATH, found ""' --policy ''
proxy "a number out of its range" '--threads: expected a number, 1 to 64, found "65"' --policy /nowhere --threads 65
proxy "a number with something behind it" '--port: expected a number, 1 to 65535, found "80x"' --policy /nowhere --port 80x
proxy "an option twice" '--listen is given twice' --policy /nowhere --listen 127.0.0.1:18082
proxy "the beginning of an option" 'unknown option "--polic=x": expected --policy' --polic=x
proxy "an operand" 'found "extra"' --policy /nowhere extra --show-queries

chmod 755 "$E2E"
if command -v setpriv >/dev/null; then
	cp build/posternd $GOOD "$E2E/"
	chmod 755 "$E2E/posternd"
	chmod 644 "$E2E/backend-api.yaml"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$E2E/posternd" \
		--policy "$E2E/backend-api.yaml" --cgroup "$E2E_CGROUP" >"$E2E/out" 2>"$E2E/log" </dev/null
	e2e_is "no root: exit status" 3 $?
	grep -q 'CAP_BPF' "$E2E/log" || e2e_fail "no root: CAP_BPF is not named"
fi

# A kernel without cgroup v2 is a mount table without it. There may be several mounts, and one that stays must not
# make this the enforcement of the whole machine: hence --cgroup, here as everywhere.
mounts() { awk '/ - cgroup2 / { print $5 }' /proc/self/mountinfo; }
while point=$(mounts | tail -n 1) && [ -n "$point" ]; do
	umount -l "$point" || break
done
if [ -n "$(mounts)" ]; then
	echo "cgroup v2 cannot be unmounted: the test without it is left out"
else
	timeout 20 build/posternd --policy $GOOD --pin-dir "$E2E_PINS" --cgroup "$E2E_CGROUP" >"$E2E/out" 2>"$E2E/log" </dev/null
	e2e_is "no cgroup v2: exit status" 3 $?
	grep -q 'mount -t cgroup2' "$E2E/log" || e2e_fail "no cgroup v2: no remedy is named"
	mount -t cgroup2 none "$E2E_CGROOT"
	e2e_is "no cgroup v2: programs attached" 0 "$(bpftool cgroup show "$E2E_CGROOT/$E2E_CGROUP" | grep -c pst_)"
fi
exit 0
