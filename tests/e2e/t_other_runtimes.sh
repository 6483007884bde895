#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Java, Go and Node as they come: a client of each asks twice on one connection and is denied, a dual-stack server of
# Node answers both families. What is not installed is left out, by name.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off --events all

# One connection served the allowed requests: their client ports are one.
one_port() { [ "$(grep "\"verdict\":\"allow\".*\"path\":\"/api/$1/" "$E2E/events" | grep -o '"client":"[^"]*"' | sort -u | wc -l)" -eq 1 ]; }

if command -v javac >/dev/null && command -v java >/dev/null; then
	cat >"$E2E/Ask.java" <<-'J'
		import java.net.*;
		import java.net.http.*;

		public class Ask {
			static int old(String base, String path) throws Exception {
				HttpURLConnection c = (HttpURLConnection) new URL(base + path).openConnection();
				int code = c.getResponseCode();
				(code < 400 ? c.getInputStream() : c.getErrorStream()).readAllBytes();
				return code;
			}

			static int ask(HttpClient client, String url) throws Exception {
				HttpRequest r = HttpRequest.newBuilder(URI.create(url)).build();
				return client.send(r, HttpResponse.BodyHandlers.ofString()).statusCode();
			}

			public static void main(String[] args) throws Exception {
				String base = args[0];
				for (String p : new String[] {"/api/java/1", "/api/java/2", "/admin", "/api/java2/1"})
					System.out.print(old(base, p) + ",");
				HttpClient c = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
				for (String p : new String[] {"/api/java3/1", "/api/java3/2", "/admin"})
					System.out.print(ask(c, base + p) + ",");
				// Left to itself it offers HTTP/2 in its first request.
				c = HttpClient.newHttpClient();
				for (String p : new String[] {"/api/java4/1", "/api/java4/2", "/admin"})
					System.out.print(ask(c, base + p) + ",");
				System.out.println(ask(HttpClient.newHttpClient(), args[1] + "/api/java6"));
			}
		}
	J
	javac -nowarn -d "$E2E" "$E2E/Ask.java" 2>"$E2E/javac" || e2e_fail "javac: $(cat "$E2E/javac")"
	e2e_is "Java" "200,200,403,200,200,200,403,200,200,403,200" \
		"$(e2e_run frontend timeout 30 java -cp "$E2E" Ask "http://$BACKEND:8080" "http://$BACKEND6:8080" 2>&1)"
	one_port java || e2e_fail "Java does not keep its connection"
	one_port java3 || e2e_fail "Java's new client does not keep its connection"
	one_port java4 || e2e_fail "Java's client that offers HTTP/2 does not keep its connection"
	pgrep -x postern-proxy >/dev/null && e2e_fail "a proxy for an offer that nobody has taken"
else
	echo "no Java: its test is left out"
fi

if command -v go >/dev/null; then
	mkdir "$E2E/go"
	cat >"$E2E/go/ask.go" <<-'G'
		package main

		import (
			"fmt"
			"io"
			"net/http"
			"os"
		)

		func main() {
			for _, path := range []string{"/api/go/1", "/api/go/2", "/admin", "/api/go2/1"} {
				r, err := http.Get(os.Args[1] + path)
				if err != nil {
					fmt.Println(err)
					return
				}
				io.ReadAll(r.Body)
				r.Body.Close()
				fmt.Print(r.StatusCode, ",")
			}
		}
	G
	GOCACHE=$E2E/gocache GO111MODULE=off go build -o "$E2E/ask" "$E2E/go/ask.go" || e2e_fail "go build"
	e2e_is "Go" "200,200,403,200," "$(e2e_run frontend timeout 30 "$E2E/ask" "http://$BACKEND:8080" 2>&1)"
	one_port go || e2e_fail "Go does not keep its connection"
else
	echo "no Go: its test is left out"
fi

if command -v node >/dev/null; then
	e2e_run backend nginx -c "$E2E/nginx.conf" -s stop
	listens() { ip netns exec backend ss -ltn | grep -q ':8080'; }
	e2e_wait 5 eval '! listens' || e2e_fail "nginx does not end"
	e2e_run backend node -e '
		require("http").createServer((q, s) => { console.log(q.url, q.socket.remoteAddress); s.end("node"); }).listen(8080, "::");
	' >"$E2E/node" 2>&1 &
	e2e_wait 10 listens || e2e_fail "Node does not listen: $(cat "$E2E/node")"
	for to in "$BACKEND" "$BACKEND6"; do
		e2e_is "Node's dual-stack server" "200 node" "$(e2e_http frontend "http://$to:8080/api/node")"
		e2e_is "and a denied request" "403 Access denied" "$(e2e_http frontend "http://$to:8080/admin")"
	done
	e2e_is "what Node has seen" "/api/node ::ffff:10.77.0.2,/api/node fd77::2," "$(tr '\n' ',' <"$E2E/node")"
else
	echo "no Node: its test is left out"
fi
