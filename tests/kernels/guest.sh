#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
#
# PID 1 of a guest that tests/kernels/run.sh boots: the verifier, postern doctor, the demo's policy
# over its topology, then end-to-end tests from the disk. Prints TAP on the second serial line, its plan last, and powers off.
#
#	the node  10.77.0.1  fd77::1	the daemon; its answers need a route to the pods
#	frontend  10.77.0.2  fd77::2	may GET /api/.* from the backend, port 8080
#	other     10.77.0.3  fd77::3	may nothing
#	backend   10.77.0.4  fd77::4	nginx

set -uf
export PATH=/bin
/bin/busybox mount -t devtmpfs dev /dev
exec >/dev/ttyS1 2>&1 </dev/null
/bin/busybox mkdir -p /sbin
/bin/busybox --install -s /bin 2>/dev/null
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /run/netns

checks=0
budget=500000 # half of what the verifier allows
daemon=
pins=

# is WHAT WANT GOT
is() {
	checks=$((checks + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $checks - $1: $3"
	else
		echo "not ok $checks - $1"
		echo "# expected: $2"
		echo "# found:    $3"
	fi
}

# Prints the end of FILE as a remark.
remark() {
	tail -n 30 "$1" | sed 's/^/# /'
}

# within SECONDS CMD...: until CMD succeeds.
within() {
	local tries=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# The shell would take its own.
ip() {
	/bin/ip "$@"
}

pod() {
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip link set "$1" master br0 up
	ip -n "$1" link set lo up
	ip -n "$1" link set eth0 up
	ip -n "$1" addr add "10.77.0.$2/24" dev eth0
	ip -n "$1" -6 addr add "fd77::$2/64" dev eth0 nodad
}

topology() {
	ip link set lo up
	ip link add br0 type bridge
	ip link set br0 up
	ip addr add 10.77.0.1/24 dev br0
	ip -6 addr add fd77::1/64 dev br0 nodad
	pod frontend 2
	pod other 3
	pod backend 4
	cat >/nginx.conf <<-N
		error_log /tmp/error.log;
		pid /tmp/nginx.pid;
		events { }
		http {
			access_log /tmp/access.log;
			default_type text/plain;
			server {
				listen 8080;
				listen [::]:8080;
				location / { return 200 "hello from \$uri"; }
				location /api/added { return 200 "\$http_x_added for \$remote_addr"; }
			}
		}
	N
	nsenter --net=/run/netns/backend nginx -c /nginx.conf -g 'user root;'
}

# talk POD SERVER SECONDS REQUEST...: curl, on one connection for as long as the server keeps it. Prints
# STATUS:CONNECTIONS per request, the latter being 0 when the connection was there already, and curl's
# exit code when that is not 0. The last body is in /tmp/body.
talk() {
	local pod=$1 server=$2 seconds=$3 args='' request
	shift 3
	for request in "$@"; do
		args="$args${args:+ --next} -sg -m $seconds -o /tmp/body -w %{http_code}:%{num_connects}\\n
			-X ${request%% *} http://$server:8080${request#* }"
	done
	: >/tmp/body
	# shellcheck disable=SC2086 # words
	nsenter --net="/run/netns/$pod" curl $args >/tmp/talk || echo "curl $?" >>/tmp/talk
	tr '\n' ' ' </tmp/talk | sed 's/ $//'
}

# curl's exit code for a port of SERVER where nobody listens: 7 refused, 28 no answer.
closed_port() {
	nsenter --net=/run/netns/other curl -sg -m 3 "http://$1:81/"
	echo $?
}

start() {
	: >/tmp/log
	: >/tmp/events
	: >/tmp/access.log
	# shellcheck disable=SC2086 # words
	posternd ${pins:---no-pins} --cgroup /sys/fs/cgroup --policy "${policy:-/backend-api.yaml}" --inventory /demo.yaml \
		--events-file /tmp/events "$@" \
		2>/tmp/log &
	daemon=$!
	within 60 grep -q 'enforcing below' /tmp/log
	is "posternd $* starts" 0 $?
	grep -q 'enforcing below' /tmp/log || remark /tmp/log
}

stop() {
	kill -TERM $daemon
	wait $daemon
	is "posternd ends in order" 0 $?
}

events() {
	grep -cE "$1" /tmp/events
}

has_events() {
	[ "$(events "$2")" -ge "$1" ]
}

# No established connection is left at the backend's port 8080 (1F90; state 01).
all_ended() {
	! nsenter --net=/run/netns/backend cat /proc/net/tcp /proc/net/tcp6 |
		grep -qE '^ *[0-9]+: [0-9A-F]+:1F90 [0-9A-F]+:[0-9A-F]+ 01 '
}

load_modules() {
	local name
	while read -r name; do
		insmod "/modules/$name.ko" || echo "# $name does not load"
	done </modules/order
}

verifier() {
	local object program instructions
	verifier_stats /postern.o >/tmp/stats 2>/tmp/err
	is "the verifier accepts all programs" 0 $?
	remark /tmp/err
	while IFS=, read -r object program instructions; do
		is "$object, $program: $instructions instructions, within $budget" yes \
			"$([ "$instructions" -le $budget ] && echo yes)"
	done </tmp/stats
}

probe() {
	postern doctor >/tmp/probe 2>&1
	is "postern doctor" 0 $?
	# Debian has multipath TCP on, which is no failure; FIONREAD is the kernel's, and chooses a mode.
	is "its probes: $(grep -c '^ok ' /tmp/probe) ok, others" "" \
		"$(grep -E '^(bad|could-not-run)' /tmp/probe | grep -vE ' (multipath TCP|FIONREAD in a sockhash) ')"
	is "denied connections can be answered and ended" 1 "$(grep -c '^answering.*: on$' /tmp/probe)"
	grep -v '^ok ' /tmp/probe | sed 's/^/# /'
}

before() {
	is "$1: before the daemon all may connect" "200:1 200:0" \
		"$(talk other "$1" 20 'GET /api/x' 'DELETE /api/x')"
	is "$1: a closed port refuses" 7 "$(closed_port "$1")"
}

enforces() {
	local denials
	denials=$(events '"layer":"l7"')
	is "$1: GET of the API" 200:1 "$(talk frontend "$1" 20 'GET /api/x')"
	is "$1: its body" "hello from /api/x" "$(cat /tmp/body)"
	is "$1: DELETE" 403:1 "$(talk frontend "$1" 20 'DELETE /api/x')"
	is "$1: its body" "Access denied" "$(tr -d '\r\n' </tmp/body)"
	is "$1: another path" 403:1 "$(talk frontend "$1" 20 'GET /admin')"
	is "$1: a connection is kept until a denial ends it" "200:1 200:0 403:0 200:1" \
		"$(talk frontend "$1" 20 'GET /api/1' 'GET /api/2' 'DELETE /api/3' 'GET /api/4')"
	is "$1: the other pod gets no answer at all" "000:0 curl 28" "$(talk other "$1" 3 'GET /api/x')"
	is "$1: nor where nobody listens" 28 "$(closed_port "$1")"
	# More, when the guest is so slow that a client repeats its request before the answer comes.
	within 10 has_events $((denials + 3)) '"layer":"l7"'
	is "$1: three denials are reported, or more" 0 $?
}

# A pod that takes the address of another one.
spoofs() {
	is "it is known of all pods who they are" 1 "$(grep -c 'source addresses of 3 pods are verified' /tmp/log)"
	ip -n other addr add 10.77.0.2/32 dev eth0
	nsenter --net=/run/netns/other curl -sg -m 2 --interface 10.77.0.2 http://10.77.0.4:8080/api/x >/tmp/body
	is "who has taken another's address gets no answer" 28 $?
	within 10 has_events 1 '"reason":"spoofed-source".*"client":"10.77.0.2:.*"name":"default/other"'
	is "and is told of with his own name" 0 $?
	ip -n other addr del 10.77.0.2/32 dev eth0
}

without_courtesy() {
	start --courtesy off
	enforces 10.77.0.4
	enforces '[fd77::4]'
	spoofs
	is "all for want of a rule, answered by the daemon" "$(events '"layer":"l7"')" \
		"$(events '"reason":"no-rule-l7","answer":"daemon"')"
	is "the other pod's SYNs are reported" yes \
		"$(has_events 2 '"layer":"l3l4".*"reason":"no-rule-l4".*"default/other"' && echo yes)"
	is "of the denied requests nginx has seen" 0 "$(grep -cE 'DELETE|admin|10.77.0.3|fd77::3' /tmp/access.log)"
	is "and of the allowed ones" 8 "$(grep -c 'GET /api/' /tmp/access.log)"
	within 20 all_ended
	is "the server's ends of denied connections are gone" 0 $?
	stop
	is "nothing is enforced any more" "200:1" "$(talk other 10.77.0.4 20 'DELETE /api/x')"
}

# The clients are on this node, so the kernel can answer them and keep their connections.
with_courtesy() {
	local server
	start --courtesy on
	for server in 10.77.0.4 '[fd77::4]'; do
		is "$server: the kernel answers and keeps the connection" "403:1 200:0 403:0 200:0" \
			"$(talk frontend "$server" 20 'DELETE /api/1' 'GET /api/2' 'GET /admin' 'GET /api/4')"
	done
	within 10 has_events 4 '"answer":"kernel"'
	is "answered by the kernel" 4 "$(events '"answer":"kernel"')"
	is "of the denied requests nginx has seen" 0 "$(grep -cE 'DELETE|admin' /tmp/access.log)"
	stop
}

# Pins in the guest's own bpffs: enforcement outlives a daemon that is killed, and ends with --detach.
with_pins() {
	pins='--pin-dir /sys/fs/bpf/postern'
	start --courtesy off
	kill -KILL $daemon
	wait $daemon
	is "without its daemon: GET of the API" 200:1 "$(talk frontend 10.77.0.4 20 'GET /api/x')"
	is "without its daemon: another path" "000:1 curl 28" "$(talk frontend 10.77.0.4 3 'GET /admin')"
	start --courtesy off
	is "the next daemon answers" 403:1 "$(talk frontend 10.77.0.4 20 'GET /admin')"
	stop
	is "of the denied requests nginx has seen" 0 "$(grep -c admin /tmp/access.log)"
	posternd --detach --pin-dir /sys/fs/bpf/postern >/tmp/detach 2>&1
	is "posternd --detach" 0 $?
	is "nothing is enforced any more" 200:1 "$(talk other 10.77.0.4 20 'DELETE /api/x')"
	pins=
}

# A rule that adds a header: through the userspace proxy, and the server is told the client's address.
proxied() {
	local server
	sed -n '/^P>/s///p' /init >/proxied.yaml
	policy=/proxied.yaml
	start --courtesy off
	for server in 10.77.0.4 '[fd77::4]'; do
		is "$server: through the proxy" 200:1 "$(talk frontend "$server" 20 'GET /api/added')"
		is "$server: the header, and the client" "by-policy for $(echo "$server" | tr -d '[]' | sed 's/4$/2/')" \
			"$(cat /tmp/body)"
		is "$server: a denial keeps the connection" "403:1 200:0" "$(talk frontend "$server" 20 'GET /admin' 'GET /api/x')"
		is "$server: the other pod gets no answer at all" "000:0 curl 28" "$(talk other "$server" 3 'GET /api/x')"
	done
	kill -KILL "$(pidof postern-proxy)"
	is "without the proxy" 403:1 "$(talk frontend 10.77.0.4 20 'GET /api/x')"
	is "is denied by name" 1 "$(events '"reason":"fallback-unavailable"')"
	is "of the denied requests nginx has seen" 0 "$(grep -cE 'admin|10.77.0.3|fd77::3' /tmp/access.log)"
	stop
}

# The same by an egress rule of the other pod: from its own namespace through the proxy.
proxied_out() {
	local server
	sed -n '/^E>/s///p' /init >/proxied.yaml
	policy=/proxied.yaml
	start --courtesy off
	for server in 10.77.0.4 '[fd77::4]'; do
		is "$server: out through the proxy" 200:1 "$(talk other "$server" 20 'GET /api/added')"
		is "$server: the header, and the client" "by-policy for $(echo "$server" | tr -d '[]' | sed 's/4$/3/')" \
			"$(cat /tmp/body)"
		is "$server: a denial keeps the connection" "403:1 200:0" "$(talk other "$server" 20 'GET /admin' 'GET /api/x')"
	done
	kill -KILL "$(pidof postern-proxy)"
	is "without the proxy" 403:1 "$(talk other 10.77.0.4 20 'GET /api/x')"
	is "is denied by name" 1 "$(events '"direction":"egress".*"reason":"fallback-unavailable"')"
	is "of the denied requests nginx has seen" 0 "$(grep -c admin /tmp/access.log)"
	stop
}
: <<'END'
E>apiVersion: cilium.io/v2
E>kind: CiliumNetworkPolicy
E>metadata: {name: out, namespace: default}
E>spec:
E>  endpointSelector: {matchLabels: {app: other}}
E>  egress:
E>    - toEndpoints: [{matchLabels: {app: backend}}]
E>      toPorts:
E>        - ports: [{port: "8080", protocol: TCP}]
E>          rules:
E>            http:
E>              - {path: "/api/.*", headerMatches: [{name: X-Added, value: by-policy, mismatch: ADD}]}
P>apiVersion: cilium.io/v2
P>kind: CiliumNetworkPolicy
P>metadata: {name: added, namespace: default}
P>spec:
P>  endpointSelector: {matchLabels: {app: backend}}
P>  ingress:
P>    - fromEndpoints: [{matchLabels: {app: frontend}}]
P>      toPorts:
P>        - ports: [{port: "8080", protocol: TCP}]
P>          rules:
P>            http:
P>              - {path: "/api/.*", headerMatches: [{name: X-Added, value: by-policy, mismatch: ADD}]}
END

# The tree's end-to-end tests, in a root with all that they use.
end_to_end() {
	local name said
	mkdir /disk
	within 20 test -b /dev/vda && mount -t ext4 /dev/vda /disk
	is "the disk is there" 0 $?
	mount -t devtmpfs dev /disk/dev
	ln -sf /proc/self/fd /disk/dev/fd
	mount -t proc proc /disk/proc
	mount -t sysfs sysfs /disk/sys
	mount -t bpf bpf /disk/sys/fs/bpf
	mount -t cgroup2 none /disk/sys/fs/cgroup
	mount -t tmpfs tmpfs /disk/tmp
	mount -t tmpfs tmpfs /disk/run
	while read -r name; do
		said=$(E2E_JOBS=1 E2E_TIMEOUT=400 E2E_START=120 chroot /disk /postern/tests/e2e/run.sh "$name" 2>&1)
		case $said in
		skip*)
			checks=$((checks + 1))
			echo "ok $checks - $name # SKIP $(echo "${said#*: }" | head -n 1)"
			;;
		*)
			is "$name" "ok   $name" "$(echo "$said" | sed -n '1s/ ([0-9]* s)$//p;1q')"
			echo "$said" | grep ' | ' | tail -n 40 | sed 's/^/# /'
			;;
		esac
		echo "# $(cut -d ' ' -f 1 /proc/uptime) s"
	done </e2e
}

echo "# $(uname -sr), $(cut -d ' ' -f 1 /proc/uptime) s after its start"
load_modules
if [ ! -e /e2e-only ]; then
	topology
	verifier
	probe
	within 20 nsenter --net=/run/netns/frontend curl -s -o /dev/null http://10.77.0.4:8080/
	before 10.77.0.4
	before '[fd77::4]'
	without_courtesy
	with_courtesy
	with_pins
	proxied
	proxied_out
fi
end_to_end
is "warnings of the kernel" 0 "$(dmesg | grep -cE 'WARNING:|BUG:|Oops|Call Trace')"
dmesg | grep -E -A 12 'WARNING:|BUG:|Oops' | head -n 40 | sed 's/^/# /'
echo "1..$checks"
poweroff -f
