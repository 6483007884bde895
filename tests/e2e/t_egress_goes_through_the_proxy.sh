#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Egress rules that change headers: the client's connections to that port, and only these, go to the userspace proxy in
# its own namespace. Both applications are told the addresses that each other has.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
e2e_names backend 8080 8081
e2e_names frontend 8080
{ e2e_rules out frontend egress backend && e2e_added X-Added by-policy 8080 && e2e_judged 8081; } >"$E2E/policy.yaml"
curl_ask() { e2e_http frontend "$@" | awk '{ print $1, $NF }'; }

V4="10.77.0.2:P > 10.77.0.4:8080 200 10.77.0.2:P > 10.77.0.4:8080 10.77.0.2:P by-policy"
V6="[fd77::2]:P > [fd77::4]:8080 200 [fd77::2]:P > [fd77::4]:8080 [fd77::2]:P by-policy"
start() {
	echo "# ${E2E_BINARY##*/}"
	: >"$E2E/events"
	e2e_start
	e2e_is "a header is added; both ends know each other, IPv4" "$V4" "$(e2e_ask frontend 10.77.0.4 8080 /api/x)"
	e2e_is "the same, IPv6" "$V6" "$(e2e_ask frontend fd77::4 8080 /api/x)"
	e2e_is "what no rule allows" "403 denied" "$(curl_ask "http://$BACKEND:8080/admin")"
	e2e_is "the same, IPv6" "403 denied" "$(curl_ask "http://$BACKEND6:8080/admin")"
	e2e_is "denials, by name and direction" 2 "$(e2e_events '"direction":"egress","verdict":"deny","reason":"no-rule-l7"')"
}

E2E_BINARY=build/posternd
start
e2e_is "IPv4 from an IPv6 socket" "$V4" "$(e2e_ask frontend ::ffff:10.77.0.4 8080 /api/x)"
e2e_is "from a socket that is bound" "$V4" "$(e2e_ask frontend 10.77.0.4 8080 /api/x 10.77.0.2)"
e2e_is "from one of IPv6" "$V6" "$(e2e_ask frontend fd77::4 8080 /api/x fd77::2)"
e2e_is "the kernel judges the port beside it" \
	"10.77.0.2:P > 10.77.0.4:8081 200 10.77.0.2:P > 10.77.0.4:8081 10.77.0.2:P -" "$(e2e_ask frontend 10.77.0.4 8081 /api/x)"
e2e_is "a pod without a policy" \
	"10.77.0.3:P > 10.77.0.4:8080 200 10.77.0.3:P > 10.77.0.4:8080 10.77.0.3:P -" "$(e2e_ask other 10.77.0.4 8080 /admin)"
e2e_is "the pod itself" \
	"10.77.0.2:P > 10.77.0.2:8080 200 10.77.0.2:P > 10.77.0.2:8080 10.77.0.2:P -" "$(e2e_ask frontend 10.77.0.2 8080 /admin)"
e2e_is "its loopback" \
	"127.0.0.1:P > 127.0.0.1:8080 200 127.0.0.1:P > 127.0.0.1:8080 127.0.0.1:P -" "$(e2e_ask frontend 127.0.0.1 8080 /admin)"
e2e_is "its loopback, from its own address" \
	"10.77.0.2:P > 127.0.0.1:8080 200 10.77.0.2:P > 127.0.0.1:8080 10.77.0.2:P -" "$(e2e_ask frontend 127.0.0.1 8080 /admin 10.77.0.2)"
LISTENER=$(ip netns exec frontend ss -Hltn src 127.0.0.1 | awk '{ sub(/.*:/, "", $4); print $4; exit }')
[ -n "$LISTENER" ] || e2e_fail "there is no listener in the pod"
e2e_is "the listener itself has no server behind it" none "$(e2e_http frontend "http://127.0.0.1:$LISTENER/api/x")"
e2e_is "a port where nobody listens" none "$(e2e_http frontend "http://$BACKEND:8083/api/x" --max-time 1)"

# 5: clients send data with their SYN, and do not wait for a cookie.
ip netns exec frontend sysctl -qw net.ipv4.tcp_fastopen=5
e2e_run frontend timeout 60 python3 tests/e2e/outward.py >"$E2E/outward" 2>&1 || e2e_fail "outward.py: $(cat "$E2E/outward")"
while IFS='|' read -r what want got; do
	e2e_is "$what" "$want" "$got"
done <"$E2E/outward"
if command -v go >/dev/null; then
	mkdir "$E2E/go"
	cat >"$E2E/go/ask.go" <<-'G'
		package main

		import (
			"bufio"
			"fmt"
			"net"
			"os"
		)

		func main() {
			c, err := net.Dial("tcp", os.Args[1])
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Fprintf(c, "GET /api/go HTTP/1.1\r\nHost: a\r\n\r\n")
			line, _ := bufio.NewReader(c).ReadString('\n')
			fmt.Print(c.RemoteAddr(), " ", line)
		}
	G
	GOCACHE=$E2E/gocache GO111MODULE=off go build -o "$E2E/ask" "$E2E/go/ask.go" || e2e_fail "go build"
	e2e_is "Go" "10.77.0.4:8080 HTTP/1.1 200 OK" "$(e2e_run frontend timeout 30 "$E2E/ask" "$BACKEND:8080" 2>&1 | tr -d '\r')"
	e2e_is "Go, IPv6" "[fd77::4]:8080 HTTP/1.1 200 OK" "$(e2e_run frontend timeout 30 "$E2E/ask" "$BACKEND6:8080" 2>&1 | tr -d '\r')"
else
	echo "no Go: its test is left out"
fi
e2e_stop

E2E_BINARY=$(e2e_within)
start
e2e_stop
