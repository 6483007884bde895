#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# While the daemon runs: a file that is half written, an inventory with an address twice, a directory that is away, a
# clock that jumps. Each is told where it is a mistake, and what is enforced stays. At the start:
# t_bad_starts_say_what_is_wrong.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
GOOD=testdata/policies/good/backend-api.yaml
mkdir "$E2E/policies"
cp $GOOD "$E2E/policies/p.yaml"
cp testdata/inventory/demo.yaml "$E2E/pods.yaml"
${CC:-cc} -shared -fPIC -D_GNU_SOURCE -o "$E2E/clock.so" tests/e2e/clock.c || e2e_fail "the clock does not compile"
echo 0 >"$E2E/clock"
export CLOCK_FILE=$E2E/clock
LD_PRELOAD=$E2E/clock.so e2e_posternd --policy "$E2E/policies" --inventory "$E2E/pods.yaml" --courtesy off --metrics 127.0.0.1:9970
ask() { e2e_http frontend "http://$BACKEND:8080$1"; }
in_force() { grep -q "generation $1 is in force" "$E2E/log"; }
# said PATTERN GENERATION: a mistake, and what stays.
said() {
	e2e_wait 20 grep -qE "$1" "$E2E/log" || e2e_fail "not told: $1"
	e2e_wait 20 grep -qE "generation $2 stays in force" "$E2E/log" || e2e_fail "generation $2 does not stay"
	e2e_is "allowed" "200 hello from /api/x" "$(ask /api/x)"
	e2e_is "denied" "403 Access denied" "$(ask /admin)"
	: >"$E2E/log"
}

# Half written: what is there so far is a policy that allows more, but whoever writes has not closed it.
sed 's,/api/,/v2/,' $GOOD >"$E2E/v2.yaml"
exec 7>"$E2E/policies/p.yaml"
head -c -7 "$E2E/v2.yaml" >&7
sleep 0.7
[ "$(tail -c 6 "$E2E/policies/p.yaml")" = "path: " ] || e2e_fail "the cut is elsewhere"
e2e_is "half a file is not read" "200 hello from /api/x 403 Access denied" "$(ask /api/x) $(ask /admin)"
tail -c 7 "$E2E/v2.yaml" >&7
exec 7>&-
e2e_wait 20 in_force 2 || e2e_fail "the whole file is not taken"
e2e_is "the whole file" "200 hello from /v2/x 403 Access denied" "$(ask /v2/x) $(ask /admin)"
cp $GOOD "$E2E/policies/p.yaml"
e2e_wait 20 in_force 3 || e2e_fail "the first one is not taken back"

# Nobody closes it: after a while it is read, and is a mistake.
exec 7>"$E2E/policies/p.yaml"
head -c 200 $GOOD >&7
said 'p.yaml:?.* error: ' 3
exec 7>&-
cp $GOOD "$E2E/policies/p.yaml"
healthy() { build/postern status | grep -q '^health *OK'; }
e2e_wait 20 healthy || e2e_fail "the whole file is not taken"
: >"$E2E/log"

# An address twice: who is who hangs together, so nothing of that inventory counts.
sed 's/10.77.0.3/10.77.0.2/' testdata/inventory/demo.yaml >"$E2E/new"
mv "$E2E/new" "$E2E/pods.yaml"
said 'pods.yaml:[0-9]+:[0-9]+: error: .*10.77.0.2' '[0-9]+'
cp testdata/inventory/demo.yaml "$E2E/new"
mv "$E2E/new" "$E2E/pods.yaml"
e2e_wait 20 healthy || e2e_fail "the good inventory is not taken"
: >"$E2E/log"

# The directory is away, and comes back.
mv "$E2E/policies" "$E2E/away"
e2e_wait 20 grep -q 'policies.*error: ' "$E2E/log" || e2e_fail "the missing directory is not told"
e2e_is "allowed without the directory" "200 hello from /api/x" "$(ask /api/x)"
e2e_is "denied without the directory" "403 Access denied" "$(ask /admin)"
mv "$E2E/away" "$E2E/policies"
e2e_wait 20 healthy || e2e_fail "the directory is not found again: $(build/postern status | head -3)"

# The clock jumps.
for off in 864000 -864000 -99999999; do
	echo $off >"$E2E/clock"
	e2e_is "allowed, $off s off" "200 hello from /api/x" "$(ask /api/x)"
	e2e_is "denied, $off s off" "403 Access denied" "$(ask /admin)"
	e2e_is "ready, $off s off" ok "$(curl -s http://127.0.0.1:9970/readyz)"
	healthy || e2e_fail "not healthy, $off s off"
done
e2e_wait 20 grep -q "\"time\":\"$(date -u -d "-99999999 seconds" +%Y-%m)" "$E2E/events" || e2e_fail "the clock did not jump for the daemon"
sed 's,/api/,/v4/,' $GOOD >"$E2E/new.yaml"
mv "$E2E/new.yaml" "$E2E/policies/p.yaml"
moved() { [ "$(ask /v4/x)" = "200 hello from /v4/x" ]; }
e2e_wait 20 moved || e2e_fail "a change is not taken when the clock is off"
e2e_stop
exit 0
