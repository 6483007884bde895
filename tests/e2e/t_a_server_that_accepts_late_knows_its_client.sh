#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A client asks through the userspace proxy and resets the connection before the application has accepted it. What the
# application then reads is the client's, and accept() says so: not the address of its own pod, which is the proxy's.
. "$(dirname "$0")/lib.sh"
e2e_up
awk '{ print } /name: backend/ { print "  annotations: {postern.io/mode: proxy}" }' testdata/inventory/demo.yaml >"$E2E/pods.yaml"
e2e_posternd --policy testdata/http/policy.yaml --inventory "$E2E/pods.yaml" --courtesy off
# serve: accepts when it is told to.
e2e_run backend python3 - "$E2E/accept" >"$E2E/seen" <<-'P' &
	import os, socket, sys, time
	listener = socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True)
	print("listening", flush=True)
	for _ in range(4):
	    while not os.path.exists(sys.argv[1]):
	        time.sleep(0.02)
	    os.unlink(sys.argv[1])
	    sock, peer = listener.accept()
	    sock.settimeout(5)
	    try:
	        data = sock.recv(65536)
	    except OSError as e:
	        data = repr(e).encode()
	    print(peer[0].removeprefix("::ffff:"), data.split(b"\r\n")[0].decode(), flush=True)
P
e2e_wait 10 grep -q listening "$E2E/seen" || e2e_fail "the server does not start"
# ask ADDRESS reset|stay: a whole request, of which the server knows before it accepts.
ask() {
	e2e_run frontend timeout 20 python3 - "$1" "$2" "$E2E/accept" "$E2E/seen" <<-'P'
		import socket, struct, sys, time
		address, how, accept, seen = sys.argv[1:]
		lines = len(open(seen).readlines())
		sock = socket.create_connection((address, 8080))
		sock.sendall(b"POST /api/%s HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nok" % how.encode())
		time.sleep(1)
		if how == "reset":
		    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		    sock.close()
		    time.sleep(1)
		open(accept, "w").close()
		while len(open(seen).readlines()) == lines:
		    time.sleep(0.02)
		print(open(seen).readlines()[-1].strip())
	P
}
e2e_is "accepted while it is there" "10.77.0.2 POST /api/stay HTTP/1.1" "$(ask "$BACKEND" stay)"
e2e_is "accepted behind its end" "10.77.0.2 POST /api/reset HTTP/1.1" "$(ask "$BACKEND" reset)"
e2e_is "the same, IPv6" "fd77::2 POST /api/stay HTTP/1.1" "$(ask fd77::4 stay)"
e2e_is "and behind its end" "fd77::2 POST /api/reset HTTP/1.1" "$(ask fd77::4 reset)"
