#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 10,000 connections at once through postern-proxy, of HTTP/1.1 and then of HTTP/2, all of which have asked once and stay:
# each costs 8 KiB at most, and is served when it asks again. Needs 20,100 descriptors for a process, and no root; with
# fewer it holds as many as they allow, and says so.
#
#	[CONNECTIONS=n] [PROTOCOLS="h1 h2"] t_ten_thousand_connections_are_held_in_little.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin
[ -x build/postern-proxy ] || { echo "build/postern-proxy is not built"; exit 1; }
command -v nginx >/dev/null || { echo "needs nginx"; exit 77; }
connections=${CONNECTIONS:-10000} limit=8192
ulimit -Hn 65536 2>/dev/null
descriptors=$(ulimit -Hn)
if [ "$descriptors" != unlimited ] && [ "$descriptors" -lt $((2 * connections + 100)) ]; then
	echo "only $descriptors descriptors"
	connections=$(((descriptors - 100) / 2))
	[ $connections -ge 8000 ] || exit 77
fi
ulimit -n "$(ulimit -Hn)"
# A loopback of its own, where somebody may make one: ports of others are not in the way.
if [ "$(id -u)" = 0 ] && [ -z "${OWN_LOOPBACK:-}" ]; then
	OWN_LOOPBACK=1 exec unshare -n "$0"
fi
[ -z "${OWN_LOOPBACK:-}" ] || ip link set lo up
work=$(mktemp -d /tmp/postern-many.XXXXXX) pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$work"' EXIT
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

temps=$(for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $work/$kind;"; done)
declare -A up=([h1]=$(port) [h2]=$(port)) own=([h1]=$(port) [h2]=$(port))
cat >"$work/nginx.conf" <<END
daemon off; master_process off; pid $work/nginx.pid; error_log $work/nginx.err;
events { worker_connections 30000; }
http { access_log off; keepalive_timeout 600s; $temps
server { listen 127.0.0.1:${up[h1]} backlog=4096; location / { return 200 "hello world\n"; } }
server { listen 127.0.0.1:${up[h2]} http2 backlog=4096; location / { return 200 "hello world\n"; } } }
END
nginx -c "$work/nginx.conf" 2>/dev/null &
pids+=($!)
failed=0
fail() { echo "FAIL $*"; failed=1; }
resident() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$1/status"; }

for kind in ${PROTOCOLS:-h1 h2}; do
	build/postern-proxy --listen "127.0.0.1:${own[$kind]}" --upstream "127.0.0.1:${up[$kind]}" --policy testdata/http/policy.yaml \
		--inventory testdata/inventory/demo.yaml --subject 10.77.0.4 --peer 10.77.0.2 --port 8080 \
		--threads 2 --events none 2>"$work/$kind.err" &
	proxy=$!
	pids+=("$proxy")
	for _ in $(seq 300); do
		grep -q listening "$work/$kind.err" && break
		sleep 0.1
	done
	before=$(resident $proxy)
	coproc holder { python3 tests/e2e/hold.py "${own[$kind]}" "$connections" "$kind" 2>"$work/holder.err"; }
	# shellcheck disable=SC2154 # of the coproc
	pid=$holder_PID answer=""
	read -r answer <&"${holder[0]}"
	if [ "${answer:-}" = held ]; then
		sleep 3
		each=$((($(resident $proxy) - before) / connections))
		echo "$kind: $each bytes for each of $connections connections"
		[ $each -le $limit ] || fail "$kind: more than $limit bytes for a connection"
		answer=""
		echo >&"${holder[1]}"
		read -r answer <&"${holder[0]}"
		[ "${answer:-}" = again ] || fail "$kind: not served again: $(cat "$work/holder.err")"
		eval "exec ${holder[1]}>&-"
	else
		fail "$kind: not held: $(tail -1 "$work/holder.err") $(tail -3 "$work/$kind.err")"
	fi
	wait "$pid" 2>/dev/null
	kill $proxy
	wait $proxy 2>/dev/null
done
exit $failed
