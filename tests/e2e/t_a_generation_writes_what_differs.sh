#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A slot of the maps is taken over from the fourth-last generation: only what differs is written, and nothing of the old
# one is left. Three policies take turns, so that a slot's next owner is always another one; then some of them are in
# force at once, by chance.
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
# may PEERS: these are served, the others are not.
may() {
	local who want got
	for who in frontend other admin; do
		want=none
		[[ " $1 " == *" $who "* ]] && want="200 hello from /api/x"
		got=$(e2e_http $who --max-time 0.5 "http://$BACKEND:8080/api/x")
		[ "$got" = "$want" ] || e2e_fail "generation $n, for $1: $who gets '$got'"
	done
}
n=1
for peer in other admin frontend other admin frontend other admin frontend other; do
	n=$((n + 1))
	cp "$E2E/$peer.yaml" "$E2E/new" && mv "$E2E/new" "$E2E/p.yaml"
	in_force $n
	may "$peer"
done
RANDOM=${SEED:=$(od -An -N2 -tu2 /dev/urandom | tr -d " ")}
echo "SEED=$SEED"
last=
for _ in 1 2 3 4 5 6 7 8; do
	while :; do
		peers=
		for peer in frontend other admin; do
			[ $((RANDOM % 2)) = 0 ] || peers+=" $peer"
		done
		[ -z "$peers" ] || [ "$peers" = "$last" ] || break
	done
	n=$((n + 1))
	last=$peers
	for peer in $peers; do
		echo ---
		sed "s/name: backend-api/name: $peer/" "$E2E/$peer.yaml"
	done >"$E2E/new"
	mv "$E2E/new" "$E2E/p.yaml"
	in_force $n
	may "$peers"
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
