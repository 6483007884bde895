#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rules belong to their peer: what one pod may do, the other may not. Egress binds the client, whoever answers.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
INVENTORY="--inventory testdata/inventory/demo.yaml"
code() { e2e_http "$@" -o /dev/null | tr -d ' '; }

# shellcheck disable=SC2086
e2e_posternd --policy testdata/policies/good/two-rules.yaml $INVENTORY --courtesy off
for to in "$BACKEND" "$BACKEND6"; do
	U=http://$to:8080
	e2e_is "frontend reads the API" 200 "$(code frontend "$U/api/x")"
	e2e_is "frontend asks with HEAD" 200 "$(code frontend -I "$U/api/x")"
	e2e_is "frontend does as admin" 403 "$(code frontend -X POST -d x "$U/admin/x")"
	e2e_is "admin changes something" 200 "$(code admin -X POST -d x "$U/admin/x")"
	e2e_is "admin deletes something" 200 "$(code admin -X DELETE "$U/admin/x")"
	e2e_is "admin does as frontend" 403 "$(code admin "$U/api/x")"
	e2e_is "other gets no answer" none "$(code other --max-time 1 "$U/api/x")"
done
# Reading the log at once would race with nginx, which writes it after the answer.
seen() { [ "$(wc -l <"$E2E/access.log")" -eq 8 ]; }
e2e_wait 3 seen || e2e_fail "nginx has seen $(wc -l <"$E2E/access.log") requests, not 8"
e2e_stop

: >"$E2E/access.log"
: >"$E2E/events"
for courtesy in off on; do
	# shellcheck disable=SC2086
	e2e_posternd --policy testdata/policies/good/frontend-egress.yaml $INVENTORY --courtesy $courtesy
	for to in "$BACKEND" "$BACKEND6"; do
		U=http://$to:8080
		e2e_is "courtesy $courtesy: egress allows" 200 "$(code frontend "$U/healthz")"
		e2e_is "courtesy $courtesy: egress denies the path" 403 "$(code frontend "$U/secret")"
		e2e_is "courtesy $courtesy: egress denies the method" 403 "$(code frontend -X DELETE "$U/api/x")"
		e2e_is "courtesy $courtesy: egress denies the port" none "$(code frontend --max-time 1 "http://$to:8081/healthz")"
		e2e_is "courtesy $courtesy: a pod without policy is free" 200 "$(code other -X DELETE "$U/secret")"
	done
	e2e_stop
done
e2e_is "denials, by name and direction" 8 "$(e2e_events '"direction":"egress","verdict":"deny","reason":"no-rule-l7"')"
e2e_is "the frontend's denied requests that arrived" 0 "$(grep -E '^(10.77.0.2|fd77::2) ' "$E2E/access.log" | grep -cE 'secret|DELETE')"
