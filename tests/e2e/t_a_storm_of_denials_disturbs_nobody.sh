#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One pod is denied as fast as it can ask; the allowed traffic of another does not lose a request. Then 2,000 short
# connections, each allowed.
. "$(dirname "$0")/lib.sh"
command -v wrk >/dev/null || { echo "wrk is missing: make deps"; exit 77; }
e2e_up
e2e_nginx
cat >"$E2E/allowed.py" <<'P'
import http.client, sys, time
end, keep, n = time.time() + float(sys.argv[2]), sys.argv[3] == "keep", int(sys.argv[4])
c, good, asked = None, 0, 0
while asked < n and time.time() < end:
    c = c or http.client.HTTPConnection(sys.argv[1], 8080, timeout=10)
    sock = c.sock
    c.request("GET", "/api/n%d" % asked)
    asked += 1
    r = c.getresponse()
    body = r.read()
    if r.status == 200 and body == b"hello from /api/n%d\n" % (asked - 1):
        good += 1
    else:
        print("request", asked, "got", r.status, r.headers, body[:100], file=sys.stderr)
    assert not keep or sock in (None, c.sock), "the connection did not last"
    if not keep:
        c.close()
        c = None
print(asked, good)
P
for courtesy in off on; do
	e2e_posternd --policy testdata/policies/good/two-rules.yaml --inventory testdata/inventory/demo.yaml --courtesy $courtesy
	: >"$E2E/access.log"
	e2e_run admin wrk -t1 -c16 -d4s "http://$BACKEND:8080/api/storm" >"$E2E/wrk" 2>&1 &
	storm=$!
	raging() { [ "$(e2e_events '/api/storm')" -ge 10 ]; }
	e2e_wait 5 raging || e2e_fail "no storm: $(cat "$E2E/wrk")"
	read -r asked good < <(e2e_run frontend timeout 30 python3 "$E2E/allowed.py" $BACKEND 2 keep 1000000)
	e2e_is "courtesy $courtesy: allowed requests that passed, of $asked" "$asked" "$good"
	[ "$asked" -ge 100 ] || e2e_fail "only $asked allowed requests in 2 seconds"
	read -r asked good < <(e2e_run frontend timeout 30 python3 "$E2E/allowed.py" fd77::4 1 each 1000000)
	e2e_is "courtesy $courtesy: the same, a connection each, of $asked" "$asked" "$good"
	wait $storm
	grep -E 'requests in|Non-2xx|Socket' "$E2E/wrk"
	e2e_is "courtesy $courtesy: denied requests that arrived" 0 "$(grep -c /api/storm "$E2E/access.log")"
	# Enforcement ends with the daemon, and the storm's last requests, denied but not forgotten by its TCP, would be
	# repeated into the gap and be served: end these sockets, and count for the next daemon from its start.
	e2e_run admin ss -K dst "$BACKEND" >/dev/null
	e2e_stop
	: >"$E2E/events"
done

: >"$E2E/access.log"
e2e_posternd --policy testdata/policies/good/two-rules.yaml --inventory testdata/inventory/demo.yaml --courtesy off
e2e_is "2,000 connections" "2000 2000" "$(e2e_run frontend timeout 60 python3 "$E2E/allowed.py" $BACKEND 50 each 2000)"
all() { [ "$(wc -l <"$E2E/access.log")" -eq 2000 ]; }
e2e_wait 3 all || e2e_fail "nginx has seen $(wc -l <"$E2E/access.log") requests"
