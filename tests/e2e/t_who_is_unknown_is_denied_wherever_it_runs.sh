#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Subjects are found by their address (docs/decisions/0031-subjects-by-address.md): a pod that the inventory does not
# know yet is denied in both directions from its first packet on, in whatever cgroup below the enforced one it runs; a
# pod with hostNetwork is the node, and no policy concerns it, as with Cilium.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
e2e_pod stranger 9
cat >"$E2E/pods.yaml" - testdata/inventory/demo.yaml <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: default, labels: {app: agent}}
spec: {hostNetwork: true}
status: {phase: Running, podIPs: [{ip: 10.77.0.1}]}
---
Y
cat >"$E2E/p.yaml" testdata/policies/good/backend-api.yaml - <<'Y'
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: agent, namespace: default}
spec:
  endpointSelector: {matchLabels: {app: agent}}
  egress: [{}]
  ingress: [{}]
Y
e2e_posternd --policy "$E2E/p.yaml" --inventory "$E2E/pods.yaml" --courtesy off

# below CGROUP POD|NODE CMD...: where a runtime puts a container's first process, before it makes a socket.
below() (
	mkdir -p "$E2E_CGROOT/$E2E_CGROUP/$1"
	echo "$BASHPID" >"$E2E_CGROOT/$E2E_CGROUP/$1/cgroup.procs" || exit 125
	pod=$2
	shift 2
	[ "$pod" = NODE ] && exec "$@"
	exec ip netns exec "$pod" "$@"
)
uid=00c7f1c7-25d5-4b21-b8a0-0b1b9d1f3a21
systemd=kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid//-/_}.slice/cri-containerd-12.scope
cgroupfs=kubepods/besteffort/pod$uid/12
ask() { below "$1" "$2" curl -s -o "$E2E/body" -w '%{http_code}' --max-time 1 "http://$3" || true; }

# In whose way no policy stands.
e2e_run admin python3 -m http.server -b 10.77.0.5 8000 >/dev/null 2>&1 &
open() { [ "$(ask other.scope other 10.77.0.5:8000/)" = 200 ]; }
e2e_wait 10 open || e2e_fail "the open server does not serve"

below "$systemd" stranger python3 -m http.server -b 10.77.0.9 8000 >/dev/null 2>&1 &
listens() { ip netns exec stranger ss -Htln 'sport = 8000' | grep -q .; }
e2e_wait 10 listens || e2e_fail "the unknown server does not start"

for cgroup in "$systemd" "$cgroupfs"; do
	e2e_is "${cgroup%%/*}: a known pod, from there" 200 "$(ask "$cgroup" frontend $BACKEND:8080/api/x)"
	e2e_is "${cgroup%%/*}: an unknown one, to a server that takes everybody" 000 "$(ask "$cgroup" stranger 10.77.0.5:8000/)"
	e2e_is "${cgroup%%/*}: to an unknown one" 000 "$(ask "$cgroup" frontend 10.77.0.9:8000/)"
	e2e_is "${cgroup%%/*}: to an unknown one, from the node" 000 "$(ask "$cgroup" NODE 10.77.0.9:8000/)"
	e2e_is "${cgroup%%/*}: hostNetwork, from the address of the node" 200 "$(ask "$cgroup" NODE $BACKEND:8080/admin)"
done
[ "$(e2e_events '"reason":"unknown-endpoint"')" -gt 0 ] || {
	grep -o '"reason":"[^"]*"' "$E2E/events" | sort | uniq -c
	e2e_fail "nobody is told why"
}

# Known by the inventory it is served at once, without another process.
cat >>"$E2E/pods.yaml" <<'Y'
---
apiVersion: v1
kind: Pod
metadata: {name: stranger, namespace: default, labels: {app: frontend}}
status: {phase: Running, podIPs: [{ip: 10.77.0.9}]}
Y
served() { [ "$(ask "$systemd" stranger $BACKEND:8080/api/x)" = 200 ]; }
e2e_wait 20 served || e2e_fail "it is not served when it is known"
e2e_is "by its policy" 403 "$(ask "$systemd" stranger $BACKEND:8080/admin)"
e2e_stop
