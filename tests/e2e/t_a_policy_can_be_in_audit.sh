#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# postern.io/audit: "true" on one policy of two: what it alone restricts is told as AUDIT and passes, at L3/L4 and at L7;
# what the other restricts is denied. When the annotation goes, the same file is enforced.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
sed 's/^metadata:/metadata:\n  annotations:\n    postern.io\/audit: "true"/' testdata/policies/good/backend-api.yaml >"$E2E/audited.yaml"
sed 's/app: backend/app: admin/; s/name: backend-api/name: admin-api/' testdata/policies/good/backend-api.yaml >"$E2E/strict.yaml"
e2e_posternd --policy "$E2E/audited.yaml" --policy "$E2E/strict.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
e2e_run admin bash -c "cd $E2E && exec python3 -m http.server 8080" >/dev/null 2>&1 &
up() { e2e_run admin curl -s -o /dev/null --max-time 1 http://127.0.0.1:8080/; }
e2e_wait 10 up || e2e_fail "the admin's server does not start"
count() { build/postern observe --all "$@" -o json | grep -c '"flow"'; }
has() { [ "$(count "${@:2}")" -ge "$1" ]; }

e2e_is "a denied request passes" "200 hello from /admin" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
e2e_wait 5 has 1 --verdict AUDIT --protocol http || e2e_fail "not told: $(build/postern observe --all)"
e2e_is "on one connection, each" "hello from /admin hello from /api/x hello from /admin" \
	"$(e2e_run frontend curl -s "http://$BACKEND6:8080/admin" "http://$BACKEND6:8080/api/x" "http://$BACKEND6:8080/admin" | tr '\n' ' ' | sed 's/ $//')"
e2e_wait 5 has 3 --verdict AUDIT --protocol http || e2e_fail "not told: $(build/postern observe --all)"
e2e_is "a stranger gets in" "200 hello from /" "$(e2e_http other "http://$BACKEND:8080/")"
e2e_wait 5 has 1 --verdict AUDIT --from-pod other || e2e_fail "not told: $(build/postern observe --all)"
e2e_is "ping" 0 "$(e2e_run other ping -c 1 -W 1 $BACKEND >/dev/null; echo $?)"
e2e_is "nothing to the backend is dropped" 0 "$(count --verdict DROPPED --to-pod backend)"

e2e_is "what the other policy denies is denied" "403 Access denied" "$(e2e_http frontend http://10.77.0.5:8080/admin)"
e2e_is "and strangers are" none "$(e2e_http other --max-time 1 http://10.77.0.5:8080/)"
e2e_wait 5 has 1 --verdict DROPPED --to-pod admin --protocol http || e2e_fail "not told: $(build/postern observe --all)"
e2e_is "endpoints" "audit enforced" "$(build/postern endpoints | awk '$1 == "default/backend" { b = $3 } $1 == "default/admin" { a = $3 } END { print b, a }')"

sed -i 's/"true"/"false"/' "$E2E/audited.yaml"
enforced() { grep -q 'enforced' <(build/postern endpoints | grep '^default/backend '); }
e2e_wait 5 enforced || e2e_fail "the annotation has gone, the audit has not"
e2e_is "then it is denied" "403 Access denied" "$(e2e_http frontend "http://$BACKEND:8080/admin")"
e2e_is "and strangers are, too" none "$(e2e_http other --max-time 1 "http://$BACKEND:8080/")"
exit 0
