#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 100 denied requests, each on a connection of its own: every client reads the whole 403, on both families,
# answered by the daemon and, with courtesy, by the kernel.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
cat >"$E2E/denied.py" <<'P'
import http.client, sys
whole = 0
for i in range(100):
    c = http.client.HTTPConnection(sys.argv[1], 8080, timeout=5)
    c.request("GET", "/admin/%d" % i)
    r = c.getresponse()
    whole += r.status == 403 and r.read() == b"Access denied\r\n"
    c.close()
print(whole)
P
for courtesy in off on; do
	e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy $courtesy
	for to in 10.77.0.4 fd77::4; do
		e2e_is "whole answers from $to, courtesy $courtesy" 100 "$(e2e_run frontend python3 "$E2E/denied.py" $to)"
	done
	e2e_stop
done
e2e_is "answered by the daemon" 200 "$(e2e_events '"answer":"daemon"')"
e2e_is "answered by the kernel" 200 "$(e2e_events '"answer":"kernel"')"
e2e_is "nginx has seen" 0 "$(wc -l <"$E2E/access.log")"
