#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes policies with HTTP rules, always the same ones, and the inventory that goes with them.

    gen_http.py RULES POLICIES DIR [--apart]

RULES path rules are spread over POLICIES policies. All of them select one workload, so that its port has all
rules together; with --apart each policy selects a workload of its own. Of ten paths six are literal, two have a
number in the middle, one has any segment in the middle and one any end. Methods take turns.
"""

import argparse
import os

VERBS = ["list", "get", "create", "update", "delete", "watch", "export", "search"]
NOUNS = ["orders", "users", "items", "carts", "invoices", "payments", "reviews", "sessions", "shipments", "tickets"]
METHODS = ["GET", "POST", "PUT"]

POLICY = """apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: p{n}, namespace: default}}
spec:
  endpointSelector: {{matchLabels: {{app: {app}}}}}
  ingress:
  - fromEndpoints: [{{matchLabels: {{app: client}}}}]
    toPorts:
    - ports: [{{port: "8080", protocol: TCP}}]
      rules:
        http:
"""


def path(i):
    """The path of rule I: no two are equal."""
    noun, verb = NOUNS[i % 10], VERBS[i // 10 % 8]
    base = f"/api/v{i // 80 % 3 + 1}/tenant-{i * 7919 % 100003}/{noun}"
    return [
        f"{base}/{verb}",
        f"{base}/{verb}/all",
        f"{base}/by-{verb}",
        f"{base}",
        f"{base}/{verb}/latest",
        f"{base}/{verb}-{i}",
        f"{base}/[0-9]+/{verb}",
        f"{base}/[0-9]+",
        f"{base}/[^/]+/{verb}",
        f"{base}/{verb}/.*",
    ][i % 10]


def pod(name, app, addr):
    return (f"- apiVersion: v1\n  kind: Pod\n  metadata: {{name: {name}, namespace: default, labels: {{app: {app}}}}}\n"
            f"  spec: {{}}\n  status: {{podIP: {addr}, podIPs: [{{ip: {addr}}}]}}\n")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("rules", type=int)
    args.add_argument("policies", type=int)
    args.add_argument("dir")
    args.add_argument("--apart", action="store_true")
    args = args.parse_args()
    os.makedirs(args.dir, exist_ok=True)
    pods = [pod("client", "client", "10.0.0.1")]
    for n in range(args.policies):
        app = f"web-{n}" if args.apart else "web"
        with open(os.path.join(args.dir, f"p{n:05}.yaml"), "w", encoding="utf-8") as out:
            out.write(POLICY.format(n=n, app=app))
            for i in range(n, args.rules, args.policies):
                out.write(f"        - {{method: {METHODS[i % 3]}, path: '{path(i)}'}}\n")
        if args.apart or not n:
            pods.append(pod(app, app, f"10.1.{n // 250}.{n % 250 + 1}"))
    with open(os.path.join(args.dir, "inventory.list"), "w", encoding="utf-8") as out:
        out.write("apiVersion: v1\nkind: List\nitems:\n" + "".join(pods))


if __name__ == "__main__":
    main()
