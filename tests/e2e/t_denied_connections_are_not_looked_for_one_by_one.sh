#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A connection that is denied for want of a listener makes the daemon look through the namespaces. Who arranges that there
# can be none, in a namespace without a loopback, and is denied thousands of times, makes it look now and then.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
{ e2e_rules out frontend egress backend && e2e_added X-Added by-policy 8080; } >"$E2E/policy.yaml"
e2e_start
cat >"$E2E/attack.py" <<'P'
import socket, time
server = socket.socket()
server.bind(("10.77.0.4", 8080))
server.listen(4096)
until = time.monotonic() + 4
while time.monotonic() < until:
    with socket.socket() as s:
        s.settimeout(0.05)
        s.bind(("10.77.0.2", 0))
        try:
            s.connect(("10.77.0.4", 8080))
            s.send(b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n")
        except OSError:
            pass
P
cat >"$E2E/attack.sh" <<S
ip link set lo up && sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && ip addr del 127.0.0.1/8 dev lo &&
	ip addr add 10.77.0.2/32 dev lo && ip addr add 10.77.0.4/32 dev lo && exec python3 "$E2E/attack.py"
S
e2e_run frontend unshare -n sh "$E2E/attack.sh" || e2e_fail "the attack ended with $?"
denied=$(e2e_events '"reason":"fallback-unavailable"')
looks=$(grep -c 'cannot listen for the proxy' "$E2E/log")
echo "# $denied denied, $looks looks"
[ "$denied" -ge 100 ] || e2e_fail "the connections are not denied by that name"
[ "$looks" -ge 1 ] && [ "$looks" -le 60 ] || e2e_fail "so many looks: $looks"
e2e_stop
