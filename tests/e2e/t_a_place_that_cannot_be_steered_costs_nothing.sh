#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pod's network namespace takes no further program that steers connections: the daemon tries again and again, its
# proxy keeps no listener of a trial that failed, what the kernel cannot judge is denied, and all is well when there is
# room again.
. "$(dirname "$0")/lib_proxy.sh"
e2e_up
e2e_nginx
{ e2e_rules changes backend ingress frontend && e2e_added X-Added by-policy 8080; } >"$E2E/policy.yaml"
e2e_run backend python3 tests/e2e/steered.py "$E2E/room" >"$E2E/steered" &
e2e_wait 10 test -s "$E2E/steered" || e2e_fail "no namespace is filled"
echo "programs that steer, and why no more: $(cat "$E2E/steered")"

e2e_start
failed() { grep -c 'cannot steer connections to the proxy' "$E2E/log"; }
more_than() { [ "$(failed)" -gt "$1" ]; }
e2e_wait 10 more_than 0 || e2e_fail "nobody has failed"
descriptors() { ls "/proc/$(pgrep -x postern-proxy | head -n 1)/fd" | wc -l; }
before=$(descriptors)
e2e_wait 20 more_than $(($(failed) + 3)) || e2e_fail "nobody has tried again"
e2e_is "descriptors of the proxy, some trials later" "$before" "$(descriptors)"
e2e_is "what the kernel cannot judge, meanwhile" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/api/x")"
e2e_is "by name" 1 "$(e2e_events '"reason":"fallback-unavailable"')"

touch "$E2E/room"
served() { [ "$(e2e_http frontend "http://$BACKEND:8080/api/x")" = "200 hello from /api/x" ]; }
e2e_wait 20 served || e2e_fail "it does not recover"
e2e_stop
