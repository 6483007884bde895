#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Connections through the proxy outlive a new policy. When the proxy or the daemon is killed they end, and new ones are
# denied by name until it is back; what the kernel judges notices nothing.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
N=tests/e2e/names.py
e2e_names backend 8080 8081

# policy VALUE: the proxy adds X-Added: VALUE on port 8080; the kernel judges on 8081.
policy() {
	{ e2e_rules changes backend ingress frontend && e2e_added X-Added "$1" 8080 && e2e_judged 8081; } >"$E2E/policy.new"
	mv "$E2E/policy.new" "$E2E/policy.yaml"
}
in_force() { grep -q "generation $1 is in force" "$E2E/log"; }

# hold NAME PORT: a connection that asks once and then at each "again NAME"; its answers are lines of $E2E/NAME.
declare -A TO
hold() {
	rm -f "$E2E/$1" "$E2E/$1.in"
	mkfifo "$E2E/$1.in"
	e2e_run frontend python3 $N hold 10.77.0.4 "$2" /api/x <"$E2E/$1.in" >"$E2E/$1" &
	exec {TO[$1]}>"$E2E/$1.in"
	e2e_wait 20 test -s "$E2E/$1" || e2e_fail "$1 has no first answer"
}
# again NAME: status and value of the header, or the error.
again() {
	local n
	n=$(wc -l <"$E2E/$1")
	echo >&"${TO[$1]}"
	more() { [ "$(wc -l <"$E2E/$1")" -gt "$n" ]; }
	e2e_wait 20 more "$1" || { echo nothing; return; }
	awk 'END { print $4 ~ /^[0-9]+$/ ? $4 " " $NF : "ended" }' "$E2E/$1"
}
ask() { e2e_http frontend --max-time "${2:-5}" "http://10.77.0.4:$1/api/x" | awk '{ print $1, $NF }'; }
through_the_proxy() { [ "$(ask 8080)" = "200 ${1:-two}" ]; }

policy one
e2e_start
hold proxied 8080
hold judged 8081
e2e_is "through the proxy" "200 one" "$(ask 8080)"
policy two
e2e_wait 20 in_force 2 || e2e_fail "the policy is not read again"
e2e_is "the open connection, by the new policy" "200 two" "$(again proxied)"
e2e_is "the other one" "200 -" "$(again judged)"

for round in 1 2; do
	hold "killed$round" 8080
	pkill -KILL -x postern-proxy
	e2e_is "a new connection while the proxy is gone ($round)" "403 denied" "$(ask 8080)"
	e2e_is "the one through the proxy" ended "$(again "killed$round")"
	e2e_is "the one that the kernel judges" "200 -" "$(again judged)"
	e2e_is "and a new one there" "200 -" "$(ask 8081)"
	e2e_wait 20 through_the_proxy || e2e_fail "the proxy does not come back: $(ask 8080)"
done
[ "$(e2e_events '"reason":"fallback-unavailable"')" -ge 2 ] || e2e_fail "the denials have no name"

hold orphan 8080
e2e_leave KILL
e2e_is "the daemon is killed: the one through the proxy" ended "$(again orphan)"
e2e_is "a new one" "none none" "$(ask 8080 1)"
e2e_is "the one that the kernel judges, since the beginning" "200 -" "$(again judged)"
gone() { ! pgrep -x postern-proxy; }
e2e_wait 10 gone || e2e_fail "the proxy outlives its daemon"
e2e_start
e2e_wait 20 through_the_proxy || e2e_fail "the proxy is not there with the next daemon: $(ask 8080)"
e2e_is "the one that the kernel judges, under the next daemon" "200 -" "$(again judged)"
e2e_stop
