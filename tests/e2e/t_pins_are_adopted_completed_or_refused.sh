#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a daemon does with pins that are not as it would leave them: used by another one, of another cgroup, half made, of
# another version, not possible at all. And --detach: nothing is left but what an open connection may still need.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
P="--policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml"
U=http://$BACKEND:8080
get() { printf 'send:GET %s HTTP/1.1\\r\\nHost: b\\r\\n\\r\\n' "$1"; }
attached() { bpftool cgroup show "$E2E_CGROOT/$E2E_CGROUP" | grep -c pst_; }
has_attached() { [ "$(attached)" -eq "$1" ]; }

# refused WHAT PATTERN ARG...: posternd ends with 3, says PATTERN, and changes nothing that is attached.
refused() {
	local what=$1 pattern=$2 before
	shift 2
	before=$(attached)
	timeout 20 build/posternd "$@" >"$E2E/out" 2>"$E2E/err" </dev/null
	e2e_is "$what: exit status" 3 $?
	grep -qE "$pattern" "$E2E/err" || e2e_fail "$what: no line matches $pattern: $(cat "$E2E/err")"
	e2e_is "$what: programs attached" "$before" "$(attached)"
}

# shellcheck disable=SC2086
refused "no bpffs" 'mount -t bpf bpf /sys/fs/bpf' $P --cgroup "$E2E_CGROUP" --pin-dir "$E2E/pins"

# shellcheck disable=SC2086
e2e_posternd $P --courtesy off
# shellcheck disable=SC2086
refused "a second daemon" 'another posternd is at work' $P --cgroup "$E2E_CGROUP" --pin-dir "$E2E_PINS"
refused "--detach while a daemon runs" 'another posternd is at work' --detach --pin-dir "$E2E_PINS"
e2e_leave KILL
mkdir "$E2E_CGROOT/$E2E_CGROUP/other"
# shellcheck disable=SC2086
refused "another cgroup" 'enforces below another cgroup' $P --cgroup "$E2E_CGROUP/other" --pin-dir "$E2E_PINS"
rmdir "$E2E_CGROOT/$E2E_CGROUP/other"
e2e_is "what was pinned goes on" none "$(e2e_http frontend --max-time 1 $U/admin)"

# Half made: a link is missing, then all of them and a map.
for missing in link_ingress 'link_* pst_config'; do
	(cd "$E2E_PINS"/v* && eval "rm $missing")
	e2e_wait 10 eval '! has_attached 6' || e2e_fail "without $missing all is attached"
	# shellcheck disable=SC2086
	e2e_posternd $P --courtesy off
	e2e_is "programs attached, $missing was missing" 10 "$(attached)"
	e2e_is "denied" "403 Access denied" "$(e2e_http frontend $U/admin)"
	e2e_leave KILL
done

# A device that goes while there is no daemon leaves the map of devices with the next one.
devices() {
	bpftool map dump pinned "$(find "$E2E_PINS" -name pst_tc_devices)" -j | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
}
before=$(devices)
ip link del admin
# shellcheck disable=SC2086
e2e_posternd $P --courtesy off
e2e_is "devices in the map" $((before - 1)) "$(devices)"
e2e_leave KILL

# Another version, in the eyes of the next daemon: the name of the directory is the schema.
# shellcheck disable=SC2086
e2e_posternd $P --courtesy off
e2e_run frontend python3 tests/e2e/conn.py $BACKEND 8080 "$(get /api/1)" read "touch:$E2E/old" "await:$E2E/new" \
	"$(get /api/2)" eof >"$E2E/open" &
client=$!
e2e_wait 20 test -e "$E2E/old" || e2e_fail "no first answer"
e2e_leave KILL
mv "$E2E_PINS"/v* "$E2E_PINS/v2-0123456789abcdef"
: >"$E2E/access.log"
(until [ -e "$E2E/new" ]; do e2e_http frontend --max-time 0.3 $U/admin; done >"$E2E/asked") &
asking=$!
sleep 1
# shellcheck disable=SC2086
e2e_posternd $P --courtesy off
sleep 1
touch "$E2E/new"
wait $asking $client
e2e_is "denied requests that arrived meanwhile, of $(wc -l <"$E2E/asked")" 0 "$(grep -c admin "$E2E/access.log")"
e2e_is "programs attached after the upgrade" 10 "$(attached)"
[ ! -e "$E2E_PINS/v2-0123456789abcdef" ] || e2e_fail "the old version's pins are left"
e2e_is "the connection of before" "200 hello from /api/1,reset," "$(tr '\n' ',' <"$E2E/open")"
[ "$(e2e_events '"reason":"unknown-flow"')" -ge 1 ] || e2e_fail "nothing ended as unknown" # so do repeated denied ones
e2e_is "a new connection" "200 hello from /api/3" "$(e2e_http frontend $U/api/3)"
e2e_stop
[ ! -e "$E2E_PINS" ] || e2e_fail "pins are left"

# A 403 of the kernel that its client has not read when everything is taken away; then the connection goes on.
# shellcheck disable=SC2086
e2e_posternd $P --courtesy on
e2e_run frontend python3 tests/e2e/conn.py $BACKEND 8080 "$(get /api/1)" read "$(get /admin)" "touch:$E2E/sent" \
	"await:$E2E/detached" read "$(get /api/2)" read "$(get /admin)" read "touch:$E2E/read" "await:$E2E/close" >"$E2E/open" &
client=$!
e2e_wait 20 test -e "$E2E/sent" || e2e_fail "no denied request"
e2e_wait 5 eval '[ "$(e2e_events "\"answer\":\"kernel\"")" = 1 ]' || e2e_fail "the kernel did not answer"
e2e_stop
e2e_is "programs attached after --detach" 0 "$(attached)"
grep -q 'may still have to read a 403' "$E2E/log" || e2e_fail "it does not say that a map is left"
touch "$E2E/detached"
e2e_wait 10 test -e "$E2E/read" || e2e_fail "the open connection is harmed: $(cat "$E2E/open")"
e2e_is "the open connection" "200 hello from /api/1,403 Access denied,200 hello from /api/2,200 hello from /admin," \
	"$(tr '\n' ',' <"$E2E/open")"
touch "$E2E/close"
wait $client
build/posternd --detach --pin-dir "$E2E_PINS" 2>>"$E2E/log" || e2e_fail "--detach ended with $?"
[ ! -e "$E2E_PINS" ] || e2e_fail "the map is left: $(find "$E2E_PINS")"
