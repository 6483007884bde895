#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Of a directory of policies one is broken while the daemon runs: its last good version holds, what is said in the other
# files comes into force, postern status names it; a bad inventory changes nothing; the repaired file is taken.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
mkdir "$E2E/d" "$E2E/i"
rule() { # NAME PEER PATH
	cat <<-Y
	apiVersion: cilium.io/v2
	kind: CiliumNetworkPolicy
	metadata: {name: $1, namespace: default}
	spec:
	  endpointSelector: {matchLabels: {app: backend}}
	  ingress:
	  - fromEndpoints: [{matchLabels: {app: $2}}]
	    toPorts: [{ports: [{port: "8080", protocol: TCP}], rules: {http: [{path: "$3"}]}}]
	Y
}
put() { cat >"$E2E/new" && mv "$E2E/new" "$1"; }
rule one frontend '/one' | put "$E2E/d/1.yaml"
rule two other '/two' | put "$E2E/d/2.yaml"
cp testdata/inventory/demo.yaml "$E2E/i/pods.yaml"
e2e_posternd --policy "$E2E/d" --inventory "$E2E/i" --courtesy off --socket "$E2E/sock"
ask() { e2e_http "$1" "http://$BACKEND:8080$2"; }
answers() { [ "$(ask "$1" "$2")" = "$3" ]; }
soon() { e2e_wait 5 answers "$2" "$3" "$4" || e2e_fail "$1: not '$4' but '$(ask "$2" "$3")'"; }
e2e_is "before" "200 hello from /one" "$(ask frontend /one)"

rule one frontend '/new(' | put "$E2E/d/1.yaml"
rule two other '/second' | put "$E2E/d/2.yaml"
soon "its neighbour as it is now" other /second "200 hello from /second"
e2e_is "the last good version of the broken one" "200 hello from /one" "$(ask frontend /one)"
e2e_is "and not as it was" "403 Access denied" "$(ask other /two)"
grep -qE '1.yaml:[0-9]+:[0-9]+: error: ' "$E2E/log" || e2e_fail "the mistake has no place"
build/postern status --socket "$E2E/sock" >"$E2E/status" || true
grep -q 'default/one: .*its last good version stays in force' "$E2E/status" || {
	cat "$E2E/status"
	e2e_fail "postern status does not name it"
}

rule three nobody '/x' | sed 's/metadata:.*/metadata: {nam: three}/' | put "$E2E/d/3.yaml"
rule two other '/third' | put "$E2E/d/2.yaml"
soon "beside one without a name" other /third "200 hello from /third"

echo 'kind: Pod' | put "$E2E/i/more.yaml"
e2e_wait 5 grep -q 'more.yaml' "$E2E/log" || e2e_fail "the bad inventory is not reported"
rule two other '/fourth' | put "$E2E/d/2.yaml"
soon "with the last good inventory" other /fourth "200 hello from /fourth"

rm "$E2E/i/more.yaml" "$E2E/d/3.yaml"
rule one frontend '/repaired' | put "$E2E/d/1.yaml"
soon "repaired" frontend /repaired "200 hello from /repaired"
build/postern status --socket "$E2E/sock" | grep -q 'stays in force' && e2e_fail "a mistake that is gone still stands"
rm "$E2E/d/2.yaml"
soon "without its policy" other /fourth "none"
e2e_is "and the other one is there" "200 hello from /repaired" "$(ask frontend /repaired)"
