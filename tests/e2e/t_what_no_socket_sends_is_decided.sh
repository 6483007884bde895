#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A packet socket sends past every judge at the sockets, and so does a stack of the pod's own (a TUN device, a sandbox, another
# network namespace behind it). What comes from there is decided at the host's side of the pod by the pod's own egress policy,
# whatever address it bears; what HTTP rules would have to allow does not pass. A server with such a stack is reached where
# the policy allows it without HTTP rules, and may answer, though it may begin nothing itself.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_strays.sh"
e2e_up
strays_policy
cat >>"$E2E/p/frontend.yaml" <<'Y'
    - toEndpoints: [{ matchLabels: { app: admin } }]
      toPorts: [{ ports: [{ port: "4711", protocol: TCP }], rules: { http: [{ method: GET }] } }]
    - toEndpoints: [{ matchLabels: { app: backend } }]
      toPorts: [{ ports: [{ port: "8080", protocol: TCP }], rules: { http: [{ path: "/api/.*" }] } }]
Y
KINDS="udp syn data end icmp sctp fragment cut"

# what TARGET SOURCE...: which kinds come from the frontend to TARGET's pod, over both families: a line where they are alike.
# A claim that nobody has an interest in ends each list.
what() {
	local target=$1 source kind hears packets=() v4 v6
	shift
	v4=10.77.0.$(number "$target") v6=fd77::$(number "$target")
	for source in "$@"; do
		for kind in $KINDS; do packets+=("$source,$(to "$source" "$v4" "$v6"),$kind"); done
	done
	packets+=("192.0.2.77,$v4,claim")
	rm -f "$E2E/heard"
	ip netns exec "$target" python3 tests/e2e/spoofed.py hear eth0 "$v4" "$v6" >"$E2E/heard" &
	hears=$!
	e2e_wait 10 grep -q ready "$E2E/heard" || e2e_fail "nobody hears"
	ip netns exec frontend python3 tests/e2e/spoofed.py send eth0 "$(mac "$target")" "${packets[@]}" || e2e_fail "nothing was sent"
	e2e_wait 5 grep -qx "192.0.2.77 claim" "$E2E/heard" || e2e_fail "nothing comes: $(cat "$E2E/heard")"
	kill $hears
	wait $hears 2>/dev/null
	for source in "$@"; do
		for kind in $KINDS; do grep -qx "$source $kind" "$E2E/heard" && printf '%s ' "$kind"; done
		echo
	done | sort -u | awk 'NF { $1 = $1; printf "%s%s", (n++ ? " " : ""), $0 } END { print "" }'
}
to() { case $1 in *:*) echo "$3" ;; *) echo "$2" ;; esac; }
number() { case $1 in other) echo 3 ;; backend) echo 4 ;; admin) echo 5 ;; esac; }
counted() { # REASON
	build/postern status --format json | python3 -c "
import json, sys
print(sum(d['egress'] for d in json.load(sys.stdin)['drops'] if d['reason'] == '$1'))"
}
told() { build/postern observe --all -o json | grep "\"reason\":\"$1\"" | grep -c "$2"; }
starts() { e2e_posternd --policy "$E2E/p" --inventory testdata/inventory/demo.yaml --courtesy off "$@"; }
OWN="10.77.0.2 fd77::2" NOBODYS="192.0.2.9 2001:db8::9"

e2e_nginx
injects0() { ip netns exec frontend timeout 10 python3 tests/e2e/raw.py inject eth0 "$(mac backend)" "$1" 8080 /injected0; }
e2e_is "without enforcement, put into a connection" "sent sent" "$(injects0 $BACKEND) $(injects0 fd77::4)"
e2e_is "and arrives" 2 "$(grep -c ' /injected0 ' "$E2E/access.log")"
# Does a datagram for the backend, who may have it, come to another pod inside of one that no socket has sent?
wraps() { # udp or raw: by which socket
	local hears
	ip -n frontend link add t0 type vxlan id 7 local 10.77.0.2 remote 10.77.0.3 dstport 4789 2>/dev/null ||
		{ echo "no vxlan"; return; }
	ip -n frontend link set t0 up
	ip -n frontend -6 route add fd77::4/128 dev t0 src fd77::2
	ip -n frontend neigh add fd77::4 dev t0 lladdr 02:00:00:00:00:04
	rm -f "$E2E/wrapped"
	ip netns exec other timeout 60 python3 -c 'if True:
		import socket
		link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
		link.bind(("eth0", 3))
		print("ready", flush=True)
		while b"wrapped" not in link.recv(65536): pass
		print("arrives")' >"$E2E/wrapped" &
	hears=$!
	e2e_wait 10 grep -q ready "$E2E/wrapped" || e2e_fail "nobody hears"
	e2e_run frontend python3 -c 'if True:
		import socket, struct, sys, time
		data = b"wrapped"
		if sys.argv[1] == "raw":
			sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
			data = struct.pack(">HHHH", 4711, 4711, 8 + len(data), 0) + data
		else:
			sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		for _ in range(10):
			sock.sendto(data, ("fd77::4", 0 if sys.argv[1] == "raw" else 4711))
			time.sleep(0.1)' "$1"
	e2e_wait 2 grep -q arrives "$E2E/wrapped" && echo arrives || echo nothing
	kill $hears
	wait $hears 2>/dev/null
	ip -n frontend link del t0
}
wrapped="$(wraps udp) $(wraps raw)"
[ "$wrapped" = "no vxlan no vxlan" ] || e2e_is "without enforcement, in a tunnel" "arrives arrives" "$wrapped"
# shellcheck disable=SC2086 # lists of words, here and below
e2e_is "without enforcement" "$KINDS" "$(what other $OWN)"
starts
e2e_is "without a rule" "" "$(what other $OWN)"
[ "$(counted no-rule-l4)" -ge 12 ] || e2e_fail "not all is counted: $(counted no-rule-l4)"
e2e_is "headers that cannot be read" 2 "$(counted bad-packet)"
[ "$(told no-rule-l4 '"pod_name":"frontend".*"pod_name":"other"')" -ge 1 ] || e2e_fail "nothing is told: $(build/postern observe --all -o json | tail -n 3)"
e2e_is "without a rule, from an address that nobody has" "" "$(what other $NOBODYS)"
e2e_is "a word of groups to one host" "" "$(KINDS=igmp what other 10.77.0.2)"
e2e_is "allowed by port" "udp syn data end sctp" "$(what backend $OWN)"
e2e_is "allowed by port, from an address that nobody has" "udp syn data end sctp" "$(what backend $NOBODYS)"
e2e_is "by HTTP rules alone" "" "$(what admin $OWN)"
e2e_is "the segments are dropped as nobody's who could be judged" 6 "$(counted raw-socket)"
e2e_is "is told of" 1 "$(told raw-socket '"pod_name":"frontend".*"pod_name":"admin"' | awk '{ print ($1 >= 1) }')"
injects() { e2e_run frontend timeout 10 python3 tests/e2e/raw.py inject eth0 "$(mac backend)" "$1" 8080 "$2"; }
arrived() { grep -c " /injected$1 " "$E2E/access.log"; }
# Before anything was judged at a sender, and after that.
for turn in 1 2; do
	e2e_is "a request is put into a connection" "sent sent" "$(injects $BACKEND /injected$turn) $(injects fd77::4 /injected$turn)"
	e2e_is "and arrives" 0 "$(arrived $turn)"
	e2e_is "an ordinary one" "200 hello from /api/x" "$(e2e_http frontend http://$BACKEND:8080/api/x)"
done
[ "$(counted repeat-unproven)" -ge 4 ] || e2e_fail "$(build/postern status)"
[ "$wrapped" = "no vxlan no vxlan" ] || e2e_is "in a tunnel" "nothing nothing" "$(wraps udp) $(wraps raw)"
e2e_is "the pod's kernel asks for its neighbours" 0 "$(ip -n frontend neigh flush all; e2e_run frontend timeout 5 bash -c 'exec 3<>/dev/tcp/10.77.0.4/4711' 2>/dev/null; ip -n frontend neigh show 10.77.0.4 | grep -c FAILED)"
e2e_stop
starts --audit
e2e_is "in audit" "$KINDS" "$(what other $OWN)"
[ "$(told no-rule-l4 '"verdict":"AUDIT"')" -ge 1 ] || e2e_fail "audit tells nothing"
e2e_stop

# The backend's address moves into a stack behind the pod, whose processes are in no cgroup that is enforced: nothing there
# passes a judge. The pod only forwards.
pkill -x nginx
e2e_wait 10 bash -c '! pgrep -x nginx' || e2e_fail "nginx does not end"
ip netns add inner
ip link add v0 netns backend type veth peer name v1 netns inner
ip -n backend addr del 10.77.0.4/24 dev eth0
ip -n backend link set v0 up
ip -n inner link set v1 up
ip -n inner link set lo up
ip -n inner addr add 10.77.0.4/32 dev v1
ip -n inner route add default dev v1
ip -n backend route add 10.77.0.4/32 dev v0
ip -n backend route add 10.77.0.0/24 dev eth0
for dev in eth0 v0; do ip netns exec backend sysctl -qw net.ipv4.conf.$dev.proxy_arp=1 net.ipv4.neigh.$dev.proxy_delay=0; done
ip netns exec backend sysctl -qw net.ipv4.ip_forward=1
ip -n frontend neigh flush all
mkdir -p "$E2E/files/api"
echo inner >"$E2E/files/api/x"
ip netns exec inner python3 -m http.server -p HTTP/1.1 -d "$E2E/files" --bind 10.77.0.4 8080 >/dev/null 2>&1 &
asks() { e2e_run frontend curl -sf --max-time 10 "http://10.77.0.4:8080/api/x" || echo none; }
answers() { [ "$(asks)" = inner ]; }
e2e_wait 20 answers || e2e_fail "the stack behind the pod does not serve"
begins() { ip netns exec inner timeout 3 bash -c 'exec 3<>/dev/tcp/10.77.0.3/8080' 2>&1 | grep -q refused && echo refused || echo none; }
e2e_is "it may begin" refused "$(begins)"

rm "$E2E/p/frontend.yaml"
cat >"$E2E/p/backend.yaml" <<'Y'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: { name: backend, namespace: default }
spec:
  endpointSelector: { matchLabels: { app: backend } }
  ingress:
    - fromEndpoints: [{ matchLabels: { app: frontend } }]
      toPorts: [{ ports: [{ port: "8080", protocol: TCP }] }]
  egress:
    - toEndpoints: [{ matchLabels: { app: admin } }]
Y
starts
e2e_is "served by a stack of its own" inner "$(asks)"
e2e_is "once more" inner "$(asks)"
e2e_is "which may begin nothing" none "$(begins)"
get='send:GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n'
e2e_run frontend timeout 60 python3 tests/e2e/conn.py 10.77.0.4 8080 "$get" read "touch:$E2E/asked" "await:$E2E/changed" "$get" read \
	>"$E2E/kept" 2>&1 &
kept=$!
e2e_wait 20 test -e "$E2E/asked" || e2e_fail "no connection: $(cat "$E2E/kept")"
sed -i 's/app: frontend/app: admin/' "$E2E/p/backend.yaml"
e2e_wait 20 grep -q 'generation 2 is in force' "$E2E/log" || e2e_fail "the change is not in force"
touch "$E2E/changed"
wait $kept
e2e_is "who is let in no more gets no answer" "200 inner,TimeoutError timed out," "$(tr '\n' ',' <"$E2E/kept")"
sed -i '/fromEndpoints/s/app: admin/app: frontend/' "$E2E/p/backend.yaml"
e2e_stop
sed -i 's/protocol: TCP }\]/&, rules: { http: [{ path: "\/api\/.*" }] }/; /egress/,$d' "$E2E/p/backend.yaml"
grep -q http: "$E2E/p/backend.yaml" || e2e_fail "no HTTP rule: $(cat "$E2E/p/backend.yaml")"
starts
e2e_is "with HTTP rules, whom nobody judges is not reached" none "$(asks)"
[ "$(counted raw-socket)" -ge 1 ] || e2e_fail "its answer is not dropped as such"
e2e_stop
