#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What enforcement costs, and what others take for the same: nobody in between, posternd enforcing, nginx and HAProxy as
# reverse proxies with the same rule, in front of the same nginx. The client has one processor, and the whole server side
# the other: what is compared is what one processor can serve. Interleaved, so that the machine's moods hit all alike.
#
#	[ROUNDS=5] [SECONDS_EACH=2] [CONNECTIONS=32] [PLACES="node veth loopback"] [PARTS="rate pace bulk"] [RATE=n]
#	[WHO="plain enforced nginx haproxy"] [CLIENT_CPU=0] [SERVER_CPU=1] [RPS=1] tests/bench/run.sh
#
#	rate	as fast as it goes (wrk, closed loop): requests/s, and the processor time that one takes, which says what each
#		adds also where it is the client that is at its end
#	pace	RATE requests/s (a quarter of what the un-enforced server can do), due at fixed times (pace.c, open loop):
#		latency. Under a full processor p99 says how long a queue is, not what a request waits for
#	bulk	one connection, down and up: MB/s (BULK_MB=256)
#
# A ratio is the median of the rounds' own ratios, with the least and the most: what was slow for a whole round was slow for all
# in it. Every other round goes backwards.
#
# node: from another pod, as pods are connected: through the node, with the filters at the host's end of each pod's veth.
# veth: from another pod over a pair of their own: the programs at the sockets alone. In both what comes to a pod is received
# on the processor of that pod (RPS), as with a network card each. With RPS=0 whoever sends a packet also receives it: then
# nothing that it takes is charged to others on a machine that is not quiet.
# loopback: inside the server's pod, where no rule is asked: what the hooks cost by themselves.
#
# nginx serves a file of 1 KiB and writes its access log, as it does out of the box; the proxies have one worker, one thread
# and no log. The courtesy is off.
. "$(dirname "$0")/../e2e/lib.sh"

rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-2} connections=${CONNECTIONS:-32} megabytes=${BULK_MB:-256}
places=${PLACES:-node veth loopback} parts=${PARTS:-rate pace bulk}
who=${WHO:-plain enforced nginx haproxy}
client=${CLIENT_CPU:-0} server=${SERVER_CPU:-1}
declare -A titles=([plain]=un-enforced [enforced]=postern [nginx]="nginx, one worker" [haproxy]="HAProxy, one thread")
case " $who " in
*" plain "*) ;;
*) echo "WHO is without plain, which the others are compared with"; exit 2 ;;
esac
for one in $who; do
	[ -n "${titles[$one]:-}" ] || { echo "WHO has a $one: plain, enforced, nginx and haproxy can be measured"; exit 2; }
done
for tool in wrk nginx haproxy taskset; do
	command -v $tool >/dev/null || { echo "$tool is missing: make deps"; exit 77; }
done
[ "$(nproc)" -ge 2 ] || { echo "needs two processors"; exit 77; }
[ -x build/bench/pace ] || { echo "build/bench/pace is not built: make bench"; exit 1; }
taskset -cp "$server" $$ >/dev/null # and with it all that is not said to be elsewhere

pods() {
	e2e_up
	mkdir "$E2E_CGROOT/$E2E_CGROUP/client"
	ip -n frontend link add pair type veth peer name pair netns backend
	ip -n frontend link set pair up
	ip -n backend link set pair up
	[ "${RPS:-1}" -eq 1 ] || return 0
	receive_on frontend "$client"
	receive_on backend "$server"
}
receive_on() {
	ip netns exec "$1" sh -c "for d in eth0 pair; do printf %x $((1 << $2)) >/sys/class/net/\$d/queues/rx-0/rps_cpus; done"
}

# by PLACE: from now on the two pods reach each other so; over loopback they need not
by() {
	ip -n frontend route flush 10.77.0.4
	ip -n backend route flush 10.77.0.2
	[ "$1" = veth ] || return 0
	ip -n frontend route add 10.77.0.4 dev pair src 10.77.0.2
	ip -n backend route add 10.77.0.2 dev pair src 10.77.0.4
}

# PORT: nobody in between 8080, nginx 8090, HAProxy 8091; the same for bulk: 8082, 8092, 8093
servers() {
	e2e_nginx
	head -c 1024 /dev/zero | tr '\0' x >"$E2E/www/api/large-not" # by the location of that prefix
	nginx_proxy
	haproxy_proxy
	cat >"$E2E/bulk.py" <<-'P'
		import socket, sys
		size = int(sys.argv[2])
		listener = socket.create_server(("", int(sys.argv[1])), backlog=16)
		block, into = bytes(1 << 18), bytearray(1 << 18)
		print("ready", flush=True)
		while True:
		    c = listener.accept()[0]
		    head = b""
		    while b"\r\n\r\n" not in head:
		        head += c.recv(65536)
		    if head.startswith(b"GET"):
		        c.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
		        for _ in range(size // len(block)):
		            c.sendall(block)
		    else:
		        left = size - len(head.split(b"\r\n\r\n", 1)[1])
		        while left and (n := c.recv_into(into)):
		            left -= n
		        c.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		    c.close()
	P
	e2e_run backend python3 "$E2E/bulk.py" 8082 $((megabytes << 20)) >"$E2E/bulk.ready" &
	e2e_wait 20 test -s "$E2E/bulk.ready" || e2e_fail "the server of bulk does not start"
	truncate -s "${megabytes}M" "$E2E/bulk"
}

nginx_proxy() {
	local server='location / { return 403 "Access denied\n"; } location ~ ^/api/ { limit_except GET PUT { deny all; }
		proxy_http_version 1.1; proxy_request_buffering off; proxy_set_header Connection "";'
	cat >"$E2E/proxy.conf" <<-N
		worker_processes 1;
		pid $E2E/proxy.pid;
		error_log $E2E/proxy.log;
		events { worker_connections 4096; }
		http {
			access_log off;
			keepalive_requests 1000000000;
			client_max_body_size 0;
			upstream back { server 127.0.0.1:8080; keepalive 64; keepalive_requests 1000000000; }
			server { listen 8090 backlog=4096; $server proxy_pass http://back; } }
			server { listen 8092; $server proxy_pass http://127.0.0.1:8082; } }
		}
	N
	e2e_run backend nginx -c "$E2E/proxy.conf" || e2e_fail "nginx does not start as a proxy"
}

haproxy_proxy() {
	cat >"$E2E/haproxy.cfg" <<-N
		global
			nbthread 1
		defaults
			mode http
			timeout connect 5s
			timeout client 60s
			timeout server 60s
		listen small
			bind :8091
			http-request deny deny_status 403 unless { path_reg ^/api/ } { method GET PUT }
			http-reuse always
			server s 127.0.0.1:8080
		listen bulk
			bind :8093
			http-request deny deny_status 403 unless { path_reg ^/api/ } { method GET PUT }
			server s 127.0.0.1:8082
	N
	e2e_run backend haproxy -D -f "$E2E/haproxy.cfg" || e2e_fail "HAProxy does not start"
}

# Processor time so far in us, of the client and of the server side with the daemon: "CLIENT SERVER". What the kernel does for
# a packet is charged to whoever runs on that processor then.
spent() {
	local of
	of=$(for p in $E2E_DAEMON $([ -z "$E2E_DAEMON" ] || pgrep -P "$E2E_DAEMON"); do cat "/proc/$p/schedstat"; done 2>/dev/null)
	{
		grep -h usage_usec "$E2E_CGROOT/$E2E_CGROUP/client/cpu.stat" "$E2E_CGROOT/$E2E_CGROUP/cpu.stat"
		echo "$of"
	} | awk '/usage_usec/ { u[n++] = $2; next } { d += $1 / 1000 } END { printf "%.0f %.0f\n", u[0], u[1] - u[0] + d }'
}
from() ( # PLACE CMD...
	pod=frontend
	[ "$1" != loopback ] || pod=backend
	shift
	echo "$BASHPID" >"$E2E_CGROOT/$E2E_CGROUP/client/cgroup.procs" || exit 125
	exec ip netns exec "$pod" taskset -c "$client" "$@"
)

# Each appends a line to $E2E/PLACE.PART.NAME.
rate() { # PLACE NAME ADDRESS PORT
	local before
	before=$(spent)
	from "$1" wrk -t1 -c"$connections" -d"${seconds}s" "http://$3:$4/api/large-not" >"$E2E/wrk"
	if grep -qE 'Non-2xx|Socket errors' "$E2E/wrk"; then
		e2e_fail "$1, $2: requests failed: $(cat "$E2E/wrk")"
	fi
	# requests/s, us per request of the server side and of both
	echo "$before $(spent) $(awk '/requests in/ { n = $1 } /Requests\/sec/ { print n, $2 }' "$E2E/wrk")" |
		awk '{ print $6, ($4 - $2) / $5, ($3 + $4 - $1 - $2) / $5 }' >>"$E2E/$1.rate.$2"
}
pace() {
	from "$1" build/bench/pace "$3" "$4" /api/large-not "$connections" "$RATE" "$seconds" >"$E2E/paced" || e2e_fail "$1, $2: pace"
	cut -d ' ' -f 2-4 "$E2E/paced" >>"$E2E/$1.pace.$2"
}
bulk() {
	local port=$4 down up begin middle
	port=$((port == 8080 ? 8082 : port + 2))
	begin=$(spent)
	down=$(from "$1" curl -sS --max-time 60 -o /dev/null -w '%{speed_download}' "http://$3:$port/api/bulk") || e2e_fail "$1, $2: down"
	middle=$(spent)
	up=$(from "$1" curl -sS --max-time 60 -o /dev/null -T "$E2E/bulk" -w '%{speed_upload}' "http://$3:$port/api/bulk") ||
		e2e_fail "$1, $2: up"
	# MB/s down and up, then us per MB
	echo "$((down >> 20)) $((up >> 20)) $begin $middle $(spent)" |
		awk -v m="$megabytes" '{ print $1, $2, ($5 + $6 - $3 - $4) / m, ($7 + $8 - $5 - $6) / m }' >>"$E2E/$1.bulk.$2"
}

measure() { # NAME PORT
	local place part
	for place in $places; do
		by "$place"
		for part in $parts; do
			$part "$place" "$1" "$([ "$place" = loopback ] && echo 127.0.0.1 || echo $BACKEND)" "$2"
		done
	done
}
enforced() {
	e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
	measure enforced 8080
	e2e_stop
}

# median, least and most of what comes in
spread() { sort -g | awk '{ v[NR] = $1 } END { printf "%9.5g %9.5g %9.5g", v[int((NR + 1) / 2)], v[1], v[NR] }'; }
column() { cut -d ' ' -f "$2" "$E2E/$1"; }
table() { # PLACE PART COLUMN TITLE
	local name
	printf '\n%s, %s\n%-22s %9s %9s %9s | %-29s\n' "$1" "$4" "" median least most "of un-enforced, round by round"
	for name in $who; do
		printf '  %-20s %s | ' "${titles[$name]}" "$(column "$1.$2.$name" "$3" | spread)"
		paste -d ' ' <(column "$1.$2.$name" "$3") <(column "$1.$2.plain" "$3") |
			awk '$2 { printf "%.3f\n", $1 / $2 }' | spread
		echo
	done
}
tables() { # PLACE
	if [[ $parts = *rate* ]]; then
		table "$1" rate 1 "requests/s"
		table "$1" rate 2 "us of processor time per request, server side"
		table "$1" rate 3 "us of processor time per request, with the client"
	fi
	if [[ $parts = *pace* ]]; then
		table "$1" pace 1 "$RATE requests/s: p50, us"
		table "$1" pace 2 "$RATE requests/s: p99, us"
		table "$1" pace 3 "$RATE requests/s: p99.9, us"
	fi
	if [[ $parts = *bulk* ]]; then
		table "$1" bulk 1 "down, MB/s"
		table "$1" bulk 2 "up, MB/s"
		table "$1" bulk 3 "us of processor time per MB down, with the client"
		table "$1" bulk 4 "us of processor time per MB up, with the client"
	fi
}

pods
servers
sed 's/method: GET/method: GET|PUT/; s/port: "8080"/port: "8080"\n              endPort: 8082/' testdata/policies/good/backend-api.yaml >"$E2E/policy.yaml"
up() { from node curl -sf -o /dev/null "http://$BACKEND:$1/api/large-not"; }
for port in 8080 8090 8091; do
	e2e_wait 20 up $port || e2e_fail "nobody answers on port $port"
done
if [ -z "${RATE:-}" ]; then
	rate node warm $BACKEND 8080
	RATE=$(awk '{ r = int($1 / 4000) * 1000; print (r > 1000 ? r : 1000) }' "$E2E/node.rate.warm")
fi
echo "$rounds rounds of $seconds s, $connections connections, client on processor $client, server side on $server, Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg)"
for round in $(seq "$rounds"); do
	echo "round $round"
	turn=$who
	[ $((round % 2)) -eq 1 ] || turn=$(echo "$who" | tr ' ' '\n' | tac | tr '\n' ' ')
	for one in $turn; do
		case $one in
		plain) measure plain 8080 ;;
		enforced) enforced ;;
		nginx) measure nginx 8090 ;;
		haproxy) measure haproxy 8091 ;;
		esac
	done
done
for place in $places; do
	tables "$place"
done
