#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Policies are parsed in a process without rights. When it dies or is stopped, what is published stays in force, the
# status and the metrics say so, and the next one goes on; without a last good version it changes nothing.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
GOOD=testdata/policies/good/backend-api.yaml
cp $GOOD "$E2E/p.yaml"
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --courtesy off --metrics 127.0.0.1:9970
ask() { e2e_http frontend "http://$BACKEND:8080$1"; }
put() { cp "$1" "$E2E/new" && mv "$E2E/new" "$E2E/p.yaml"; }
status() { build/postern status --format json | python3 -c "import json,sys; s=json.load(sys.stdin); print($1)"; }
metric() { curl -sS http://127.0.0.1:9970/metrics | sed -n "s/^$1 //p"; }
reader() { pgrep -x postern-reader; }
generation() { grep -q "generation $1 is in force" "$E2E/log"; }
sed 's,/api/,/v2/,' $GOOD >"$E2E/v2.yaml"
sed 's,/api/,/v3/,' $GOOD >"$E2E/v3.yaml"
sed 's/fromEndpoints/fromEndpoint/' $GOOD >"$E2E/bad.yaml"

pid=$(reader)
e2e_is "its parent is the daemon" "$E2E_DAEMON" "$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")"
e2e_is "capabilities (DAC_READ_SEARCH), no_new_privs, seccomp" "0000000000000004 0000000000000004 1 2" \
	"$(awk '/^(CapPrm|CapEff|NoNewPrivs|Seccomp):/ { printf "%s%s", sep, $2; sep = " " }' "/proc/$pid/status")"
e2e_is "descriptors: its own, and the daemon's socket, and a pipe for what it says" \
	"/dev/null /dev/null pipe socket anon_inode:[eventpoll] anon_inode:inotify anon_inode:[timerfd]" \
	"$(for fd in 0 1 2 3 4 5 6 7 8 9; do readlink "/proc/$pid/fd/$fd"; done | sed 's/:\[[0-9]*\]//' | paste -sd' ')"

# It dies.
kill -KILL "$pid"
e2e_wait 20 grep -q 'the reader of files was ended by signal 9' "$E2E/log" || e2e_fail "its end is not told"
e2e_wait 20 generation 2 || e2e_fail "it is not started again"
[ "$(reader)" != "$pid" ] || e2e_fail "it is the same"
e2e_is "what is in force" "200 hello from /api/x" "$(ask /api/x)"
e2e_is "it is counted" "1 1" "$(metric postern_reader_ends_total) $(metric postern_reader_up)"
e2e_is "in the status, too" "1 running ok" "$(status "s['reader']['ends'], s['reader']['state'], s['health']" | tr -d "(,')")"
put "$E2E/v2.yaml"
e2e_wait 20 generation 3 || e2e_fail "the next one does not read"
e2e_is "a change" "200 hello from /v2/x" "$(ask /v2/x)"

# It dies while a file is wrong: the last good version is known to nobody, and stays in force.
put "$E2E/bad.yaml"
e2e_wait 20 grep -q 'generation 3 stays in force' "$E2E/log" || e2e_fail "the bad file is not reported"
grep -qE "^posternd: reader: $E2E/p.yaml:[0-9]+:[0-9]+: error: .*fromEndpoint" "$E2E/log" || e2e_fail "it is not said by whom"
kill -KILL "$(reader)"
e2e_wait 20 grep -q 'what was good last is not known any more' "$E2E/log" || e2e_fail "the second end is not told"
e2e_is "generation" 3 "$(status "s['generation']")"
e2e_is "the last good policy holds" "200 hello from /v2/x" "$(ask /v2/x)"
e2e_is "and denies" "403 Access denied" "$(ask /api/x)"
grep -q '^reader *running, ended 2 times; what was good last' <(build/postern status) || e2e_fail "$(build/postern status | head -5)"
kill -HUP "$E2E_DAEMON" # changes nothing
put "$E2E/v3.yaml"
e2e_wait 20 generation 4 || e2e_fail "the mended file is not taken"
e2e_is "mended" "200 hello from /v3/x" "$(ask /v3/x)"

# Nobody reads: the daemon judges, and answers.
kill -STOP "$(reader)"
put $GOOD
kill -HUP "$E2E_DAEMON"
e2e_is "while it is stopped" "200 hello from /v3/x" "$(ask /v3/x)"
e2e_is "the daemon answers" 4 "$(status "s['generation']")"
kill -CONT "$(reader)"
e2e_wait 20 generation 5 || e2e_fail "it does not go on"
e2e_is "after that" "200 hello from /api/x" "$(ask /api/x)"

# It ends with the daemon.
pid=$(reader)
e2e_leave KILL
gone() { ! kill -0 "$pid"; }
e2e_wait 20 gone || e2e_fail "it outlives the daemon"
e2e_is "what is pinned is in force" none "$(ask /v3/x)"
exit 0
