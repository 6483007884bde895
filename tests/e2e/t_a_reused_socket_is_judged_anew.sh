#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# connect(AF_UNSPEC) dissolves a connection and keeps the socket, with all that was remembered about it. A body that
# the old connection still owed must not swallow the requests of the new one.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --policy testdata/policies/good/frontend-egress.yaml --inventory testdata/inventory/demo.yaml --courtesy off
e2e_is "the second connection's request" 403 "$(e2e_run frontend python3 tests/e2e/reuse.py $BACKEND 8080)"
e2e_is "admin requests that arrived" 0 "$(grep -c admin "$E2E/access.log")"
