#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What postern compile has made is enforced as it is: another bundle comes into force, a broken one changes nothing, and
# none is started with.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
GOOD=testdata/policies/good/backend-api.yaml
compile() { build/postern compile "$1" --inventory testdata/inventory/demo.yaml -o "$2" >/dev/null || e2e_fail "no bundle"; }
compile $GOOD "$E2E/b.bundle"
sed 's,/api/,/v2/,' $GOOD >"$E2E/v2.yaml"
compile "$E2E/v2.yaml" "$E2E/v2.bundle"
e2e_posternd --bundle "$E2E/b.bundle" --courtesy off
ask() { e2e_http frontend "http://$BACKEND:8080$1"; }
e2e_is "a path that the bundle allows" "200 hello from /api/x" "$(ask /api/x)"
e2e_is "one that it does not" "403 Access denied" "$(ask /v2/x)"
e2e_is "another pod" none "$(e2e_http other --max-time 0.5 "http://$BACKEND:8080/api/x")"

cp "$E2E/v2.bundle" "$E2E/new" && mv "$E2E/new" "$E2E/b.bundle"
e2e_wait 5 grep -q 'generation 2 is in force' "$E2E/log" || e2e_fail "the next bundle is not taken"
e2e_is "by the next bundle" "200 hello from /v2/x" "$(ask /v2/x)"

head -c 1000 "$E2E/v2.bundle" >"$E2E/new" && mv "$E2E/new" "$E2E/b.bundle"
e2e_wait 5 grep -q 'generation 2 stays in force' "$E2E/log" || e2e_fail "the broken bundle is not reported"
grep -q 'b.bundle.*bundle-invalid' "$E2E/log" || e2e_fail "nobody says what is wrong with it"
e2e_is "with a broken bundle" "200 hello from /v2/x" "$(ask /v2/x)"

build/posternd --bundle "$E2E/b.bundle" --cgroup "$E2E_CGROUP" --no-pins >"$E2E/start" 2>&1
e2e_is "exit status of a start with it" 1 $?
build/posternd --bundle "$E2E/v2.bundle" --cgroup "$E2E_CGROUP" --policy $GOOD >"$E2E/start" 2>&1
e2e_is "exit status with a policy besides" 2 $?
e2e_stop
