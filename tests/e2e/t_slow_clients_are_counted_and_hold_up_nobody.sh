#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A thousand clients that send a head a byte a second, and a thousand that read nothing of a large answer, through the
# daemon's proxy to nginx: each is ended by its clock and counted, none twice; who is beside them gets all its answers, and
# what is held for those who do not read has its limit.
#
#	E2E_CONNECTIONS=n	of each kind (default 1000, or what the descriptors allow)
. "$(dirname "$0")/lib_proxy.sh"
count=${E2E_CONNECTIONS:-1000} head=6 idle=8
ulimit -n "$(ulimit -Hn)"
# The proxy and nginx have two for each.
[ $((3 * count)) -le "$(ulimit -n)" ] || count=$(($(ulimit -n) / 3))
[ "$count" -ge 100 ] || { echo "needs 300 descriptors"; exit 77; }
e2e_up
# With buffers as large as they may grow a thousand answers take more than the kernel has for TCP in all before it drops
# packets, also those of who is beside them, of this test or another one (net.ipv4.tcp_mem, "pressure").
for pod in frontend backend; do
	ip netns exec $pod sysctl -qw net.ipv4.tcp_wmem='4096 16384 262144' net.ipv4.tcp_rmem='4096 131072 262144'
done
e2e_nginx
{ e2e_rules slow backend ingress frontend && e2e_added X-Added by-policy 8080; } >"$E2E/policy.yaml"
# The daemon's proxy, with shorter clocks.
printf '#!/bin/sh\nexec %q --head-timeout %s --idle-timeout %s "$@"\n' "$PWD/build/postern-proxy" $head $idle >"$E2E/proxy"
chmod +x "$E2E/proxy"
e2e_start --metrics 127.0.0.1:9970 --proxy "$E2E/proxy"
value() { curl -s http://127.0.0.1:9970/metrics | awk -v s="postern_proxy_$1" '$1 == s { n = $2 } END { print n + 0 }'; }
late() { value 'rq_denied_total{protocol="http1",reason="head-timeout"}'; }
idle() { value cx_idle_timeout_total; }
all_idle() { [ "$(idle)" -ge "$count" ]; }
is() { [ "$(value "$1")" = "$2" ]; }
rss() { awk -v f="$1:" '$1 == f { print $2 }' "/proc/$(pgrep -x postern-proxy)/status"; }
slow() { e2e_run frontend timeout 110 python3 tests/e2e/slow.py "$1" $BACKEND 8080 "$count" >"$E2E/$1" 2>&1; }
# result KIND: what it has printed, as $ended $denied $first $served $failed
result() {
	sed "s/^/ok: $1: /" "$E2E/$1"
	# The second number is the 403 before its count.
	read -r ended _ denied first served failed < <(tail -n 1 "$E2E/$1" | tr -c '0-9\n' ' ' | xargs)
	e2e_is "$1: who was not served beside them" 0 "$failed"
	[ "$served" -ge 20 ] || e2e_fail "$1: only $served were served beside them"
}

slow loris
result loris
e2e_is "loris: ended" "$count" "$ended"
[ "$first" -ge $((head - 1)) ] || e2e_fail "loris: one was ended after $first s"
[ "$denied" -ge $((count * 9 / 10)) ] || e2e_fail "loris: only $denied have got the 403"
e2e_is "loris: in the metrics" "$count" "$(late)"
told() { [ "$(e2e_events '"reason":"head-timeout"')" -ge "$count" ]; }
e2e_wait 20 told || e2e_fail "loris: only $(e2e_events '"reason":"head-timeout"') are told"
e2e_is "loris: told" "$count" "$(e2e_events '"verdict":"deny","reason":"head-timeout"')"
e2e_is "loris: idle ones" 0 "$(idle)"
e2e_wait 10 is 'cx_active{leg="downstream"}' 0 || e2e_fail "loris: some are still open"

before=$(rss VmRSS)
mkfifo "$E2E/hold"
slow read <"$E2E/hold" &
reader=$!
exec {hold}>"$E2E/hold"
# Each has its last byte when its buffers are full: the kernel makes a little room in them for some time.
e2e_wait 90 all_idle || true
exec {hold}>&-
wait $reader
result read
e2e_is "read: in the metrics" "$count" "$(idle)"
e2e_is "read: ended" "$count" "$ended"
e2e_is "read: no more heads" "$count" "$(late)"
# 160 KiB of the answer, a page of the request and what a connection costs at all (docs/proxy.md).
held=$(($(rss VmHWM) - before))
echo "ok: read: $((held / count)) KiB are held for each"
[ $held -le $((count * (160 + 12))) ] || e2e_fail "read: $((held / count)) KiB for each"
e2e_wait 10 is 'cx_active{leg="downstream"}' 0 || e2e_fail "read: some are still open"
e2e_is "both ends" 0 "$(value 'cx_active{leg="upstream"}')"
e2e_is "connections that were refused" 0 "$(curl -s http://127.0.0.1:9970/metrics | grep -c '^postern_proxy_cx_refused_total')"
exit 0
