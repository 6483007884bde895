#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an ordinary pod's kernel sends without a socket, or with another one than the stream's, is nobody's stray: SYN
# cookies, the last acknowledgement, resets, sockets of IPv6 that speak IPv4, ping sockets, a datagram whose socket is closed
# before its neighbour is found, what is said of groups. A pod that may begin nothing still serves. A handshake answered from
# a listener's port goes to who may connect, and to nobody else.
. "$(dirname "$0")/lib.sh"
e2e_up
mkdir "$E2E/p"
cat >"$E2E/p/p.yaml" <<'Y'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: frontend, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: frontend } }
  ingress:
    - fromEndpoints: [{ matchLabels: { app: backend } }]
  egress:
    - toEndpoints: [{ matchLabels: { app: admin } }]
Y
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
dropped() {
	build/postern status --format json | python3 -c "
import json, sys
print(sum(d['egress'] for d in json.load(sys.stdin)['drops']))"
}
cat >"$E2E/serve.py" <<'P'
import socket, threading
def serve(family, port):
    l = socket.socket(family, socket.SOCK_STREAM)
    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        l.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, port == 8080)
    l.bind(("", port))
    l.listen(64)
    while True:
        c = l.accept()[0]
        c.recv(100)
        c.sendall(b"served")
        c.close()  # first: TIME_WAIT is here
for a in ((socket.AF_INET, 8080), (socket.AF_INET6, 8080), (socket.AF_INET6, 8081)):
    threading.Thread(target=serve, args=a).start()
print("ready", flush=True)
P
cat >"$E2E/ask.py" <<'P'
import socket, sys
for at in sys.argv[1:]:
    host, port = at.rsplit(",", 1)
    try:
        s = socket.create_connection((host, int(port)), 3)
        s.sendall(b"x")
        print(s.recv(100).decode(), end=" ")
        s.close()
    except OSError as e:
        print(type(e).__name__, end=" ")
P
cat >"$E2E/sends.py" <<'P'
import socket, struct, sys
def ping(family, protocol, kind, to):
    s = socket.socket(family, socket.SOCK_DGRAM, protocol)
    s.settimeout(3)
    s.sendto(struct.pack(">BBHHH", kind, 0, 0, 0, 1) + b"ping", (to, 0))
    return len(s.recv(100)) > 8
def mapped(to):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.settimeout(3)
    s.sendto(b"mapped", ("::ffff:" + to, 4711))
    return s.recv(100) == b"mapped"
print(ping(socket.AF_INET, 1, 8, "10.77.0.5"), ping(socket.AF_INET6, 58, 128, "fd77::5"), mapped("10.77.0.5"))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.1.2.3") + socket.inet_aton("10.77.0.2"))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff0e::1234") + struct.pack("I", socket.if_nametoindex("eth0")))
P
ip netns exec frontend sysctl -qw net.ipv4.ping_group_range="0 0"
e2e_run frontend python3 "$E2E/serve.py" >"$E2E/served" &
e2e_wait 10 grep -q ready "$E2E/served" || e2e_fail "nobody serves"
e2e_run admin python3 -c 'if True:
	import socket
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("", 4711))
	while True:
		data, to = s.recvfrom(100)
		print(data.decode(), flush=True)
		s.sendto(data, to)' >"$E2E/datagrams" &
asks() { e2e_run backend python3 "$E2E/ask.py" "$@"; }
ALL="10.77.0.2,8080 fd77::2,8080 10.77.0.2,8081 fd77::2,8081"
e2e_posternd --policy "$E2E/p" --inventory testdata/inventory/demo.yaml --courtesy off
for cookies in 1 2; do
	ip netns exec frontend sysctl -qw net.ipv4.tcp_syncookies=$cookies
	# shellcheck disable=SC2086 # a list of words
	e2e_is "served, cookies $cookies" "served served served served " "$(asks $ALL)"
done
sent=$(ip netns exec frontend nstat -asz TcpExtSyncookiesSent | awk '/Sync/ { print $2 }')
[ "$sent" -ge 4 ] || e2e_fail "no cookies were sent: $sent"
e2e_is "a closed port" "ConnectionRefusedError ConnectionRefusedError " "$(asks 10.77.0.2,9 fd77::2,9)"
sleep 1
e2e_is "all connections end" 0 "$(ip netns exec backend ss -tnH state last-ack state closing | wc -l)"
e2e_is "ping sockets, mapped ones" "True True True" "$(e2e_run frontend python3 "$E2E/sends.py")"
for i in 1 2 3 4 5; do
	ip -n frontend neigh flush all
	e2e_run frontend python3 -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'closed$i', ('10.77.0.5', 4711))"
done
e2e_wait 5 grep -q closed5 "$E2E/datagrams" || true
e2e_is "datagrams of closed sockets" 5 "$(grep -c closed "$E2E/datagrams")"
e2e_is "a session of groups" 0 "$(sleep 1; dropped)"

# A handshake is answered from 4711, where something listens, to who has not asked.
e2e_run frontend python3 -c 'import socket, time; l = socket.create_server(("::", 4711), family=socket.AF_INET6, dualstack_ipv6=True); print("ready", flush=True); time.sleep(1000)' >"$E2E/listens" &
e2e_wait 10 grep -q ready "$E2E/listens" || e2e_fail "nobody listens"
answers() { # POD LAST
	local hears kinds
	rm -f "$E2E/heard"
	ip netns exec "$1" python3 tests/e2e/spoofed.py hear eth0 "10.77.0.$2" "fd77::$2" >"$E2E/heard" &
	hears=$!
	e2e_wait 10 grep -q ready "$E2E/heard" || e2e_fail "nobody hears"
	ip netns exec frontend python3 tests/e2e/spoofed.py send eth0 "$(mac "$1")" "10.77.0.2,10.77.0.$2,both" "fd77::2,fd77::$2,both" "10.77.0.2,10.77.0.$2,end" "192.0.2.77,10.77.0.$2,claim"
	e2e_wait 5 grep -qx "192.0.2.77 claim" "$E2E/heard" || e2e_fail "nothing comes"
	kill $hears
	wait $hears 2>/dev/null
	kinds=$(grep -v -e ready -e claim "$E2E/heard" | sort | tr '\n' ' ')
	echo "$kinds"
}
e2e_is "an answer to who may connect" "10.77.0.2 both 10.77.0.2 end fd77::2 both " "$(answers backend 4)"
e2e_is "to who may not" "" "$(answers other 3)"
