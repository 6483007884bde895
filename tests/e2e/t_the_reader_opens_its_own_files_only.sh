#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The process that parses policies cannot open what is beside their directory, although it is root. When their path leads
# elsewhere, or the directory is another one, it ends, and the next one reads there; what was in force stays until then.
. "$(dirname "$0")/lib.sh"
python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) <= 0)' || { echo "needs Landlock"; exit 77; }
e2e_up
e2e_nginx
mkdir "$E2E/one" "$E2E/two"
cp testdata/policies/good/backend-api.yaml "$E2E/one/p.yaml"
sed 's,/api/,/v2/,' testdata/policies/good/backend-api.yaml >"$E2E/two/p.yaml"
ln -s one "$E2E/now"
e2e_posternd --policy "$E2E/now" --inventory testdata/inventory/demo.yaml --courtesy off
ask() { e2e_http frontend "http://$BACKEND:8080$1"; }
status() { build/postern status --format json | python3 -c "import json,sys; print(json.load(sys.stdin)['reader']['$1'])"; }
generation() { grep -q "generation $1 is in force" "$E2E/log"; }

e2e_is "the status says that it is confined" True "$(status files_confined)"
e2e_is "to begin with" "200 hello from /api/x" "$(ask /api/x)"
# Replaced within the directory: the same process goes on.
sed 's,/api/,/v1/,' testdata/policies/good/backend-api.yaml >"$E2E/one/new"
mv "$E2E/one/new" "$E2E/one/p.yaml"
e2e_wait 20 generation 2 || e2e_fail "a file that is replaced is not read"
e2e_is "by the same process" 0 "$(status ends)"

ln -s two "$E2E/next"
mv -T "$E2E/next" "$E2E/now"
e2e_wait 20 generation 3 || e2e_fail "it does not follow: $(tail -3 "$E2E/log")"
grep -q "reader: .*cannot watch .*/two: Permission denied" "$E2E/log" || e2e_fail "it could open what is beside its directory"
e2e_is "by another process" 1 "$(status ends)"
e2e_is "what is there" "200 hello from /v2/x" "$(ask /v2/x)"
e2e_is "and no more what was" "403 Access denied" "$(ask /v1/x)"

# A directory of the same name is not the same directory.
mv "$E2E/two" "$E2E/old"
mkdir "$E2E/two"
cp testdata/policies/good/backend-api.yaml "$E2E/two/p.yaml"
again() { [ "$(ask /api/x)" = "200 hello from /api/x" ]; }
e2e_wait 20 again || e2e_fail "it does not see the new directory: $(tail -3 "$E2E/log")"
exit 0
