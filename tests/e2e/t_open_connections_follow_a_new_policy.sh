#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A keep-alive connection that is open while the policy changes: its next request has the new verdict, in both
# directions of change, and the change itself is not felt. Then a policy that names the peer no more: it ends.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
GOOD=testdata/policies/good/backend-api.yaml
sed 's,/api/\.\*,/v2/.*,' $GOOD >"$E2E/v2.yaml"
sed 's/app: frontend/app: admin/' $GOOD >"$E2E/admin.yaml"
put() { cp "$1" "$E2E/new" && mv "$E2E/new" "$E2E/p.yaml"; }
in_force() { grep -q "generation $1 is in force" "$E2E/log"; }

# switch FILE GENERATION MARK: when the client has touched MARK, change to FILE, then touch MARK.done
switch() {
	e2e_wait 10 test -e "$E2E/$3" || e2e_fail "the client did not come to $3"
	put "$1"
	e2e_wait 10 in_force "$2" || e2e_fail "no generation $2"
	touch "$E2E/$3.done"
}
get() { printf 'send:GET %s HTTP/1.1\\r\\nHost: b\\r\\n\\r\\n' "$1"; }

for courtesy in off on; do
	rm -f "$E2E"/[12] "$E2E"/*.done
	put $GOOD
	e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy $courtesy
	steps=("$(get /api/1)" read "touch:$E2E/1" "await:$E2E/1.done" "$(get /v2/2)" read)
	want="200 hello from /api/1,200 hello from /v2/2,403 Access denied,"
	if [ $courtesy = on ]; then # the connection lives on, and learns of two more changes
		steps+=("$(get /api/3)" read "touch:$E2E/2" "await:$E2E/2.done" "$(get /api/4)" read)
		want+="200 hello from /api/4,"
	else
		steps+=("$(get /api/3)" read eof)
		want+="eof,"
	fi
	e2e_run frontend timeout 30 python3 tests/e2e/conn.py $BACKEND 8080 "${steps[@]}" >"$E2E/out" &
	client=$!
	switch "$E2E/v2.yaml" 2 1
	[ $courtesy = off ] || switch $GOOD 3 2
	wait $client
	e2e_is "courtesy $courtesy" "$want" "$(tr '\n' ',' <"$E2E/out")"
	e2e_stop
done

put $GOOD
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
rm -f "$E2E"/[12] "$E2E"/*.done
e2e_run frontend timeout 30 python3 tests/e2e/conn.py $BACKEND 8080 "$(get /api/5)" read \
	"touch:$E2E/1" "await:$E2E/1.done" "$(get /api/6)" read >"$E2E/out" &
client=$!
switch "$E2E/admin.yaml" 2 1
wait $client
e2e_is "the peer lost its rule" "200 hello from /api/5,reset," "$(tr '\n' ',' <"$E2E/out")"
e2e_is "by name" 1 "$(e2e_events '"reason":"policy-changed"')"
e2e_is "the request that followed arrived" 0 "$(grep -c /api/6 "$E2E/access.log")"
