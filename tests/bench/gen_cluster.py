#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a cluster, always the same one: 10,000 policies, a file each, and 5,000 pods.

    gen_cluster.py DIR

DIR/policies/ns-N/pM.yaml and DIR/pods.yaml. The kinds are those of tests/bench/resolve.c: a namespace holds 100
policies and 50 pods, ten applications with five replicas.
"""

import os
import sys

POLICIES, PODS, APPS, PER_NAMESPACE, PODS_PER_NAMESPACE = 10000, 5000, 10, 100, 50


def policy(n):
    app, peer = n % APPS, (n // APPS + n) % APPS
    if n % 16 == 5:
        rule = "egress: [{toEntities: [world], toPorts: [{ports: [{port: '443'}]}]}]"
    elif n % 16 == 7:
        rule = f"egress: [{{toCIDRSet: [{{cidr: 10.{n % 200}.0.0/16, except: [10.{n % 200}.9.0/24]}}]}}]"
    elif n % 100 == 3:
        rule = "ingress: [{fromEntities: [cluster], toPorts: [{ports: [{port: '9090', protocol: TCP}]}]}]"
    else:
        http = "" if n % 16 else ", rules: {http: [{method: GET, path: /api/.*}]}"
        rule = (f"ingress: [{{fromEndpoints: [{{matchLabels: {{app: app-{peer}}}}}], "
                f"toPorts: [{{ports: [{{port: '{8000 + n % 50}', protocol: TCP}}]{http}}}]}}]")
    return (f"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
            f"metadata: {{name: p{n}, namespace: ns-{n // PER_NAMESPACE}}}\nspec:\n"
            f"  endpointSelector: {{matchLabels: {{app: app-{app}}}}}\n  {rule}\n")


def pod(n):
    return (f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: pod-{n}, namespace: ns-{n // PODS_PER_NAMESPACE}, "
            f"labels: {{app: app-{n % PODS_PER_NAMESPACE % APPS}}}}}\n"
            f"status: {{podIP: 10.200.{n // 250}.{n % 250 + 1}}}\n")


def main():
    root = sys.argv[1]
    for n in range(POLICIES):
        directory = os.path.join(root, "policies", f"ns-{n // PER_NAMESPACE}")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, f"p{n}.yaml"), "w", encoding="utf-8") as out:
            out.write(policy(n))
    with open(os.path.join(root, "pods.yaml"), "w", encoding="utf-8") as out:
        out.writelines(pod(n) for n in range(PODS))


main()
