#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Requests/s and p99 of postern-proxy beside nginx (proxy_pass) and HAProxy with the same rule and as many threads, in
# front of the same server, all on the loopback; then the memory of postern-proxy for IDLE connections of each protocol,
# each of which has asked once. Needs no root.
#
#	[SECONDS_EACH=n] [ROUNDS=n] [CONNECTIONS=n] [THREADS="1 2"] [IDLE=n] [SERVER2=nginx] proxy.sh
#
# The same with HTTP/2 on both sides by h2load, ten streams on each connection, if it is there; nginx does it by grpc_pass.
# The server of HTTP/1.1 is nginx, with one worker. That of HTTP/2 is nghttpd, with one thread: nginx writes twice for each
# answer, and takes longer for one than the proxies. With SERVER2=nginx it is nginx for both.
#
# The rule: GET, HEAD, POST and DELETE on /api/.*, all else 403. Rounds taking turns; medians, with the least and the most.
# Client, server and proxy share the processors that there are: with two of them a second thread of a proxy has no
# processor of its own. The processor time per request of the proxy alone (user, kernel) is the figure that suffers least
# from that, and from whatever else the machine does.

set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin
seconds=${SECONDS_EACH:-3} rounds=${ROUNDS:-5} connections=${CONNECTIONS:-64} server2=${SERVER2:-nghttpd}
if [ -z "${THREADS_EACH:-}" ]; then
	for threads in ${THREADS:-1 2}; do
		echo "threads of each: $threads, processors for all: $(nproc), load before: $(cut -d' ' -f1 /proc/loadavg)"
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
own_server2=$(port)
command -v nghttpd h2load >/dev/null || server2=nginx
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
[ "$server2" = nginx ] && own_server2=$up2
nginx_conf server "listen 127.0.0.1:$up; location / { return 200 \"hello world\\n\"; }" \
	"listen 127.0.0.1:$own_server2 http2; location / { return 200 \"hello world\\n\"; }"
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
if [ "$server2" != nginx ]; then
	mkdir -p "$work/www/api"
	echo hello world >"$work/www/api/x"
	nghttpd --no-tls -d "$work/www" -n1 --address=127.0.0.1 "$up2" >/dev/null 2>&1 &
	pids+=($!)
fi
sleep 1

# One value of each round, and one word of each.
declare -A rates lates costs pid=([nginx]=${pids[1]} [haproxy]=${pids[2]} [postern-proxy]=${pids[3]})
pid[nginx/2]=${pids[1]} pid[haproxy/2]=${pids[2]} pid[postern-proxy/2]=${pids[4]}
# nginx and HAProxy work in children.
ticks() { # NAME: user and kernel time
	local p=${pid[$1]:-} all
	[ -n "$p" ] || { echo 0 0; return; }
	all=$(for i in $p $(pgrep -P "$p"); do cut -d' ' -f14,15 "/proc/$i/stat"; done)
	awk '{ u += $1; s += $2 } END { print u + 0, s + 0 }' <<<"$all"
}
load() { # NAME PORT: sets requests, rate and late; false also when it does not end
	case $1 in
	*/2)
		timeout $((seconds + 30)) h2load -D "$seconds" -c"$connections" -m10 --log-file="$work/h2.log" "http://127.0.0.1:$2/api/x" \
			>"$work/out" || return 1
		grep -q 'status codes: [1-9][0-9]* 2xx, 0 3xx, 0 4xx, 0 5xx' "$work/out" || return 1
		requests=$(awk '/^status codes/ { print $3 }' "$work/out")
		rate=$(awk '/^finished in/ { printf "%d", $4 }' "$work/out")
		# The third column is the time in microseconds.
		late=$(cut -f3 "$work/h2.log" | sort -n | awk '{ t[NR] = $1 } END { print t[int(NR * 0.99)] / 1000 "ms" }')
		rm -f "$work/h2.log"
		;;
	*)
		timeout $((seconds + 30)) wrk -t1 -c"$connections" -d"${seconds}s" --latency "http://127.0.0.1:$2/api/x" >"$work/out" || return 1
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
for _ in $(seq "$rounds"); do
	for name in "${names[@]}"; do
		read -r user0 kernel0 < <(ticks "$name")
		load "$name" "${at[$name]}" || { echo "$name:"; cat "$work/out"; exit 1; }
		read -r user kernel < <(ticks "$name")
		rates[$name]+=" $rate" lates[$name]+=" $late"
		costs[$name]+=" $(awk "BEGIN { printf \"%.1f+%.1f\", ($user - $user0) * 10000 / $requests,
			($kernel - $kernel0) * 10000 / $requests }")"
	done
done
resident() { # NAME: bytes
	awk '/^VmRSS/ { print $2 * 1024 }' "/proc/${pid[$1]}/status"
}
each() { # NAME PORT PROTOCOL: bytes of each of the connections that have asked once and stay
	local before answer holder_pid
	before=$(resident "$1")
	coproc holder { python3 tests/e2e/hold.py "$2" "$idle" "$3"; }
	# shellcheck disable=SC2154 # of the coproc
	holder_pid=$holder_PID
	read -r answer <&"${holder[0]}"
	[ "$answer" = held ] || { echo "$idle connections are not held"; exit 1; }
	sleep 3
	echo "$name: $((($(resident "$1") - before) / idle)) bytes for each of $idle idle connections"
	eval "exec ${holder[1]}>&-"
	wait "$holder_pid"
}
middle() { # VALUES: the median, the least and the most
	tr ' ' '\n' <<<"$*" | sort -g | awk 'NF { v[++n] = $1 } END { print v[int((n + 1) / 2)], v[1], v[n] }'
}
printf '%-16s %10s %22s %10s %22s %16s\n' "" requests/s least..most p99 least..most 'us per request'
for name in "${names[@]}"; do
	read -r rate least most < <(middle "${rates[$name]}")
	read -r late early latest < <(middle "${lates[$name]}")
	read -r cost _ < <(tr ' ' '\n' <<<"${costs[$name]}" | awk -F+ 'NF { print $1 + $2, $0 }' | sort -g | awk '{ v[NR] = $2 }
		END { print v[int((NR + 1) / 2)] }')
	case $name in direct*) cost=- ;; esac
	printf '%-16s %10s %22s %10s %22s %16s\n' "$name" "$rate" "$least..$most" "$late" "$early..$latest" "$cost"
done
for name in postern-proxy postern-proxy/2; do
	case $name in
	*/2) [[ " ${names[*]} " == *" $name "* ]] && each "$name" "$own2" h2 ;;
	*) each "$name" "$own" h1 ;;
	esac
done
