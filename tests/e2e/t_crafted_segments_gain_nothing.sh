#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A peer with a TCP of its own: overlaps, repeats that differ, wrong checksums, old timestamps, urgent data, fragments, data on the
# last packet of the handshake. The server never reads what was not judged, and honest repeats still pass.
#
#	E2E_SCENARIO=name	only that one
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_posternd --policy testdata/policies/good/backend-api.yaml --inventory testdata/inventory/demo.yaml --courtesy off
# The frontend's kernel gives its address away to the crafted client, who is not below the enforced cgroup: a remote.
ip -n frontend addr del 10.77.0.2/24 dev eth0
mac() { ip -n "$1" -br link show dev eth0 | awk '{ print $3 }'; }
ip -n backend neigh replace 10.77.0.2 lladdr "$(mac frontend)" dev eth0 nud permanent
ip neigh replace 10.77.0.2 lladdr "$(mac frontend)" dev br0 nud permanent

# crafted NAME WANT [REASON]: what the client sees, and the reason of a denial
crafted() {
	local before=0
	[ "${E2E_SCENARIO:-$1}" = "$1" ] || return 0
	[ -z "${3:-}" ] || before=$(counted "$3")
	e2e_is "${1//_/ }" "$2" "$(timeout 30 ip netns exec frontend python3 tests/e2e/segments.py \
		eth0 "$(mac backend)" 10.77.0.2 $BACKEND 8080 "$1" 2>&1)"
	[ -z "${3:-}" ] || e2e_wait 2 eval "[ \$(counted $3) -gt $before ]" || e2e_fail "$1: not denied as $3"
}
counted() { e2e_events "\"reason\":\"$1\""; }

crafted plain 200
crafted data_with_the_last_ack "none 403" no-rule-l7
crafted allowed_data_with_the_last_ack "none 200"
crafted another_request_behind_a_wrong_sum reset repeat-differs
crafted the_same_behind_a_wrong_sum 200
crafted the_same_behind_an_old_timestamp "none 200"
crafted another_request_behind_an_old_timestamp reset repeat-differs
crafted another_tail_behind_an_old_timestamp "none reset" repeat-differs
crafted parts_of_another_behind_a_wrong_sum "reset none" repeat-differs
crafted parts_of_the_same_behind_a_wrong_sum 200
crafted the_first_hundred_are_dropped reset repeat-differs
crafted out_of_order "none 200"
crafted the_tail_of_another_first "none 200"
crafted resets_that_are_none 200
crafted urgent "none 200"
crafted urgent_with_the_last_ack 200
crafted fragments 200
crafted evil_fragments 403 no-rule-l7
crafted the_answer_is_lost "True True" no-rule-l7
crafted an_answer_behind_another_is_lost "200 True True" no-rule-l7
crafted forged 200
crafted no_connection none

[ -z "${E2E_SCENARIO:-}" ] || exit 0
seen() { [ "$(grep -c ' /api/good ' "$E2E/access.log")" -eq 13 ]; }
e2e_wait 3 seen || e2e_fail "allowed requests at nginx: $(grep -c ' /api/good ' "$E2E/access.log"), not 13"
# The beginning of a head whose connection was ended is none that is answered.
e2e_is "everything else at nginx" "" "$(grep -v -e ' /api/good .* 200 ' -e '"GET /api" 400 0 ' "$E2E/access.log")"
