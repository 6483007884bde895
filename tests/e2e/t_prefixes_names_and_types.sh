#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Peers outside of the cluster by prefix, group and name, a named port, and ICMP by type: what the compiler makes of
# them is what the kernel does. The pods "other" and "admin" are strangers here: neither the inventory nor the cgroup has
# them.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
code() { e2e_http "$@" -o /dev/null | tr -d ' '; }
stranger() {
	local pod=$1
	shift
	ip netns exec "$pod" curl -sS --max-time 2 -o /dev/null -w '%{http_code}' "$@" 2>/dev/null | sed s/^000$/none/
}

cat >"$E2E/inventory.yaml" <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: frontend, labels: {app: frontend}}
status: {podIPs: [{ip: 10.77.0.2}, {ip: "fd77::2"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: backend, labels: {app: backend}}
spec: {containers: [{ports: [{name: web, containerPort: 8080}]}]}
status: {podIPs: [{ip: 10.77.0.4}, {ip: "fd77::4"}]}
---
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: partners, labels: {zone: eu}}
spec: {externalCIDRs: [10.77.0.0/24, "fd77::/64"]}
---
apiVersion: externaldns.k8s.io/v1alpha1
kind: DNSEndpoint
metadata: {name: other}
spec:
  endpoints:
    - {dnsName: other.example.com, recordType: A, targets: [10.77.0.3]}
Y

policy() {
	cat >"$E2E/policy.yaml" <<Y
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backend}
spec:
  endpointSelector: {matchLabels: {app: backend}}
$1
Y
	e2e_posternd --policy "$E2E/policy.yaml" --inventory "$E2E/inventory.yaml" --courtesy off
}

policy '  ingress: [{fromCIDR: [10.77.0.3/32, "fd77::3/128"], toPorts: [{ports: [{port: "8080"}]}]}]'
for to in "$BACKEND" "$BACKEND6"; do
	e2e_is "a prefix of one address" 200 "$(stranger other "http://$to:8080/")"
	e2e_is "its neighbour" none "$(stranger admin "http://$to:8080/")"
	e2e_is "a pod" none "$(code frontend --max-time 1 "http://$to:8080/")"
done
e2e_stop

# Named, with HTTP rules; the exception is an address of the prefix.
policy '  ingress:
    - fromCIDRSet: [{cidrGroupSelector: {matchLabels: {zone: eu}}, except: [10.77.0.3/32]}]
      toPorts: [{ports: [{port: web, protocol: TCP}], rules: {http: [{path: /api/.*}]}}]'
e2e_is "a group with its exception" none "$(stranger other "http://$BACKEND:8080/api/x")"
e2e_is "the same group, another address" 200 "$(stranger other "http://$BACKEND6:8080/api/x")"
e2e_is "the HTTP rules of a named port" 403 "$(stranger other "http://$BACKEND6:8080/secret")"
e2e_is "a pod is in no group" none "$(code frontend --max-time 1 "http://$BACKEND6:8080/api/x")"
e2e_stop

# A deny rule on a prefix inside of one that is allowed; another port than the named one.
policy '  ingress: [{fromEntities: [all]}]
  ingressDeny: [{fromCIDR: [10.77.0.0/30], toPorts: [{ports: [{port: web, protocol: TCP}]}]}]'
e2e_is "denied by prefix" none "$(stranger other "http://$BACKEND:8080/")"
e2e_is "a pod in that prefix is no stranger" 200 "$(code frontend "http://$BACKEND:8080/")"
e2e_is "not denied over IPv6" 200 "$(stranger other "http://$BACKEND6:8080/")"
e2e_stop

# A rule names the node's own address, and so does a Node object: it is the node all the same, which may come in.
cat >>"$E2E/inventory.yaml" <<'Y'
---
apiVersion: v1
kind: Node
metadata: {name: here}
status: {addresses: [{type: InternalIP, address: 10.77.0.1}]}
Y
policy '  ingress: [{fromEndpoints: [{matchLabels: {app: frontend}}]}]
  egress: [{toCIDR: [10.77.0.1/32, "fd77::1/128", 127.0.0.1/32]}]'
for to in "$BACKEND" "$BACKEND6"; do
	e2e_is "the node itself" 200 "$(curl -sS --max-time 2 -o /dev/null -w '%{http_code}' "http://$to:8080/")"
	e2e_is "beside a stranger" none "$(stranger other "http://$to:8080/")"
done
e2e_stop

policy '  egress:
    - toFQDNs: [{matchPattern: "*.example.com"}]
    - icmps: [{fields: [{type: EchoRequest, family: IPv6}]}]'
if command -v ping >/dev/null; then
	pings() { e2e_run "$1" ping -c1 -W2 "$2" >/dev/null 2>&1; echo $?; }
	e2e_is "a ping to the address of a name" 0 "$(pings backend 10.77.0.3)"
	e2e_is "one to an address without a name" 1 "$(pings backend 10.77.0.5)"
	e2e_is "one that is allowed by its type" 0 "$(pings backend fd77::3)"
else
	echo "no ping: its tests are left out"
fi
