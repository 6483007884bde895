# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the end-to-end tests and the demo share. Source it first: it runs the script again in network, mount and PID
# namespaces of its own. Whatever the script makes there (bridge, pods, servers, the daemon) dies with it, however it
# ends. Outside are only a cgroup and a directory in /tmp: the process that waits outside removes them, also when it is
# interrupted, and what a killed one has left is removed by the next run.
#
# The topology is that of testdata/inventory/demo.yaml:
#
#	this namespace (the node)   10.77.0.1  fd77::1   on the bridge br0
#	frontend                    10.77.0.2  fd77::2
#	other                       10.77.0.3  fd77::3
#	backend                     10.77.0.4  fd77::4   nginx on port 8080
#	admin                       10.77.0.5  fd77::5
#
#	e2e_up                  makes it, with a cgroup for everything below, and a bpffs at $E2E/bpf, of which this mount
#	                        namespace has the only copy: pins, and so enforcement, die with the test
#	e2e_run POD CMD...      in the pod's network namespace and in the cgroup
#	e2e_nginx               starts nginx in the backend; $E2E/access.log
#	e2e_posternd ARG...     starts posternd and waits until it enforces; $E2E/events, $E2E/log
#	e2e_stop                ends posternd (SIGTERM), waits, and takes away what it has pinned
#	e2e_leave [SIGNAL]      ends posternd only (default: KILL): what is pinned goes on
#	e2e_http POD ARG...     curl: prints "STATUS BODY", or "none" when there is no answer
#	e2e_events PATTERN      how many event lines match the regular expression, of all that was decided until now
#	e2e_wait SECONDS CMD... until CMD succeeds; fails after SECONDS
#	e2e_is WHAT WANT GOT    fails the test when they differ
#	e2e_fail TEXT           ends the test

E2E_SELF=$(realpath "$0")
E2E_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$E2E_ROOT" || exit 1

if [ "$(id -u)" -ne 0 ]; then
	echo "needs root: network namespaces, cgroups and BPF"
	exit 77
fi
E2E_CGROOT=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
[ -n "$E2E_CGROOT" ] || { echo "there is no cgroup v2 mount"; exit 77; }

# e2e_remove DIRECTORY: a run's directory and cgroup, when nothing of the run is alive.
e2e_remove() {
	local cgroup=$E2E_CGROOT/postern-e2e.${1##*.}
	for _ in $(seq 50); do
		[ -d "$cgroup" ] || break
		find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
	done
	rm -rf "$1"
}

# A run holds a lock on its directory for as long as any of its processes lives.
e2e_remove_stale() {
	local dir
	for dir in /tmp/postern-e2e.??????; do
		[ ! -e "$dir/lock" ] || ! flock -n "$dir/lock" true || e2e_remove "$dir"
	done
}

e2e_end() {
	trap '' INT TERM HUP
	kill -KILL "$child" 2>/dev/null
	wait "$child" 2>/dev/null
	e2e_remove "$E2E"
	exit "$1"
}

if [ -z "${E2E:-}" ]; then
	if ! unshare --net --mount --pid --fork true 2>/dev/null; then
		echo "namespaces are forbidden here (unshare failed)"
		exit 77
	fi
	export E2E
	exec 8<"$E2E_CGROOT"
	flock 8 # nobody takes a directory for a left one that is about to be locked
	e2e_remove_stale
	E2E=$(mktemp -d /tmp/postern-e2e.XXXXXX)
	exec 9>"$E2E/lock"
	flock 9
	exec 8<&-
	trap 'e2e_end 130' INT
	trap 'e2e_end 143' TERM
	trap 'e2e_end 129' HUP
	setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child=KILL --mount-proc \
		bash "$E2E_SELF" "$@" &
	child=$!
	wait $child
	e2e_end $?
fi

# shellcheck disable=SC2034 # for the tests
BACKEND=10.77.0.4
# shellcheck disable=SC2034
BACKEND6='[fd77::4]'
E2E_CGROUP=postern-e2e.${E2E##*.}
E2E_DAEMON=
E2E_PINS=$E2E/bpf/postern
E2E_SOCKET=/run/postern/posternd.sock # where the tests have it that say nothing else

e2e_fail() {
	echo "FAILED: $*"
	[ ! -s "$E2E/log" ] || sed 's/^/  daemon: /' "$E2E/log" | tail -n 20
	[ ! -s "$E2E/events" ] || sed 's/^/  event: /' "$E2E/events" | tail -n 10
	[ -z "$E2E_DAEMON" ] || timeout 5 build/postern status --socket "$E2E_SOCKET" 2>&1 | sed 's/^/  status: /'
	ip -n frontend neigh 2>/dev/null | sed 's/^/  neighbour: /'
	ip netns exec frontend ss -tanH 2>/dev/null | sed 's/^/  frontend: /' | head -n 20
	ip netns exec backend ss -tanH 2>/dev/null | sed 's/^/  backend: /' | head -n 20
	ip netns exec backend nstat -as 2>/dev/null | awk '/Drop|Prune|Pressure|Overflow/ && $2 { print "  backend has counted: " $1, $2 }'
	grep '^TCP:' /proc/net/sockstat | sed 's/^/  memory of all sockets: /'
	exit 1
}

e2e_is() {
	[ "$2" = "$3" ] || e2e_fail "$1: expected '$2', got '$3'"
	echo "ok: $1: $3"
}

e2e_wait() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.05
	done
}

e2e_pod() {
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip link set "$1" master br0 up
	ip -n "$1" link set lo up
	ip -n "$1" link set eth0 up
	ip -n "$1" addr add "10.77.0.$2/24" dev eth0
	ip -n "$1" -6 addr add "fd77::$2/64" dev eth0 nodad
}

e2e_up() {
	mkdir "$E2E_CGROOT/$E2E_CGROUP" || e2e_fail "cannot make a cgroup"
	mount --make-rprivate /
	mkdir -p /run/netns /run/postern "$E2E/bpf"
	mount -t tmpfs tmpfs /run/netns
	mount -t tmpfs tmpfs /run/postern # the control socket's place is this test's alone
	mount -t bpf bpf "$E2E/bpf" || e2e_fail "cannot mount a bpffs"
	# Addresses are ours alone: no second of duplicate detection before they can be used.
	sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	ip link set lo up
	ip link add br0 type bridge
	ip link set br0 up
	ip addr add 10.77.0.1/24 dev br0
	ip -6 addr add fd77::1/64 dev br0 nodad
	e2e_pod frontend 2
	e2e_pod other 3
	e2e_pod backend 4
	e2e_pod admin 5
	: >"$E2E/events"
}

e2e_run() (
	pod=$1
	shift
	# Outside of the cgroup it would go un-judged, and a test would pass for that.
	echo "$BASHPID" >"$E2E_CGROOT/$E2E_CGROUP/cgroup.procs" || exit 125
	exec ip netns exec "$pod" "$@"
)

e2e_nginx() {
	mkdir -p "$E2E/www/api"
	chmod 755 "$E2E"
	head -c 3000000 /dev/zero >"$E2E/www/api/large"
	cat >"$E2E/nginx.conf" <<-N
		worker_processes 1;
		pid $E2E/nginx.pid;
		error_log $E2E/error.log;
		events { worker_connections 4096; }
		http {
			access_log $E2E/access.log;
			keepalive_requests 1000000;
			client_max_body_size 200m;
			client_body_temp_path $E2E/body;
			default_type text/plain;
			server {
				listen 8080 backlog=4096;
				listen [::]:8080 backlog=4096;
				listen 8081;
				listen [::]:8081;
				location / { return 200 "hello from \$uri\n"; }
				location /api/204 { return 204; }
				location /api/304 { return 304; }
				location /api/large { root $E2E/www; }
			}
		}
	N
	e2e_run backend nginx -c "$E2E/nginx.conf" || e2e_fail "nginx does not start"
}

e2e_posternd() {
	: >"$E2E/log"
	"${E2E_BINARY:-build/posternd}" --cgroup "$E2E_CGROUP" --pin-dir "$E2E_PINS" --events-file "$E2E/events" "$@" \
		2>"$E2E/log" &
	E2E_DAEMON=$!
	e2e_wait "${E2E_START:-30}" grep -q 'enforcing below' "$E2E/log" || e2e_fail "posternd does not start"
}

e2e_stop() {
	kill -TERM "$E2E_DAEMON"
	wait "$E2E_DAEMON" || e2e_fail "posternd ended with $?"
	E2E_DAEMON=
	build/posternd --detach --pin-dir "$E2E_PINS" 2>>"$E2E/log" || e2e_fail "posternd --detach ended with $?"
}

e2e_leave() {
	kill -"${1:-KILL}" "$E2E_DAEMON"
	wait "$E2E_DAEMON" 2>/dev/null
	E2E_DAEMON=
}

e2e_http() {
	local pod=$1 out
	shift
	if out=$(e2e_run "$pod" curl -sS --max-time 3 -w '\n%{http_code}' "$@" 2>"$E2E/curl.err"); then
		printf '%s %s\n' "${out##*$'\n'}" "$(printf '%s' "${out%$'\n'*}" | tr -d '\r\n')"
	else
		echo none
	fi
}

# The daemon reports everything that was decided before a question; who is not there, or does not listen, reports
# nothing more.
e2e_events() {
	[ -z "$E2E_DAEMON" ] || timeout 5 build/postern status --socket "$E2E_SOCKET" >/dev/null 2>&1
	grep -cE "$1" "$E2E/events"
}
