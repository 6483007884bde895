#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Large bodies up and down, with a length and in chunks, compared by checksum: curl, Go and Java as clients; Go, Java,
# nginx, and HAProxy with splice before nginx as servers. What is not installed is left out, by name.
#
#	E2E_BULK_MB=n	size of a body (default 24; 1024 by hand, with E2E_TIMEOUT=1200)
. "$(dirname "$0")/lib.sh"
e2e_up
file=$E2E/www/api/file
e2e_nginx
head -c "$((${E2E_BULK_MB:-24} * 1048576))" /dev/urandom >"$file"
chmod -R a+rwX "$E2E/www"
want=$(sha256sum <"$file" | cut -d ' ' -f 1)
sed -i "s,location /api/large,location /api/file { root $E2E/www; } location /api/put { root $E2E/www; dav_methods PUT; client_max_body_size 0; } &," "$E2E/nginx.conf"
e2e_run backend nginx -c "$E2E/nginx.conf" -s reload || e2e_fail "nginx does not take its configuration"
sed 's/port: "8080"/port: "8080"\n              endPort: 8099/; s/method: GET/method: GET|POST|PUT/' \
	testdata/policies/good/backend-api.yaml >"$E2E/p.yaml"
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
listens() { ip netns exec backend ss -Hltn "sport = :$1" | grep -q .; }
curls() { e2e_run frontend curl -sS --max-time 600 "$@" 2>&1; }
of() { sha256sum | cut -d ' ' -f 1; }

# server NAME PORT: what curl sends to and gets from a server that answers with the sum
server() {
	e2e_wait 30 listens "$2" || e2e_fail "$1 does not listen"
	e2e_is "curl to $1, Expect" "$want" "$(curls -H 'Expect: 100-continue' -X POST -T "$file" "http://$BACKEND:$2/api/file")"
	e2e_is "curl to $1, in chunks" "$want" "$(curls -X POST -H 'Expect:' -T - "http://$BACKEND6:$2/api/file" <"$file")"
	e2e_is "curl from $1" "$want" "$(curls "http://$BACKEND:$2/api/file" | of)"
}
if command -v go >/dev/null; then
	GOCACHE=$E2E/gocache GO111MODULE=off go build -o "$E2E/bulk" tests/e2e/bulk/bulk.go || e2e_fail "go build"
	e2e_run backend "$E2E/bulk" serve :8082 "$file" >"$E2E/go.log" 2>&1 &
	server Go 8082
	e2e_is "Go with Go" "$want,$want,$want," "$(e2e_run frontend "$E2E/bulk" ask "http://$BACKEND:8082/api/file" "$file" 2>&1 | tr '\n' ',')"
else
	echo "no Go: its tests are left out"
fi
if command -v javac >/dev/null && command -v java >/dev/null; then
	javac -nowarn -d "$E2E" tests/e2e/bulk/Bulk.java || e2e_fail javac
	e2e_run backend java -cp "$E2E" Bulk serve 8083 "$file" >"$E2E/java.log" 2>&1 &
	server Java 8083
	e2e_is "Java with Java" "$want,$want,$want," \
		"$(e2e_run frontend java -cp "$E2E" Bulk ask "http://$BACKEND:8083/api/file" "$file" 2>&1 | tr '\n' ',')"
else
	echo "no Java: its tests are left out"
fi
# stored NAME PORT: nginx keeps what is PUT
stored() {
	e2e_is "curl to $1, Expect" 201 "$(curls -o /dev/null -w '%{http_code}' -H 'Expect: 100-continue' -T "$file" "http://$BACKEND:$2/api/put1-$2")"
	e2e_is "what $1 has" "$want" "$(of <"$E2E/www/api/put1-$2")"
	e2e_is "curl to $1, in chunks" 201 "$(curls -o /dev/null -w '%{http_code}' -H 'Expect:' -T - "http://$BACKEND6:$2/api/put2-$2" <"$file")"
	e2e_is "what $1 has" "$want" "$(of <"$E2E/www/api/put2-$2")"
	rm "$E2E/www/api/put"*
	for i in 1 2 3; do set -- "$@" -o "$E2E/got$i" "http://$BACKEND:$2/api/file"; done
	curls --no-progress-meter --parallel --parallel-max 3 "${@:3}" || e2e_fail "three at once from $1"
	for i in 1 2 3; do e2e_is "curl from $1, three at once" "$want" "$(of <"$E2E/got$i")"; done
	rm "$E2E/got"*
}
stored nginx 8080
if command -v haproxy >/dev/null; then
	cat >"$E2E/haproxy.cfg" <<-H
		defaults
			mode http
			timeout connect 5s
			timeout client 60s
			timeout server 60s
			option splice-auto
			option splice-request
			option splice-response
		listen in
			bind :8090
			bind [::]:8090 v6only
			server nginx 127.0.0.1:8081
	H
	e2e_run backend haproxy -db -f "$E2E/haproxy.cfg" >"$E2E/haproxy.log" 2>&1 &
	e2e_wait 10 listens 8090 || e2e_fail "haproxy does not listen: $(cat "$E2E/haproxy.log")"
	stored "HAProxy with splice" 8090
else
	echo "no HAProxy: its tests are left out"
fi
e2e_is "what was denied" 0 "$(e2e_events '"verdict":"deny"')"
e2e_stop
