#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 50 policy generations under load: not one allowed request fails, not one denied request is allowed. Then a hundred
# thousand requests without a reload.
. "$(dirname "$0")/lib.sh"
command -v wrk >/dev/null || { echo "wrk is missing: make deps"; exit 77; }
e2e_up
e2e_nginx
sed -i 's/access_log .*/access_log off;/' "$E2E/nginx.conf"
kill -HUP "$(cat "$E2E/nginx.pid")"
GOOD=testdata/policies/good/two-rules.yaml
cp $GOOD "$E2E/p.yaml"
sed 's,/admin/\.\*,/(admin|more)/.*,' $GOOD >"$E2E/more.yaml"
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off --events none

# SIGHUP alone publishes a generation: no file has changed.
kill -HUP "$E2E_DAEMON"
e2e_wait 5 grep -q 'generation 2 is in force' "$E2E/log" || e2e_fail "SIGHUP does not reload"

cat >"$E2E/denied.py" <<'P'
import http.client, os, sys
asked = wrong = 0
while not os.path.exists(sys.argv[2]):
    c = http.client.HTTPConnection(sys.argv[1], 8080, timeout=10)
    c.request("GET", "/admin/x")
    r = c.getresponse()
    asked += 1
    wrong += r.status != 403 or r.read() != b"Access denied\r\n"
    c.close()
print(asked, wrong)
P
e2e_run frontend wrk -t1 -c16 -d60s "http://$BACKEND:8080/api/x" >"$E2E/wrk" 2>&1 &
load=$!
e2e_run frontend timeout 90 python3 "$E2E/denied.py" $BACKEND "$E2E/over" >"$E2E/denied" &
denials=$!
for i in $(seq 3 52); do
	[ $((i % 2)) -eq 0 ] && next=$GOOD || next=$E2E/more.yaml
	cp "$next" "$E2E/new" && mv "$E2E/new" "$E2E/p.yaml"
	e2e_wait 10 grep -q "generation $i is in force" "$E2E/log" || e2e_fail "no generation $i"
done
touch "$E2E/over"
wait $denials
# wrk reports when it is interrupted.
pkill -INT -x wrk
wait $load
grep 'requests in' "$E2E/wrk"
e2e_is "allowed requests that failed" "" "$(grep -E 'Non-2xx|Socket errors' "$E2E/wrk")"
read -r asked wrong <"$E2E/denied"
e2e_is "denied requests that were not, of $asked" 0 "$wrong"
[ "$asked" -ge 100 ] || e2e_fail "only $asked denied requests"

total=0
for _ in $(seq 10); do
	e2e_run frontend wrk -t2 -c32 -d3s "http://$BACKEND:8080/api/x" >"$E2E/wrk" 2>&1
	e2e_is "unexpected answers" "" "$(grep -E 'Non-2xx|Socket errors' "$E2E/wrk")"
	total=$((total + $(awk '/requests in/ { print $1 }' "$E2E/wrk")))
	[ $total -lt 100000 ] || break
done
[ $total -ge 100000 ] || e2e_fail "only $total requests"
echo "$total requests"
e2e_stop
