#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Slow writers and readers, either end's half closed before the other's, and many connections that stay open, each of
# which asks again when all are there; by the server's rules, and by the client's beside the courtesy.
#
#	E2E_CONNECTIONS=n	open at once (default 1500; 10000 by hand)
. "$(dirname "$0")/lib.sh"
count=${E2E_CONNECTIONS:-1500}
ulimit -n $((count + 1000)) || e2e_fail "cannot open $count files"
e2e_up
e2e_nginx
sed -i "s/worker_connections 4096/worker_connections $((2 * count))/" "$E2E/nginx.conf"
e2e_run backend nginx -c "$E2E/nginx.conf" -s stop
e2e_wait 5 eval "! [ -e '$E2E/nginx.pid' ]" || e2e_fail "nginx does not end"
e2e_run backend nginx -c "$E2E/nginx.conf" || e2e_fail "nginx does not start"
e2e_run backend python3 tests/e2e/patient.py serve 8085 >>"$E2E/served" &
listens() { ip netns exec backend ss -Hltn 'sport = :8085' | grep -q .; }
e2e_wait 20 listens || e2e_fail "the server does not start"
sed 's/port: "8080"/port: "8080"\n              endPort: 8085/; s/method: GET/method: GET|POST/' \
	testdata/policies/good/backend-api.yaml >"$E2E/backend.yaml"
sed 's/port: "8080"/port: "8080"\n              endPort: 8085/' testdata/policies/good/frontend-egress.yaml >"$E2E/frontend.yaml"
ask() { e2e_run frontend timeout 100 python3 tests/e2e/patient.py "$@" 2>&1 | tail -n 1; }
for how in 'backend off' 'frontend on'; do
	: >"$E2E/served"
	e2e_posternd --policy "$E2E/${how% *}.yaml" --inventory testdata/inventory/demo.yaml --courtesy "${how#* }"
	e2e_is "$how: slow" "200000 3000000" "$(ask slow $BACKEND 8085)"
	e2e_is "$how: the client's half is closed" "3000000 end" "$(ask half $BACKEND 8085)"
	e2e_is "$how: the server's half is closed" "half end" "$(ask server-half $BACKEND 8085)"
	e2e_wait 10 grep -q . "$E2E/served" || e2e_fail "what came behind the server's end was not read"
	e2e_is "$how: what came behind it" "behind its own end 1000000" "$(cat "$E2E/served")"
	e2e_is "$how: connections at once" "$((2 * count)) $count" "$(ask many $BACKEND 8080 "$count")"
	e2e_is "$how: what was denied" 0 "$(e2e_events '"verdict":"deny"')"
	e2e_stop
done
