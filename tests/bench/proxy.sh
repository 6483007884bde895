#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Requests/s and p99 of postern-proxy beside nginx (proxy_pass) and HAProxy with the same rule and as many threads, in
# front of the same nginx, all on the loopback; then the memory of postern-proxy for IDLE connections, each of which has
# asked once. Needs no root.
#
#	[SECONDS_EACH=n] [CONNECTIONS=n] [THREADS="1 2"] [IDLE=n] proxy.sh
#
# The same with HTTP/2 on both sides by h2load, ten streams on each connection, if it is there; nginx does it by grpc_pass.
#
# The rule: GET, HEAD, POST and DELETE on /api/.*, all else 403. Three rounds, taking turns; the best of each counts,
# because on a machine that does something else as well the others tell about that. The processor time per request of
# the proxy alone (user, kernel) is the figure that suffers least.

set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin
seconds=${SECONDS_EACH:-3} connections=${CONNECTIONS:-64}
if [ -z "${THREADS_EACH:-}" ]; then
	for threads in ${THREADS:-1 2}; do
		echo "threads of each: $threads"
		THREADS_EACH=$threads "$PWD/tests/bench/proxy.sh" || exit
	done
	exit
fi
threads=$THREADS_EACH
# Each connection of ours has two descriptors.
ulimit -n "$(ulimit -Hn)"
idle=$((($(ulimit -n) - 500) / 2))
[ "$idle" -le "${IDLE:-10000}" ] || idle=${IDLE:-10000}
for tool in nginx haproxy wrk; do
	command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
done
[ -x build/postern-proxy ] || { echo "build/postern-proxy is not built"; exit 1; }
work=$(mktemp -d /tmp/postern-bench.XXXXXX)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$work"' EXIT

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
up=$(port) direct=$up ngx=$(port) hap=$(port) own=$(port)
up2=$(port) ngx2=$(port) hap2=$(port) own2=$(port)
temps=$(for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $work/$kind;"; done)
nginx_conf() { # NAME SERVER SERVER-OF-HTTP/2 [WORKERS]
	cat <<-END >"$work/$1.conf"
		daemon off; pid $work/$1.pid; error_log $work/$1.err; worker_processes ${4:-1};
		events { worker_connections 20000; }
		http { access_log off; keepalive_requests 100000000; $temps
		upstream server { server 127.0.0.1:$up; keepalive 256; keepalive_requests 100000000; }
		upstream server2 { server 127.0.0.1:$up2; keepalive 256; keepalive_requests 100000000; }
		server { $2 }
		server { $3 } }
	END
	nginx -c "$work/$1.conf" &
	pids+=($!)
}
nginx_conf server "listen 127.0.0.1:$up; location / { return 200 \"hello world\\n\"; }" \
	"listen 127.0.0.1:$up2 http2; location / { return 200 \"hello world\\n\"; }"
nginx_conf proxy "listen 127.0.0.1:$ngx; location / { return 403; }
	location ~ ^/api/.*\$ { limit_except GET HEAD POST DELETE { deny all; }
	proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_pass http://server; }" \
	"listen 127.0.0.1:$ngx2 http2; location / { return 403; }
	location ~ ^/api/.*\$ { limit_except GET HEAD POST DELETE { deny all; } grpc_pass grpc://server2; }" "$threads"
cat >"$work/haproxy.cfg" <<END
global
	nbthread $threads
	maxconn $idle
defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
frontend f
	bind 127.0.0.1:$hap
	http-request deny deny_status 403 unless { path_reg ^/api/.*\$ } { method GET HEAD POST DELETE }
	default_backend b
backend b
	http-reuse always
	server s 127.0.0.1:$up
frontend f2
	bind 127.0.0.1:$hap2 proto h2
	http-request deny deny_status 403 unless { path_reg ^/api/.*\$ } { method GET HEAD POST DELETE }
	default_backend b2
backend b2
	http-reuse always
	server s 127.0.0.1:$up2 proto h2
END
haproxy -f "$work/haproxy.cfg" 2>"$work/haproxy.err" &
pids+=($!)
own_proxy() { # LISTEN UPSTREAM
	build/postern-proxy --listen 127.0.0.1:"$1" --upstream 127.0.0.1:"$2" --policy testdata/http/policy.yaml \
		--inventory testdata/inventory/demo.yaml --subject 10.77.0.4 --peer 10.77.0.2 --port 8080 \
		--threads "$threads" --events none 2>>"$work/own.err" &
	pids+=($!)
}
own_proxy "$own" "$up"
own_proxy "$own2" "$up2"
sleep 1

declare -A best p99 cost pid=([nginx]=${pids[1]} [haproxy]=${pids[2]} [postern-proxy]=${pids[3]})
pid[nginx/2]=${pids[1]} pid[haproxy/2]=${pids[2]} pid[postern-proxy/2]=${pids[4]}
# nginx and HAProxy work in children.
ticks() { # NAME: user and kernel time
	local p=${pid[$1]:-} all
	[ -n "$p" ] || { echo 0 0; return; }
	all=$(for i in $p $(pgrep -P "$p"); do cut -d' ' -f14,15 "/proc/$i/stat"; done)
	awk '{ u += $1; s += $2 } END { print u + 0, s + 0 }' <<<"$all"
}
load() { # NAME PORT: sets requests, rate and late
	case $1 in
	*/2)
		h2load -D "$seconds" -c"$connections" -m10 --log-file="$work/h2.log" "http://127.0.0.1:$2/api/x" \
			>"$work/out" || return 1
		grep -q 'status codes: [1-9][0-9]* 2xx, 0 3xx, 0 4xx, 0 5xx' "$work/out" || return 1
		requests=$(awk '/^status codes/ { print $3 }' "$work/out")
		rate=$(awk '/^finished in/ { printf "%d", $4 }' "$work/out")
		# The third column is the time in microseconds.
		late=$(cut -f3 "$work/h2.log" | sort -n | awk '{ t[NR] = $1 } END { print t[int(NR * 0.99)] / 1000 "ms" }')
		rm -f "$work/h2.log"
		;;
	*)
		wrk -t1 -c"$connections" -d"${seconds}s" --latency "http://127.0.0.1:$2/api/x" >"$work/out" || return 1
		! grep -q 'Non-2xx\|Socket errors' "$work/out" || return 1
		requests=$(awk '$2 == "requests" { print $1 }' "$work/out")
		rate=$(awk '/^Requests\/sec/ { printf "%d", $2 }' "$work/out")
		late=$(awk '$1 == "99%" { print $2 }' "$work/out")
		;;
	esac
}
names=(direct nginx haproxy postern-proxy)
! command -v h2load >/dev/null || names+=(direct/2 nginx/2 haproxy/2 postern-proxy/2)
declare -A at=([direct]=$direct [nginx]=$ngx [haproxy]=$hap [postern-proxy]=$own
	[direct/2]=$up2 [nginx/2]=$ngx2 [haproxy/2]=$hap2 [postern-proxy/2]=$own2)
for _ in 1 2 3; do
	for name in "${names[@]}"; do
		read -r user0 kernel0 < <(ticks "$name")
		load "$name" "${at[$name]}" || { echo "$name:"; cat "$work/out"; exit 1; }
		read -r user kernel < <(ticks "$name")
		if [ "$rate" -gt "${best[$name]:-0}" ]; then
			best[$name]=$rate p99[$name]=$late
			cost[$name]="$(((user - user0) * 10000 / requests)) + $(((kernel - kernel0) * 10000 / requests))"
		fi
	done
done
resident() { # NAME: bytes
	awk '/^VmRSS/ { print $2 * 1024 }' "/proc/${pid[$1]}/status"
}
# Opens connections to PORT that ask once and stay, says so, and closes them when it is told to.
hold() { # PORT
	python3 -c '
import socket, sys
held = []
for _ in range(int(sys.argv[2])):
    held.append(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
    held[-1].sendall(b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n")
    assert b" 200 " in held[-1].recv(4096)
print("held", flush=True)
sys.stdin.read()' "$1" "$idle"
}
before=$(resident postern-proxy)
coproc holder { hold "$own"; }
read -r answer <&"${holder[0]}"
[ "$answer" = held ] || { echo "$idle connections are not held"; exit 1; }
sleep 2
each=$((($(resident postern-proxy) - before) / idle))
eval "exec ${holder[1]}>&-"
wait "$holder_PID"
printf '%-16s %10s %10s %18s\n' "" requests/s p99 'us per request'
for name in "${names[@]}"; do
	case $name in direct*) cost[$name]=- ;; esac
	printf '%-16s %10s %10s %18s\n' "$name" "${best[$name]}" "${p99[$name]}" "${cost[$name]}"
done
echo "postern-proxy: $each bytes for each of $idle idle connections"
