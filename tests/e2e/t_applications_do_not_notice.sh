#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Allowed traffic of real clients and servers: bodies, response forms, dual-stack listeners, a proxy inside the pod,
# many connections; and what is no HTTP at all.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --policy testdata/http/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy off
U=http://$BACKEND:8080
code() { e2e_http frontend -o /dev/null "$@" | tr -d ' '; }

head -c 1000000 /dev/urandom >"$E2E/1M"
head -c 50000000 /dev/urandom >"$E2E/50M"
e2e_is "POST of a few bytes" 200 "$(code -d abc $U/api/x)"
e2e_is "POST of 1 MB" 200 "$(code --data-binary @"$E2E/1M" -H 'Expect:' $U/api/x)"
e2e_is "POST of 50 MB after 100-continue" 200 "$(code --max-time 20 --data-binary @"$E2E/50M" -H 'Expect: 100-continue' $U/api/x)"
e2e_is "a large response" 3000000 "$(e2e_run frontend curl -sS $U/api/large | wc -c)"
e2e_is "204, 304, HEAD, GET and a denial on one connection" 204,304,200,200,403, \
	"$(e2e_run frontend python3 - <<-'P' | tr '\n' ','
		import http.client
		c = http.client.HTTPConnection("10.77.0.4", 8080, timeout=5)
		c.connect()
		first = c.sock
		for m, p in (("GET", "/api/204"), ("GET", "/api/304"), ("HEAD", "/api/large"), ("GET", "/api/large"), ("GET", "/no")):
		    c.request(m, p)
		    r = c.getresponse()
		    r.read()
		    assert p == "/no" or c.sock is first
		    print(r.status)
	P
	)"

# A Python server on [::]: v4-mapped sockets, chunked answers, one until the end of the connection.
e2e_run backend pkill -F "$E2E/nginx.pid"
sleep 0.3
cat >"$E2E/server.py" <<-'P'
	import http.server, socket
	class H(http.server.BaseHTTPRequestHandler):
	    protocol_version = "HTTP/1.1"
	    def do_GET(self):
	        self.send_response(200)
	        if self.path == "/api/close":
	            self.send_header("Connection", "close")
	        else:
	            self.send_header("Transfer-Encoding", "chunked")
	        self.end_headers()
	        if self.path == "/api/close":
	            self.wfile.write(b"to the end")
	            self.close_connection = True
	            return
	        for part in (b"abc", b"d" * 5000, b"e"):
	            self.wfile.write(b"%x;ext=1\r\n%s\r\n" % (len(part), part))
	        self.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
	    def log_message(self, *a):
	        pass
	class S(http.server.ThreadingHTTPServer):
	    address_family = socket.AF_INET6
	    def server_bind(self):
	        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
	        super().server_bind()
	S(("::", 8080), H).serve_forever()
P
e2e_run backend python3 "$E2E/server.py" 2>"$E2E/server.err" &
listens() { ip netns exec backend ss -ltn | grep -q ':8080'; }
e2e_wait 5 listens || e2e_fail "the dual-stack server does not start: $(cat "$E2E/server.err")"
for to in "$BACKEND" "$BACKEND6"; do
	e2e_is "two chunked answers, then a denial, on one connection to $to" "5004,5004,15,1" \
		"$(e2e_run frontend curl -sS -w '%{size_download},' -o /dev/null -o /dev/null -o /dev/null "http://$to:8080/api/a" "http://$to:8080/api/b" "http://$to:8080/no")$(
			e2e_run frontend curl -sS -w '%{num_connects}\n' -o /dev/null -o /dev/null -o /dev/null "http://$to:8080/api/a" "http://$to:8080/api/b" "http://$to:8080/no" | awk '{ n += $1 } END { print n }')"
	e2e_is "an answer until the end" "200 to the end" "$(e2e_http frontend "http://$to:8080/api/close")"
done

# Loopback inside the pod is the pod's own business.
e2e_is "the backend asks itself" 200 "$(e2e_http backend -o /dev/null http://127.0.0.1:8080/anything | tr -d ' ')"

if command -v node >/dev/null; then
	e2e_is "Node with keep-alive" "200,200,403," "$(e2e_run frontend node -e '
		const http = require("http"), agent = new http.Agent({ keepAlive: true });
		const get = p => new Promise(ok => http.get({ host: "10.77.0.4", port: 8080, path: p, agent }, r => { r.resume(); r.on("end", () => ok(r.statusCode)); }));
		(async () => { for (const p of ["/api/a", "/api/b", "/no"]) console.log(await get(p)); process.exit(0); })();' | tr '\n' ',')"
else
	echo "no node: its test is left out"
fi

# No connection: ping and UDP towards an endpoint in default deny get nothing, its own questions are answered.
if command -v ping >/dev/null; then
	e2e_is "ping from the backend is answered" 0 "$(e2e_run backend ping -c1 -W2 10.77.0.2 >/dev/null; echo $?)"
else
	echo "no ping: its test is left out"
fi
cat >"$E2E/udp.py" <<-'P'
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind((sys.argv[1], 5353))
	while True:
	    data, peer = s.recvfrom(100)
	    s.sendto(data, peer)
P
cat >"$E2E/ask.py" <<-'P'
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(1)
	s.sendto(b"?", (sys.argv[1], 5353))
	try:
	    print(s.recv(10).decode())
	except OSError:
	    print("none")
P
e2e_run frontend python3 "$E2E/udp.py" 10.77.0.2 &
e2e_run backend python3 "$E2E/udp.py" 10.77.0.4 &
sleep 0.5
e2e_is "UDP from the backend, answered" "?" "$(e2e_run backend python3 "$E2E/ask.py" 10.77.0.2)"
e2e_is "UDP to the backend" none "$(e2e_run other python3 "$E2E/ask.py" 10.77.0.4)"
e2e_is "UDP between pods without policy" "?" "$(e2e_run other python3 "$E2E/ask.py" 10.77.0.2)"

# Below the enforced cgroup an address that nobody has named is denied.
ip -n other addr add 10.77.0.99/24 dev eth0
e2e_is "an unknown address" none "$(e2e_http other --interface 10.77.0.99 --max-time 1 http://10.77.0.2:8080/)"
[ "$(e2e_events unknown-endpoint)" -ge 1 ] || e2e_fail "unknown-endpoint is not reported"
