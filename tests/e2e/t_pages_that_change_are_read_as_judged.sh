#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A hostile sender on the server's own node sends pages that it can still write to, waits for the verdict, and writes
# another request into them before the server reads. Without the filter at the server's side this works: the test
# shows that first, or the rest would show nothing.
. "$(dirname "$0")/lib_pages.sh"
e2e_up
e2e_pages backend-api.yaml
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off

tc qdisc del dev backend clsact
for at in $BACKEND fd77::4; do
	for way in sendfile behind-a-body splice; do
		e2e_is "$at: $way without the filter: the server reads what nobody has judged" /admin "$(e2e_attack $way $at)"
	done
done
e2e_leave TERM
e2e_posternd --policy "$E2E/policy.yaml" --inventory testdata/inventory/demo.yaml --courtesy off
for at in $BACKEND fd77::4; do
	for way in sendfile behind-a-body splice zerocopy; do
		e2e_is "$at: $way: the server reads what was judged" /api/x "$(e2e_attack $way $at)"
	done
done
