#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Requests per second and p99 over one veth pair, keep-alive: nobody in between, posternd enforcing, and nginx as a
# reverse proxy with the same rule in front of the same nginx. Interleaved, so that the machine's moods hit all alike.
#
#	ROUNDS=5 SECONDS_EACH=5 CONNECTIONS=32 tests/bench/run.sh
#
# nginx serves a file of 1 KiB and writes its access log, as it does out of the box; so does the proxy.
# Figures are those of this machine and this run. All of client, server, proxy and judge share its processors.
. "$(dirname "$0")/../e2e/lib.sh"

rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-5}
connections=${CONNECTIONS:-32}
command -v wrk >/dev/null || { echo "wrk is missing: make deps"; exit 77; }

e2e_up
# A pair of their own, without the bridge of the tests.
ip -n frontend link set eth0 down
ip -n backend link set eth0 down
ip -n frontend link add pair type veth peer name pair netns backend
ip -n frontend link set pair up
ip -n backend link set pair up
ip -n frontend addr flush dev eth0
ip -n backend addr flush dev eth0
ip -n frontend addr add 10.77.0.2/24 dev pair
ip -n backend addr add 10.77.0.4/24 dev pair
e2e_nginx
head -c 1024 /dev/zero | tr '\0' x >"$E2E/www/api/x"
sed -i "s,location /api/large,location /api/x { root $E2E/www; } location /api/large," "$E2E/nginx.conf"
kill -HUP "$(cat "$E2E/nginx.pid")"
sleep 0.5
cat >"$E2E/proxy.conf" <<-N
	worker_processes 1;
	pid $E2E/proxy.pid;
	error_log $E2E/proxy.log;
	events { worker_connections 4096; }
	http {
		access_log $E2E/proxy-access.log;
		keepalive_requests 1000000;
		upstream back { server 127.0.0.1:8080; keepalive 64; }
		server {
			listen 8090 backlog=4096;
			location / { return 403 "Access denied\n"; }
			location ~ ^/api/ {
				limit_except GET { deny all; }
				proxy_http_version 1.1;
				proxy_set_header Connection "";
				proxy_pass http://back;
			}
		}
	}
N
e2e_run backend nginx -c "$E2E/proxy.conf"

# measure NAME PORT CONNECTIONS: appends "rate p99-in-us" to $E2E/NAME
measure() {
	e2e_run frontend wrk -t"$(($3 > 1 ? 2 : 1))" -c"$3" -d"${seconds}s" --latency "http://$BACKEND:$2/api/x" >"$E2E/wrk"
	if grep -qE 'Non-2xx|Socket errors' "$E2E/wrk"; then
		cat "$E2E/wrk"
		e2e_fail "$1: requests failed"
	fi
	awk '/Requests\/sec/ { rate = $2 }
		$1 == "99%" { p = $2; f = 1; if (p ~ /ms/) f = 1000; else if (p !~ /us/) f = 1000000; p = p * f }
		$1 == "50%" { m = $2; f = 1; if (m ~ /ms/) f = 1000; else if (m !~ /us/) f = 1000000; m = m * f }
		END { print rate, p, m }' "$E2E/wrk" >>"$E2E/$1"
}

enforced() {
	e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off
	measure enforced 8080 "$connections"
	measure enforced-1 8080 1
	e2e_stop
}

# median, least and most of column $2 of file $1
spread() { sort -g -k"$2,$2" "$E2E/$1" | awk -v c="$2" '{ v[NR] = $c } END { printf "%10.0f %10.0f %10.0f", v[int((NR + 1) / 2)], v[1], v[NR] }'; }
median() { spread "$1" "$2" | awk '{ print $1 }'; }

echo "$rounds rounds of $seconds s, wrk -t2 -c$connections, $(nproc) processors, Linux $(uname -r)"
for round in $(seq "$rounds"); do
	echo "round $round"
	measure plain 8080 "$connections"
	measure plain-1 8080 1
	enforced
	measure proxy 8090 "$connections"
	measure proxy-1 8090 1
done
printf '\n%-34s %10s %10s %10s\n' "" median least most
for row in "plain:un-enforced" "enforced:enforced by postern" "proxy:nginx as a reverse proxy"; do
	name=${row%%:*}
	printf '%-34s %s\n' "requests/s, ${row#*:}" "$(spread "$name" 1)"
	printf '%-34s %s\n' "  p99, us" "$(spread "$name" 2)"
	printf '%-34s %s\n' "  p50 with one connection, us" "$(spread "$name-1" 3)"
done
awk -v p="$(median plain 1)" -v e="$(median enforced 1)" -v x="$(median proxy 1)" \
	'BEGIN { printf "\nenforced / un-enforced: %.2f\nenforced / proxy:       %.2f\n", e / p, e / x }'
