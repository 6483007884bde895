#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may use packet sockets gives his own kernel packets, over lo or a device of his own, as from whomever he likes: the
# kernel answers, and what it answers holds what he wrote. Such an answer goes to nobody who has not asked; nor does a
# solicitation that says more than a neighbour needs, or goes beyond the link. Answers to who has asked leave, whole.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_strays.sh"
e2e_up
strays_policy
for pod in frontend other; do ip netns exec $pod sysctl -qw net.ipv4.ping_group_range="0 0"; done
ip -n frontend link add v0 type veth peer name v1
for dev in v0 v1; do ip -n frontend link set $dev up; done
for dev in all lo v0; do ip netns exec frontend sysctl -qw net.ipv4.conf.$dev.rp_filter=0; done
ip netns exec frontend sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
e2e_run frontend python3 tests/e2e/mirrored.py serve >"$E2E/serves" &
e2e_wait 60 grep -q ready "$E2E/serves" || e2e_fail "nobody serves"

gives() { ip netns exec frontend python3 tests/e2e/mirrored.py give "$@"; }
# heard POD CMD...: what comes there from the frontend when CMD has run
heard() {
	local pod=$1 hears
	shift
	rm -f "$E2E/heard"
	ip netns exec "$pod" python3 tests/e2e/mirrored.py hear eth0 10.77.0.2 fd77::2 >"$E2E/heard" &
	hears=$!
	e2e_wait 60 grep -q ready "$E2E/heard" || e2e_fail "nobody hears"
	"$@"
	sleep 0.5
	kill $hears
	wait $hears 2>/dev/null
	grep -v ready "$E2E/heard" | sort | tr '\n' ','
}
over() { # DEVICE MAC
	gives "$1" "$2" 10.77.0.3 10.77.0.2 echo closed open
	gives "$1" "$2" fd77::3 fd77::2 echo closed open
}
lo() { over lo 00:00:00:00:00:00; }
own() { over v1 "$(mac frontend v0)"; }
# As 10.77.0.9 and fd77::9, which are at other's device, but no kernel there resets what it does not know.
shakes() {
	ip netns exec frontend python3 tests/e2e/mirrored.py shake 10.77.0.9 10.77.0.2 "$@"
	ip netns exec frontend python3 tests/e2e/mirrored.py shake fd77::9 fd77::2 "$@"
}
# What was dropped is sent again and again, the next times within 7 s.
outlives() {
	shakes stay
	e2e_leave
	e2e_posternd --policy "$E2E/p" --inventory testdata/inventory/demo.yaml --courtesy off
	sleep 7
}
for at in 10.77.0.9 fd77::9; do ip -n frontend neigh add $at dev eth0 lladdr "$(mac other eth0)"; done
says() { gives eth0 "$(mac other eth0)" fd77::2 "$1" "$2"; }
asks() { e2e_run "$1" timeout 30 python3 tests/e2e/mirrored.py "${@:2}"; }
e2e_is "without enforcement, over lo" "1 0,1 3,17 4712,17 4712,58 1,58 129," "$(heard other lo)"
e2e_is "over a device of the pod's own" "1 0,1 3,17 4712,17 4712,58 1,58 129," "$(heard other own)"
e2e_is "a server of its own" "6 4712," "$(heard other shakes | tr , '\n' | sort -u | tr '\n' ,)"
e2e_is "a solicitation" "58 135," "$(heard other says fd77::3 solicit)"
e2e_posternd --policy "$E2E/p" --inventory testdata/inventory/demo.yaml --courtesy off
e2e_is "over lo" "" "$(heard other lo)"
e2e_is "over a device of the pod's own" "" "$(heard other own)"
e2e_is "a server of its own" "" "$(heard other shakes)"
heard other outlives >"$E2E/outlives" # not in a shell of its own, which would keep the new daemon to itself
e2e_is "the same, to the next daemon" "" "$(cat "$E2E/outlives")"
e2e_is "a long solicitation" "" "$(heard other says fd77::3 solicit)"
e2e_is "a short one" "58 135," "$(heard other says fd77::3 probe)"
e2e_is "a short one, beyond the link" "" "$(heard other says 2001:db8::3 probe)"

# What the same pod owes to others.
for at in 10.77.0.:16 fd77:::16; do
	net=${at%:16}
	e2e_is "${net}2: its echo" 64 "$(asks other ping "${net}3" "${net}2" 64)"
	e2e_is "its echo in fragments" 4000 "$(asks other ping "${net}3" "${net}2" 4000)"
	e2e_is "its answer" 10 "$(asks other ask "${net}3" "${net}2" 4712)"
	e2e_is "its server" "from whom?" "$(e2e_run other timeout 40 python3 -c "import socket; print(socket.create_connection(('${net}2', 4712), 20).recv(100).decode())")"
	e2e_is "and on the same node of its own" "from whom?" "$(e2e_run frontend timeout 40 python3 -c "import socket; print(socket.create_connection(('${net}2', 4712), 20).recv(100).decode())")"
	e2e_is "its word of a closed port" ConnectionRefusedError "$(asks other ask "${net}3" "${net}2" 9)"
	e2e_is "its answer to itself" 10 "$(asks frontend ask "${net}2" "${net}2" 4712)"
done
late() { # the backend's answer comes when nobody waits any more
	ip netns exec backend python3 -c 'if True:
		import socket, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("10.77.0.4", 4711))
		s.settimeout(5)
		print("ready", flush=True)
		data, to = s.recvfrom(100)
		time.sleep(0.5)
		s.connect(to)
		s.send(data)
		try:
			s.recv(100)
		except OSError as e:
			print(type(e).__name__)' >"$E2E/late" &
	local waits=$!
	e2e_wait 60 grep -q ready "$E2E/late" || e2e_fail "nobody waits"
	e2e_run frontend python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"late", ("10.77.0.4", 4711))'
	wait $waits
	tail -n 1 "$E2E/late"
}
e2e_is "its word of an answer that comes too late" ConnectionRefusedError "$(late)"
parts() { gives eth0 "$(mac backend eth0)" 10.77.0.2 "10.77.0.$1" parts; }
e2e_is "fragments to who may be sent the first" "17 later," "$(heard backend parts 4)"
ip -n frontend neigh flush all
e2e_is "it knows its neighbours" 0 "$(e2e_run frontend timeout 5 bash -c 'exec 3<>/dev/tcp/fd77::4/4711' 2>/dev/null; ip -n frontend neigh show fd77::4 | grep -c FAILED)"
ip -n frontend neigh change fd77::4 dev eth0 nud probe
knows() { ip -n frontend neigh show fd77::4 | grep -q REACHABLE; }
e2e_wait 60 knows || e2e_fail "a probe is not answered: $(ip -n frontend neigh show fd77::4)"
