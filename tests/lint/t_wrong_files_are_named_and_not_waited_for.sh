#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Files that options name and that are a pipe without another end, a directory or nothing; standard descriptors
# that are closed or have no room. Each call ends by itself, with the status that its help promises, says why
# in one line, and writes no result.

set -u
cd "$TOP" || exit 1
policy=testdata/policies/good/backend-api.yaml
asked="--policy $policy --direction ingress --from app=frontend --to app=backend --port 8080"
pipe=$SCRATCH/pipe
mkfifo "$pipe"
failed=0
fail() { echo "FAILED: $*"; failed=1; }

# call STATUS TEXT WORDS...: TEXT on standard error, on one line, and nothing on standard output.
call() {
	local status=$1 text=$2 found
	shift 2
	timeout 10 "$POSTERN" "$@" </dev/null >"$SCRATCH/out" 2>"$SCRATCH/err"
	found=$?
	[ $found = "$status" ] || fail "postern $*: status $found, expected $status"
	grep -qF "$text" "$SCRATCH/err" || fail "postern $*: $(cat "$SCRATCH/err"), expected $text"
	[ "$(grep -c error: "$SCRATCH/err")" -le 1 ] || fail "postern $*: $(cat "$SCRATCH/err")"
	[ ! -s "$SCRATCH/out" ] || fail "postern $*: $(cat "$SCRATCH/out")"
}

# Reading: nobody writes to it.
not="not a regular file; \"-\" reads standard input"
call 3 "$not" compile "$pipe" -o "$SCRATCH/bundle"
call 3 "$not" explain $asked --raw "$pipe"
call 3 "$not" explain $asked --inventory "$pipe"
call 3 "$not" explain --cases "$pipe"
call 3 "$not" test "$pipe"
call 3 "$not" diff "$pipe" $policy
call 3 "$not" observe --input-file "$pipe"
call 3 "pipe: not a regular file" inspect "$pipe"
# For the linter it is a finding.
for option in --baseline --config; do
	timeout 10 "$POSTERN" lint $option "$pipe" $policy >"$SCRATCH/out" 2>/dev/null
	found=$?
	[ $found = 1 ] && grep -q "pipe: error: not a regular file.* \[" "$SCRATCH/out" ||
		fail "lint $option with a pipe: $found, $(cat "$SCRATCH/out")"
done

# The shell has begun who writes: what there is is read to its end.
"$POSTERN" compile <(sleep 0.2; cat $policy) -o "$SCRATCH/bundle" >"$SCRATCH/out" || fail "compile <(command): status $?"
"$POSTERN" inspect "$SCRATCH/bundle" >"$SCRATCH/out" || fail "the bundle of <(command): status $?"
"$POSTERN" explain $asked --inventory <(cat testdata/inventory/demo.yaml) \
	--raw <(printf 'GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n') >"$SCRATCH/out" || fail "explain <(command): status $?"
"$POSTERN" lint -q --write-baseline "$SCRATCH/baseline" $policy || fail "lint --write-baseline: status $?"
"$POSTERN" lint --fail-on info --baseline <(cat "$SCRATCH/baseline") $policy >"$SCRATCH/out" ||
	fail "lint --baseline <(command): status $?, $(cat "$SCRATCH/out")"
cat $policy | "$POSTERN" lint -q /dev/stdin >"$SCRATCH/out" || fail "lint /dev/stdin: status $?, $(cat "$SCRATCH/out")"

# Writing: nobody reads it.
nobody="pipe: nobody reads this pipe"
call 3 "$nobody" lint $policy -o "$pipe"
call 3 "$nobody" lint $policy --write-baseline "$pipe"
call 3 "$nobody" test testdata/tests -o "$pipe"
call 3 "$nobody" diff $policy $policy -o "$pipe"
call 3 "$nobody" compile $policy -o "$pipe"
# Somebody does.
cat "$pipe" >"$SCRATCH/got" &
timeout 10 "$POSTERN" lint -q --format json -o "$pipe" $policy || fail "a pipe that is read: status $?"
wait $!
grep -q '"findings"' "$SCRATCH/got" || fail "a pipe that is read got $(cat "$SCRATCH/got")"
"$POSTERN" lint -q --format json -o >(cat >"$SCRATCH/got2") $policy || fail "a process that reads: status $?"

# Standard input in the place of a file; it may be endless, and then not for the memory.
ulimit -v 4000000
printf 'GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n' | "$POSTERN" explain $asked --raw - |
	grep -q '^0 allow' || fail "--raw - does not read standard input"
head -n 1 testdata/semantics/cases.jsonl | sed 's,demo.yaml,testdata/semantics/demo.yaml,' |
	"$POSTERN" explain --cases - 2>/dev/null | grep -q '"met":true' || fail "--cases - does not read standard input"
"$POSTERN" explain --cases - </dev/zero 2>&1 | grep -q '<stdin>:1: the line is longer than 16 MiB' ||
	fail "an endless line of --cases"
timeout 20 "$POSTERN" regex a </dev/zero 2>&1 | grep -q '<stdin>:1: the line is longer than 16 MiB' || fail "an endless line of regex"
timeout 20 "$POSTERN" observe --input-file - </dev/zero 2>&1 | grep -q -- '-:1: the line is longer' || fail "an endless line of observe"
"$POSTERN" explain $asked --raw - </dev/zero 2>&1 | grep -q 'larger than 64 MiB' || fail "endless bytes of --raw"

# No room, or nowhere to write to.
for words in "lint $policy" "lint --rules" "explain $asked" "explain --cases testdata/semantics/cases.jsonl" \
	"regex --format json a" "completion bash" --version; do
	for where in full closed; do
		if [ $where = full ]; then
			"$POSTERN" $words >/dev/full 2>"$SCRATCH/err"
		else
			"$POSTERN" $words >&- 2>"$SCRATCH/err"
		fi
		found=$?
		[ $found = 3 ] || fail "postern $words, standard output $where: status $found"
		[ "$(grep -c error: "$SCRATCH/err")" = 1 ] ||
			fail "postern $words, standard output $where: $(cat "$SCRATCH/err")"
	done
done

# A reader that goes takes the command along without a word.
"$POSTERN" help --man 2>"$SCRATCH/err" | head -n 1 >/dev/null
[ ! -s "$SCRATCH/err" ] || fail "into head: $(cat "$SCRATCH/err")"

# What is told on standard error does not go to the daemon where that is closed.
python3 - "$POSTERN" "$SCRATCH/socket" <<'EOF' || failed=1
import socket, subprocess, sys
postern, path = sys.argv[1:]
daemon = socket.socket(socket.AF_UNIX)
daemon.bind(path)
daemon.listen()
daemon.settimeout(10)
command = subprocess.Popen(["sh", "-c", 'exec "$0" observe --socket "$1" 2>&-', postern, path], stdout=subprocess.DEVNULL)
client = daemon.accept()[0]
client.settimeout(10)
client.recv(4096)
client.sendall(b'{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"3"}}\n')
client.shutdown(socket.SHUT_WR)
more = client.recv(4096)
command.wait(10)
if more:
    sys.exit("FAILED: the daemon was told %r" % more)
EOF

call 2 'there is no verb "nosuch"' help nosuch
exit $failed
