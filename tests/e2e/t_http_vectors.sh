#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The golden requests that the native tests judge, through real sockets: the same verdict and the same reason.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --proxy off --policy testdata/http/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy off --events all
# Long heads leave in one piece on a link like this only.
for pod in frontend backend; do
	ip -n $pod link set eth0 mtu 65000
	ip link set $pod mtu 65000
done
ip link set br0 mtu 65000
wrong=0 count=0
while read -r name verdict expected port; do
	count=$((count + 1))
	want=deny reason=$expected
	[ "$expected" != allow ] || want=allow reason=rule-matched
	# The kernel waits for the rest of an unfinished head: no answer, and nothing to report.
	[ "$expected:$verdict" != head-split:deny ] || continue
	event() { grep -q "\"reason\":\"$reason\".*\"client\":\"10.77.0.2:$port\"" "$E2E/events"; }
	if [ "$verdict" != $want ] || ! e2e_wait 2 event; then
		echo "$name: expected $want $reason, found $verdict;" \
			"$(grep -o "\"reason\":\"[^\"]*\".*\"client\":\"10.77.0.2:$port\"" "$E2E/events")"
		wrong=$((wrong + 1))
	fi
done < <(e2e_run frontend timeout 100 python3 tests/e2e/vectors.py testdata/http/requests.md $BACKEND 8080)
[ $count -gt 100 ] || e2e_fail "only $count vectors"
e2e_is "vectors with another verdict, of $count" 0 $wrong
