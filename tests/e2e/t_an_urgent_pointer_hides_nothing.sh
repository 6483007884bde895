#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An urgent pointer takes a byte out of the stream that the server reads. It may come in a packet without payload,
# long before that byte. The sender is a remote one: it is not in the cgroup.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --policy testdata/http/policy.yaml --inventory testdata/inventory/demo.yaml --courtesy off
e2e_is "the request with the announced byte" 200 "$(ip netns exec frontend python3 tests/e2e/urgent.py $BACKEND 8080)"
sleep 0.5
e2e_is "admin requests that arrived" 0 "$(grep -c admin "$E2E/access.log")"
