#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A proxy that was taken over says what nobody asked, says half of it, or nothing, sends descriptors, and tells of verdicts
# that are none of its own or none at all: it is ended by name and counted, the daemon goes on, the log tells whose words
# are whose, and flows whose verdicts.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
e2e_names backend 8080 8081
{ e2e_rules both backend ingress frontend && e2e_added X-Added v 8080 && e2e_judged 8081; } >"$E2E/policy.yaml"
export HOSTILE=$E2E
# Its number among the reasons: that of the row, from 0.
NO_RULE_L7=$(($(grep -E '^\s*X\([A-Z0-9_]+, "' bpf/reason.h | grep -n '"no-rule-l7"' | cut -d: -f1) - 1))
export NO_RULE_L7
e2e_start --metrics 127.0.0.1:9970 --proxy tests/e2e/hostile_proxy.py
ask() { e2e_http frontend --max-time 5 "http://10.77.0.4:$1/api/x" | awk '{ print $1, $NF }'; }
ends() { curl -sS http://127.0.0.1:9970/metrics | sed -n 's/^postern_proxy_ends_total //p'; }
starts() { [ "$(stat -c %s "$E2E/starts")" -ge "$1" ]; }
# told N WHY: it was said N times.
told() { [ "$(grep -c "the proxy is ended: $2" "$E2E/log")" -ge "$1" ]; }

e2e_wait 20 told 1 'it says what nobody has asked' || e2e_fail "the flood goes on: $(tail -3 "$E2E/log")"
e2e_wait 20 told 1 'what it says is no message' || e2e_fail "half a message is taken: $(tail -3 "$E2E/log")"
e2e_wait 20 told 2 'it says what nobody has asked' || e2e_fail "an answer may be given twice: $(tail -3 "$E2E/log")"
e2e_wait 20 told 1 'a verdict of it is wrong: a workload that is not its own' || e2e_fail "it tells of others: $(tail -3 "$E2E/log")"
e2e_wait 30 told 1 'a verdict of it is wrong: no record' || e2e_fail "what is no record is taken: $(tail -3 "$E2E/log")"
e2e_wait 40 starts 6 || e2e_fail "no sixth start"
# In hundredths of a second; a pipe that is closed is there to be read for ever.
ran() { awk '{ print $14 + $15 }' "/proc/$E2E_DAEMON/stat"; }
before=$(ran); sleep 1
[ $(($(ran) - before)) -lt 40 ] || e2e_fail "the daemon does not rest when the proxy has closed its pipe: $(($(ran) - before))"
e2e_is "the daemon answers while the proxy does not" ok \
	"$(timeout 5 build/postern status --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)["health"])')"
e2e_is "what the kernel judges" "200 -" "$(ask 8081)"
e2e_is "what the proxy would judge" "403 denied" "$(ask 8080)"
build/postern observe --all -o json >"$E2E/flows"
e2e_is "what it made up of its own workload is told as its own" 1 "$(grep -c '/forged.*"judged_by":"proxy"' "$E2E/flows")"
e2e_is "and nothing else" 1 "$(grep -c forged "$E2E/flows")"
e2e_is "the line says so, too" 1 "$(grep -c '"reason":"no-rule-l7".*/forged.*"judged_by":"proxy"' "$E2E/events")"
! grep -q $'\x1b\|s3cret' "$E2E/flows" "$E2E/events" || e2e_fail "its bytes are told as they are"
grep -q 'proxy: the wish cannot be written' "$E2E/log" || e2e_fail "it writes what the daemon wishes"
e2e_wait 40 told 1 'it does not answer' || e2e_fail "silence is not noticed: $(tail -3 "$E2E/log")"
[ "$(ends)" -ge 6 ] || e2e_fail "ends that are counted: $(ends)"

grep -q '^posternd: proxy: posternd: generation 99' "$E2E/log" || e2e_fail "its words are not told as its own"
! grep -qE '^(posternd: generation 99|<0>forged)' "$E2E/log" || e2e_fail "it speaks in the daemon's name"
! grep -q $'\x1b' "$E2E/log" || e2e_fail "it writes to terminals"
e2e_is "the longest line" 1 "$(awk '{ if (length > n) n = length } END { print n < 1200 }' "$E2E/log")"
grep -q 'proxy: nothing can be sent' "$E2E/log" || e2e_fail "the daemon is sent descriptors"
! grep -q 'a descriptor was sent' "$E2E/log" || e2e_fail "the daemon is sent descriptors"
exit 0
