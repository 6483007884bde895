#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --export with filters and rotation on real traffic; a full disk loses flows, counts them, says so once, and changes
# nothing in what is enforced; when there is room again the file tells what is missing. Wrong options do not start.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
cp testdata/policies/good/backend-api.yaml "$E2E/p.yaml"
INV=testdata/inventory/demo.yaml
mkdir "$E2E/disk"
mount -t tmpfs -o size=192k tmpfs "$E2E/disk" || e2e_fail "cannot mount a tmpfs"
FILE=$E2E/disk/flows
e2e_posternd --policy "$E2E/p.yaml" --inventory $INV --courtesy off --events all --export "$FILE" --export-files 2 \
	--export-allow '--verdict DROPPED' --export-allow 'http-status=5+' --export-deny 'from-pod=other'
status() { build/postern status --format json | python3 -c "import json,sys; s=json.load(sys.stdin)['export']; print($1)"; }
lines() { [ "$(grep -c '"flow"' "$FILE")" = "$1" ]; }

e2e_is "allowed" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
e2e_is "denied" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
e2e_is "a stranger" none "$(e2e_http other --max-time 1 "http://$BACKEND:8080/api/x")"
e2e_wait 5 lines 1 || e2e_fail "exported: $(cat "$FILE")"
e2e_is "the denied one alone" "default/frontend:DROPPED" "$(build/postern observe --input-file "$FILE" -o json |
	python3 -c 'import json,sys; f=json.load(sys.stdin)["flow"]; print(f["source"]["namespace"]+"/"+f["source"]["pod_name"]+":"+f["verdict"])')"
e2e_is "nobody else may read it" 640 "$(stat -c %a "$FILE")"
e2e_is "status" 1 "$(build/postern status | grep -c "^export       $FILE: 1 flows written, 0 lost")"

# The disk is full.
dd if=/dev/zero of="$E2E/disk/filler" bs=1k count=500 2>/dev/null
before=$(cat "$FILE")
for i in $(seq 12); do
	e2e_is "denied on a full disk" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin/$i")" >/dev/null
done
lost() { [ "$(status "s['lost']")" -ge 8 ]; }
e2e_wait 5 lost || e2e_fail "nothing is lost: $(build/postern status)"
e2e_is "said once" 1 "$(grep -c 'cannot export flows' "$E2E/log")"
grep -q 'No space left on device' "$E2E/log" || e2e_fail "it is not said why"
e2e_is "allowed on a full disk" "200 hello from /api/x" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
e2e_is "no torn line" "" "$(tail -c 1 "$FILE" | tr -d '\n')"
case $(cat "$FILE") in "$before"*) ;; *) e2e_fail "what was written has changed" ;; esac
rm "$E2E/disk/filler"
e2e_is "denied" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin/last")"
told() { grep -q 'lost_events' "$FILE" && grep -q '/admin/last' "$FILE"; }
e2e_wait 5 told || e2e_fail "the loss is not told: $(cat "$FILE")"
e2e_is "as many as are missing" "$(status "s['lost']")" "$(grep -o '"num_events_lost":"[0-9]*' "$FILE" | grep -o '[0-9]*$' | awk '{ n += $1 } END { print n }')"
e2e_is "written and lost are all" 14 "$(status "s['written'] + s['lost']")"
e2e_is "and it is said" 1 "$(grep -c 'are exported to .* again' "$E2E/log")"

refuse() { # refuse STATUS PATTERN ARG...
	local status=$1 pattern=$2
	shift 2
	build/posternd --policy "$E2E/p.yaml" --inventory $INV --cgroup "$E2E_CGROUP" --no-pins --socket none "$@" 2>"$E2E/second"
	e2e_is "$*" "$status" $?
	grep -qE -- "$pattern" "$E2E/second" || e2e_fail "$*: $(cat "$E2E/second")"
}
refuse 3 'cannot export flows to /nonexistent/flows: No such file' --export /nonexistent/flows
refuse 3 'it is no regular file' --export /dev/null
refuse 2 "--export-allow 'verdict=MAYBE': expected" --export "$E2E/x" --export-allow verdict=MAYBE
refuse 2 'expected a number, 1 to' --export "$E2E/x" --export-size 0
refuse 2 "--export-deny 'colour=red': colour is no filter" --export "$E2E/x" --export-deny colour=red
refuse 2 'expected a path of at most 4091 bytes' --export "/$(printf '%4091s' '' | tr ' ' x)"
refuse 2 'want --export FILE' --export-allow verdict=DROPPED
e2e_is "the first one goes on" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
exit 0
