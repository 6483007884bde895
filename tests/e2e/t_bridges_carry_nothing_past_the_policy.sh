#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A bridge carries for a pod frames that are no packets of IP, and datagrams behind tags; it sends to a pod what is for another one
# that has used that one's MAC address, or is taken for a router. Nothing of that comes past who is denied.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_spoofed.sh"
. "$(dirname "$0")/lib_smuggled.sh"
e2e_up
smuggle_up
frames() { # FROM TO
	for kind in raw llc; do from "$1" "$(mac "$2")" $kind 10.77.0.3 10.77.0.4; done
}
tags() { from "$1" "$(mac backend)" tags 10.77.0.2 10.77.0.4; }
redirects() {
	from "$1" "$(mac backend)" redirect "10.77.0.$(number "$1")" 10.77.0.4
	from "$1" "$(mac backend)" redirect "fd77::$(number "$1")" fd77::4
}
routers() { from other "$(mac backend)" router 10.77.0.3 10.77.0.4; }
default() { ip -n backend -6 route show default | grep -c via; }
forget() { ip -n backend -6 route flush proto ra 2>/dev/null; }
steals() {
	from other "$(mac backend)" stolen 192.0.2.9 192.0.2.9
	ip netns exec frontend python3 -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 4711))
s.sendto(b'from whom?', ('10.77.0.4', 4711))"
}
returns() { from backend "$(mac backend)" stolen 192.0.2.8 192.0.2.8; } # to where the bridge looks for it
# The frontend knows where the backend is.
ip -n frontend neigh replace 10.77.0.4 lladdr "$(mac backend)" dev eth0 nud permanent

e2e_is "without enforcement, frames" "88b5 000d " "$(heard backend frames other backend)"
e2e_is "behind tags" "8100 " "$(heard backend tags other)"
e2e_is "redirects" "10.77.0.3 - fd77::3 - " "$(heard backend redirects other)"
e2e_is "a router's advertisement" 1 "$(heard backend routers | grep -c fe80)"
e2e_wait 5 eval '[ "$(default)" = 1 ]' || e2e_fail "nobody believes a router"
forget
e2e_is "with the MAC address of the backend" "10.77.0.2 4711 " "$(heard other steals)"
returns # else nothing below comes to the backend, whatever the policy

starts
e2e_is "frames" "" "$(heard backend frames other backend)"
e2e_is "each is counted" 2 "$(count unsupported-protocol)"
e2e_is "to who is not bound, from who is" "" "$(heard admin frames other admin)"
e2e_is "from who is not bound, to who is" "" "$(heard backend frames frontend backend)"
e2e_is "between those who are not" "88b5 000d " "$(heard admin frames frontend admin)"
e2e_is "behind tags, from who is bound and who is not" "" "$(heard backend tags other)$(heard backend tags admin)"
e2e_is "redirects" "" "$(heard backend redirects frontend)"
before=$(count spoofed-source)
e2e_is "a router's advertisement" "" "$(heard backend routers)"
e2e_is "it is counted" $((before + 1)) "$(count spoofed-source)"
e2e_is "nobody believes it" 0 "$(default)"
before=$(count for-another)
e2e_is "with the MAC address of the backend" "" "$(heard other steals)"
[ "$(count for-another)" -gt "$before" ] || e2e_fail "what is for another is not counted: $before"
returns
e2e_is "and to the backend itself" "10.77.0.2 4711 " "$(heard backend ip netns exec frontend python3 -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 4711))
s.sendto(b'from whom?', ('10.77.0.4', 4711))")"
for left in 0 1; do # to who may have it
	ways=$(heard admin from other "$(mac admin)" routed fd77::3 fd77::5 $left)
	e2e_is "with $left segments of a route left" "$([ $left = 1 ] || echo 'fd77::3 - ')" "$ways"
done
