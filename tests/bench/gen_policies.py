#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes N policies of the kinds that clusters have, always the same ones.

    gen_policies.py N DIR [--per-file M]

Six shapes take turns: HTTP ingress with several paths, an L4 allow, egress to DNS and names, a namespace's
default deny, CIDR egress with exceptions and a deny, a clusterwide entity rule. They spread over N / 100
namespaces. --per-file puts M documents into each file (default 1; 0: all into one).
"""

import argparse
import os

HEAD = """apiVersion: cilium.io/v2
kind: {kind}
metadata:
  name: {name}
{scope}  labels:
    team: team-{team}
spec:
"""

HTTP = """  description: "requests that {app} takes"
  endpointSelector:
    matchLabels:
      app: {app}
  ingress:
  - fromEndpoints:
    - matchLabels:
        app: client-{n}
    - matchLabels:
        role: gateway
    toPorts:
    - ports:
      - port: "8080"
        protocol: TCP
      rules:
        http:
        - method: GET
          path: /api/v{v}/items/[0-9]+(/details)?
        - method: POST|PUT
          path: /api/v{v}/orders
          host: shop\\.example\\.com
        - method: GET
          path: "/healthz"
"""

L4 = """  endpointSelector:
    matchLabels:
      app: {app}
  ingress:
  - fromEndpoints:
    - matchLabels:
        app: client-{n}
      matchExpressions:
      - key: tier
        operator: In
        values: [web, api]
    toPorts:
    - ports:
      - port: "5432"
        protocol: TCP
      - port: "9090"
        protocol: TCP
"""

NAMES = """  endpointSelector:
    matchLabels:
      app: {app}
  egress:
  - toEndpoints:
    - matchLabels:
        k8s:io.kubernetes.pod.namespace: kube-system
        k8s-app: kube-dns
    toPorts:
    - ports:
      - port: "53"
        protocol: ANY
      rules:
        dns:
        - matchPattern: "*.example.com"
  - toFQDNs:
    - matchName: api-{n}.example.com
    toPorts:
    - ports:
      - port: "443"
        protocol: TCP
"""

DENY_ALL = """  endpointSelector: {{}}
  ingress:
  - {{}}
  egress:
  - {{}}
"""

CIDR = """  endpointSelector:
    matchLabels:
      app: {app}
  egress:
  - toCIDRSet:
    - cidr: 10.{b}.0.0/16
      except:
      - 10.{b}.12.0/24
    toPorts:
    - ports:
      - port: "443"
        protocol: TCP
  egressDeny:
  - toCIDR:
    - 169.254.169.254/32
"""

ENTITY = """  endpointSelector:
    matchLabels:
      app: {app}
  ingress:
  - fromEntities:
    - cluster
    toPorts:
    - ports:
      - port: "443"
        protocol: TCP
"""

SHAPES = [(HTTP, False), (L4, False), (HTTP, False), (NAMES, False), (CIDR, False), (HTTP, False), (ENTITY, True),
          (DENY_ALL, False)]


def document(n):
    body, clusterwide = SHAPES[n % len(SHAPES)]
    values = {
        "kind": "CiliumClusterwideNetworkPolicy" if clusterwide else "CiliumNetworkPolicy",
        "name": f"policy-{n}",
        "scope": "" if clusterwide else f"  namespace: ns-{n // 100}\n",
        "team": n % 17,
        "app": f"app-{n}",
        "n": n,
        "v": n % 5 + 1,
        "b": n % 200,
    }
    return (HEAD + body).format(**values)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("n", type=int)
    parser.add_argument("dir")
    parser.add_argument("--per-file", type=int, default=1)
    args = parser.parse_args()
    per_file = args.per_file or args.n
    os.makedirs(args.dir, exist_ok=True)
    for first in range(0, args.n, per_file):
        docs = [document(n) for n in range(first, min(first + per_file, args.n))]
        with open(os.path.join(args.dir, f"policies-{first:06}.yaml"), "w", encoding="utf-8") as out:
            out.write("---\n".join(docs))


if __name__ == "__main__":
    main()
