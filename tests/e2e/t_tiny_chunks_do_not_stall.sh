#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Uploads in chunks of one byte: TCP drops more pieces of judged framing than are looked through for one packet, and gets
# them again; a receiver with a small buffer makes a sender wait. Both end, and bring every byte. Judged at both ends.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
sed 's/method: GET/method: GET|POST/' testdata/policies/good/backend-api.yaml >"$E2E/policy.yaml"
sed -i 's/- port: "8080"/&\n              endPort: 8090/' "$E2E/policy.yaml"
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off

cat >"$E2E/slow.py" <<'P'
"""serve PORT: takes one upload, slowly at first, and answers with its length; send ADDRESS PORT COUNT: an upload."""
import socket, sys, time
if sys.argv[1] == "serve":
    l = socket.socket()
    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    l.bind(("0.0.0.0", int(sys.argv[2])))
    l.listen()
    s, got, began = l.accept()[0], b"", time.time()
    while not got.endswith(b"\r\n0\r\n\r\n"):
        got += s.recv(500)
        if time.time() < began + 2:
            time.sleep(0.02)
    body = got.split(b"\r\n\r\n", 1)[1]
    right = body == b"1\r\nx\r\n" * (len(body) // 6) + b"0\r\n\r\n"
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n%06d" % (len(body) // 6 if right else -1))
else:
    s = socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(b"POST /api/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n")
    count = int(sys.argv[4])
    for i in range(0, count, 10):
        s.sendall(b"1\r\nx\r\n" * min(10, count - i))
    s.sendall(b"0\r\n\r\n")
    s.shutdown(socket.SHUT_WR)
    print(s.recv(100)[-6:].decode())
P
e2e_run backend python3 "$E2E/slow.py" serve 8090 &
listens() { ip netns exec backend ss -Hltn 'sport = :8090' | grep -q .; }
e2e_wait 5 listens || e2e_fail "the reader does not start"
e2e_is "8001 chunks to a slow reader" 008001 \
	"$(e2e_run frontend timeout 40 python3 "$E2E/slow.py" send $BACKEND 8090 8001 2>&1 | tail -n 1)"
wait $!

# The frontend's kernel gives its address away to a client with a TCP of its own.
ip -n frontend addr del 10.77.0.2/24 dev eth0
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
ip -n backend neigh replace 10.77.0.2 lladdr "$(mac frontend)" dev eth0 nud permanent
ip neigh replace 10.77.0.2 lladdr "$(mac frontend)" dev br0 nud permanent
e2e_is "10000 chunks of which TCP has dropped all once, and now has all" True "$(timeout 60 ip netns exec frontend \
	python3 tests/e2e/segments.py eth0 "$(mac backend)" 10.77.0.2 $BACKEND 8080 tiny_chunks_behind_wrong_sums 2>&1)"
