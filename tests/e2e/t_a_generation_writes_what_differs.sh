#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A slot of the maps is taken over from the fourth-last generation: only what differs is written, and nothing of the old
# one is left. Three policies take turns, so that a slot's next owner is always another one.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
GOOD=testdata/policies/good/backend-api.yaml
for peer in frontend other admin; do
	sed "s/app: frontend/app: $peer/" $GOOD >"$E2E/$peer.yaml"
done
cp "$E2E/frontend.yaml" "$E2E/p.yaml"
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off --debug
in_force() { e2e_wait 5 grep -q "generation $1 is in force" "$E2E/log" || e2e_fail "no generation $1"; }
n=1
for peer in other admin frontend other admin frontend other admin frontend other; do
	n=$((n + 1))
	cp "$E2E/$peer.yaml" "$E2E/new" && mv "$E2E/new" "$E2E/p.yaml"
	in_force $n
	for who in frontend other admin; do
		want=none
		[ $who = $peer ] && want="200 hello from /api/x"
		got=$(e2e_http $who --max-time 0.5 "http://$BACKEND:8080/api/x")
		[ "$got" = "$want" ] || e2e_fail "generation $n, for $peer: $who gets '$got'"
	done
done
echo "ok: $n generations"
for _ in 1 2 3 4 5; do
	n=$((n + 1))
	kill -HUP "$E2E_DAEMON"
	in_force $n
done
e2e_is "after five that are the same" "0 addresses and 0 policy entries changed in the maps" \
	"$(grep 'changed in the maps' "$E2E/log" | tail -1 | sed 's/.*: //')"
e2e_stop
