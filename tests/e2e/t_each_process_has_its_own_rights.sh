#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What each process may do once the daemon has started: capabilities, system calls, nothing new ever. With those of the
# unit and no others everything works, a proxy that hangs is replaced, and each that is missing is named.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
UNIT=$(sed -n 's/^CapabilityBoundingSet=//p' packaging/debian/postern.posternd.service | tr 'A-Z' 'a-z')
bounded() { setpriv --bounding-set "$1" "${@:2}"; }
only() { echo "-all$(printf ',+%s' "$@" | sed 's/cap_//g')"; }
mask() { # the hexadecimal form of the names
	python3 - "$@" <<-'END'
		import re, sys
		text = open("/usr/include/linux/capability.h").read()
		number = dict(re.findall(r"#define (CAP_\w+)\s+(\d+)$", text, re.M))
		print("%016x" % sum(1 << int(number[n]) for n in sys.argv[1:]))
	END
}
rights() { awk '/^(CapPrm|CapEff|NoNewPrivs|Seccomp):/ { printf "%s%s", sep, $2; sep = " " }' "/proc/$1/status"; }
has() { # PID SECCOMP CAP...
	local want
	want=$(mask "${@:3}")
	e2e_is "rights of $(cat "/proc/$1/comm")" "$want $want 1 $2" "$(rights "$1")"
}
child() { pgrep -P "$E2E_DAEMON" -x "$1"; }

# shellcheck disable=SC2086 # words
cat >"$E2E/bounded" <<END
#!/bin/sh
exec setpriv --bounding-set $(only $UNIT) build/posternd "\$@"
END
chmod +x "$E2E/bounded"
# A rule that the kernel cannot judge: with a proxy.
sed 's|path: .*|path: "/api/.*"\n                headerMatches: [{name: X-A, mismatch: ADD, value: b}]|' \
	testdata/policies/good/backend-api.yaml >"$E2E/p.yaml"
E2E_BINARY=$E2E/bounded e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off \
	--metrics 127.0.0.1:9970
ask() { e2e_http frontend "http://$BACKEND:8080/api/x"; }
proxied() { [ "$(ask)" = "200 hello from /api/x" ] && child postern-proxy >/dev/null; }
e2e_wait 30 proxied || e2e_fail "not through the proxy: $(ask)"

has "$E2E_DAEMON" 2 CAP_BPF CAP_PERFMON CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_KILL
has "$(child postern-starter)" 0 CAP_BPF CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SETUID CAP_SETGID
has "$(child postern-helper)" 2 CAP_BPF CAP_NET_ADMIN CAP_SYS_ADMIN
has "$(child postern-reader)" 2
has "$(child postern-proxy)" 2

# One that hangs: nobody's process is ended by root only with CAP_KILL.
old=$(child postern-proxy)
kill -STOP "$old"
kill -HUP "$E2E_DAEMON"
another() { [ "$(child postern-proxy)" != "$old" ] && proxied; }
e2e_wait 60 another || e2e_fail "the proxy that hangs is not replaced"
e2e_is "calls that are not on the daemon's list" 0 \
	"$(curl -sS http://127.0.0.1:9970/metrics | sed -n 's/^postern_refused_calls_total //p')"

# Without the starter nothing could be started again: the daemon ends, what is pinned judges.
kill -KILL "$(child postern-starter)"
wait "$E2E_DAEMON"
e2e_is "the daemon without its starter" 3 $?
E2E_DAEMON=
grep -q 'the starter of processes has ended' "$E2E/log" || e2e_fail "$(cat "$E2E/log")"
build/posternd --detach --pin-dir "$E2E_PINS" 2>>"$E2E/log" || e2e_fail "posternd --detach ended with $?"

# Each of the unit's is asked for by name.
for cap in $UNIT; do
	bounded "-${cap#cap_}" build/posternd --probe >"$E2E/probe"
	e2e_is "without $cap" "bad ${cap^^}" "$(awk '/^bad *CAP_/ { print $1, $2 }' "$E2E/probe")"
	grep -A1 "${cap^^}" "$E2E/probe" | grep -q -- '-> .' || e2e_fail "what follows is not said"
done
bounded -bpf build/posternd --policy testdata/policies/good/backend-api.yaml --pin-dir "$E2E_PINS" \
	--cgroup "$E2E_CGROUP" 2>"$E2E/err"
e2e_is "a start without CAP_BPF" 3 $?
grep -q 'this user, cannot enforce' "$E2E/err" || e2e_fail "$(cat "$E2E/err")"
exit 0
