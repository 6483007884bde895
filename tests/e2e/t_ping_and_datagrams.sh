#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What has no connection is decided per packet: a UDP question to an endpoint in default deny is dropped unless a
# rule allows its port; answers to the endpoint's own questions pass.
# A ping of the endpoint is answered by its kernel itself, before any socket: that is decided at the host's side of the pod.
. "$(dirname "$0")/lib.sh"
e2e_up
sed 's/protocol: TCP/protocol: UDP/; s/"8080"/"5353"/; /rules:/,$d' testdata/policies/good/backend-api.yaml >"$E2E/udp.yaml"
cat >"$E2E/serve.py" <<'P'
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
print("up", flush=True)
while True:
    data, peer = s.recvfrom(100)
    s.sendto(data, peer)
P
# Asks from port 4000, says how many of COUNT questions were answered.
cat >"$E2E/ask.py" <<'P'
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 4000))
s.settimeout(0.5)
got = 0
for i in range(int(sys.argv[3])):
    s.sendto(b"%d" % i, (sys.argv[1], int(sys.argv[2])))
    try:
        got += s.recv(10) == b"%d" % i
    except OSError:
        pass
print(got)
P
serve() {
	e2e_run "$1" python3 "$E2E/serve.py" "$2" "$3" >"$E2E/up.$1.$2.$3" &
	e2e_wait 20 test -s "$E2E/up.$1.$2.$3" || e2e_fail "no server on $2"
}
ask() { e2e_run "$1" timeout 20 python3 "$E2E/ask.py" "$2" "$3" "$4"; }
e2e_posternd --policy "$E2E/udp.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
for at in 10.77.0.:4 fd77:::4; do
	net=${at%:4}
	serve backend "${net}4" 5353
	serve backend "${net}4" 5354
	serve frontend "${net}2" 53
	serve other "${net}3" 53
	e2e_is "${net}4: an allowed port, an allowed pod" 3 "$(ask frontend "${net}4" 5353 3)"
	e2e_is "${net}4: another port" 0 "$(ask frontend "${net}4" 5354 1)"
	e2e_is "${net}4: another pod" 0 "$(ask other "${net}4" 5353 1)"
	e2e_is "${net}4: its own questions are answered" 3 "$(ask backend "${net}3" 53 3)"
	e2e_is "${net}3: a pod without policy" 3 "$(ask frontend "${net}3" 53 3)"
done
[ "$(e2e_events '"reason":"no-rule-l4".*"protocol":"UDP"')" -ge 4 ] || e2e_fail "dropped datagrams are not reported"
if command -v ping >/dev/null; then
	pings() { e2e_run "$1" ping -c1 -W2 "$2" >/dev/null 2>&1; echo $?; }
	e2e_is "ping by the backend" 0 "$(pings backend 10.77.0.3)"
	e2e_is "the same over IPv6" 0 "$(pings backend fd77::3)"
	e2e_is "ping between pods without policy" 0 "$(pings other 10.77.0.2)"
	e2e_is "ping of the backend, which its kernel would answer" 1 "$(pings other $BACKEND)"
else
	echo "no ping: its tests are left out"
fi
