#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job on real traffic: pods in network namespaces, nginx, curl, posternd. Shows what was asked, what came
# back, which rule decided and who answered; ends with 0 only when everything came out as announced. All that it
# makes lives in namespaces of its own and is gone afterwards, also when it is interrupted.
. "$(dirname "$0")/lib.sh"

bold='' plain=''
[ ! -t 1 ] || { bold=$(tput bold 2>/dev/null) plain=$(tput sgr0 2>/dev/null); }
failed=0

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '    %s\n' "$*"; }

# The value of KEY in the last event about a request or a connection; servers' answers have events as well.
field() { grep -v '"layer":"answer"' "$E2E/events" | tail -n 1 | grep -oE "\"$1\":(\"[^\"]*\"|\[[^]]*\])" | cut -d: -f2- | tr -d '"[]'; }

has_new_event() { [ "$(wc -l <"$E2E/events")" -gt "$seen" ]; }

# What the last event says of who decided and who answered.
decided() {
	e2e_wait 2 has_new_event || { note "(no event)"; return; }
	case $(field verdict)/$(field layer) in
	allow/*) note "decided by $(field rule) ($(field policy)), in the kernel" ;;
	deny/l7) note "denied: $(field reason); no match among $(field rules)"
		note "answered by the $(field answer)" ;;
	deny/*) note "denied at L3/L4: $(field reason); the packet is dropped" ;;
	esac
}

# shows POD WANT CURL-ARGS...: asks, and compares status and body with WANT.
shows() {
	local pod=$1 want=$2 got
	shift 2
	seen=$(wc -l <"$E2E/events")
	got=$(e2e_http "$pod" "$@")
	printf '  %s: curl %s\n' "$pod" "$*"
	printf '    -> %s\n' "$got"
	decided
	[ "$got" = "$want" ] && return
	printf '    NOT AS ANNOUNCED: expected %s\n' "$want"
	failed=1
}

# Several requests on one connection: on_one WANT STEP... (see conn.py)
on_one() {
	local want=$1 got
	shift
	got=$(e2e_run frontend python3 tests/e2e/conn.py "$BACKEND" 8080 "$@" | tr '\n' ';')
	printf '    -> %s\n' "$got"
	[ "$got" = "$want" ] && return
	printf '    NOT AS ANNOUNCED: expected %s\n' "$want"
	failed=1
}

get() { printf 'send:GET %s HTTP/1.1\\r\\nHost: backend\\r\\n\\r\\n' "$1"; }

P=testdata/policies/good
INVENTORY="--inventory testdata/inventory/demo.yaml --events all"
U=http://$BACKEND:8080

e2e_up
e2e_nginx
title "The policy: $P/backend-api.yaml"
sed -n '/^spec:/,$p' $P/backend-api.yaml | sed 's/^/    /'
# shellcheck disable=SC2086
e2e_posternd --policy $P/backend-api.yaml $INVENTORY --courtesy off
sed 's/^/  /' "$E2E/log"

title "1. frontend asks for what the policy allows"
shows frontend "200 hello from /api/v1/users" $U/api/v1/users
title "2. frontend asks with a method that it does not allow"
shows frontend "403 Access denied" -X DELETE $U/api/v1/users
note "nginx has seen $(grep -c DELETE "$E2E/access.log") DELETE requests; its log:"
sed 's/^/      /' "$E2E/access.log"
! grep -q DELETE "$E2E/access.log" || failed=1
title "3. another pod gets no answer: its SYN is dropped"
shows other none --max-time 1 $U/api/v1/users
title "4. the same over IPv6"
shows frontend "200 hello from /api/v1/users" "http://$BACKEND6:8080/api/v1/users"
shows frontend "403 Access denied" -X DELETE "http://$BACKEND6:8080/api/v1/users"

title "5. GET /admin, without courtesy: 403 and an orderly end of the connection"
printf '  frontend: GET /admin\n'
on_one "403 Access denied;eof;" "$(get /admin)" read eof
e2e_stop

title "6. GET /admin, then GET /api/v1/users on the same connection, with courtesy"
if build/posternd --probe | grep -q '^403 from the kernel at the sender: off'; then
	note "This kernel's probe leaves courtesy off (posternd --probe says why). The demo switches it on."
fi
# shellcheck disable=SC2086
e2e_posternd --policy $P/backend-api.yaml $INVENTORY --courtesy on
printf '  frontend: GET /admin, GET /api/v1/users on one connection\n'
seen=$(wc -l <"$E2E/events")
on_one "403 Access denied;200 hello from /api/v1/users;" "$(get /admin)" read "$(get /api/v1/users)" read
note "the 403 was answered by the $(grep '"path":"/admin"' "$E2E/events" | tail -n 1 | grep -oE '"answer":"[a-z]*"' | cut -d'"' -f4)"
e2e_stop

title "7. The policy file is edited while a keep-alive connection is open"
cp $P/backend-api.yaml "$E2E/policy.yaml"
# shellcheck disable=SC2086
e2e_posternd --policy "$E2E/policy.yaml" $INVENTORY --courtesy off
(
	e2e_wait 10 test -e "$E2E/first"
	sed 's,/api/\.\*,/(api|v2)/.*,' $P/backend-api.yaml >"$E2E/new.yaml"
	mv "$E2E/new.yaml" "$E2E/policy.yaml"
	e2e_wait 10 grep -q 'generation 2 is in force' "$E2E/log" && touch "$E2E/second"
	e2e_wait 10 test -e "$E2E/third"
	cp $P/backend-api.yaml "$E2E/new.yaml" && mv "$E2E/new.yaml" "$E2E/policy.yaml"
	e2e_wait 10 grep -q 'generation 3 is in force' "$E2E/log" && touch "$E2E/fourth"
) &
printf '  frontend, one connection: GET /api/x, (the file now allows /v2 as well) GET /v2/x, (no more) GET /v2/x\n'
on_one "200 hello from /api/x;200 hello from /v2/x;403 Access denied;eof;" "$(get /api/x)" read \
	"touch:$E2E/first" "await:$E2E/second" "$(get /v2/x)" read \
	"touch:$E2E/third" "await:$E2E/fourth" "$(get /v2/x)" read eof
grep 'in force' "$E2E/log" | sed 's/^/    /'
e2e_stop

title "8. Two rules: $P/two-rules.yaml"
# shellcheck disable=SC2086
e2e_posternd --policy $P/two-rules.yaml $INVENTORY --courtesy off
shows frontend "200 hello from /api/x" $U/api/x
shows admin "200 hello from /admin/x" -X POST -d '' $U/admin/x
shows admin "403 Access denied" $U/api/x
e2e_stop

title "9. Egress: $P/frontend-egress.yaml binds the client, the server's side has no policy"
# shellcheck disable=SC2086
e2e_posternd --policy $P/frontend-egress.yaml $INVENTORY --courtesy off
shows frontend "200 hello from /healthz" $U/healthz
shows frontend "403 Access denied" $U/admin
e2e_stop

echo
if [ $failed -ne 0 ]; then
	echo "Something did not come out as announced."
	exit 1
fi
echo "All as announced."
