#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rules for the userspace proxy, and no proxy: every request is denied by name, wherever a connection's numbers begin.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
e2e_nginx
{ e2e_rules changes backend ingress frontend && e2e_added X-Added by-policy 8080; } >"$E2E/policy.yaml"
e2e_start --proxy off
for _ in $(seq 8); do
	for to in $BACKEND "$BACKEND6"; do
		e2e_http frontend "http://$to:8080/api/x"
	done
done >"$E2E/answers"
e2e_is "answers" "16 403 Access denied" "$(sort "$E2E/answers" | uniq -c | sed 's/^ *//')"
e2e_is "denials, by name" 16 "$(e2e_events '"verdict":"deny","reason":"fallback-unavailable","answer":"daemon"')"
sleep 1 # for what would be repeated
e2e_is "requests that arrived" 0 "$(wc -l <"$E2E/access.log")"
e2e_stop
