#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes N policies with HTTP rules into DIR, one file each: what `make bench-diff` compares.

    diff_policies.py DIR N [--change]

Twenty namespaces, policies for apps that talk to one another, ten HTTP rules each. --change makes
one path of the policy in the middle a little wider.
"""

import os
import sys


def rules(number, wide):
    for i in range(10):
        path = f"/v1/app{number}/part{i}" + ("(/.*)?" if i % 2 else "")
        if wide and i == 4:
            path += ".*"
        yield f'              - {{method: "GET|POST", path: "{path}"}}\n'


def policy(number, wide):
    namespace = f"team-{number % 20}"
    return (
        "apiVersion: cilium.io/v2\n"
        "kind: CiliumNetworkPolicy\n"
        f"metadata: {{name: app-{number}, namespace: {namespace}}}\n"
        "spec:\n"
        f"  endpointSelector: {{matchLabels: {{app: app-{number}}}}}\n"
        "  ingress:\n"
        "    - fromEndpoints:\n"
        f"        - matchLabels: {{app: app-{number + 20}}}\n"
        f"        - matchLabels: {{role: client-{number % 7}}}\n"
        "      toPorts:\n"
        '        - ports: [{port: "8080", protocol: TCP}]\n'
        "          rules:\n"
        "            http:\n" + "".join(rules(number, wide))
    )


def main():
    directory, count = sys.argv[1], int(sys.argv[2])
    change = "--change" in sys.argv[3:]
    os.makedirs(directory, exist_ok=True)
    for number in range(count):
        with open(os.path.join(directory, f"app-{number:05}.yaml"), "w", encoding="utf-8") as f:
            f.write(policy(number, change and number == count // 2))


if __name__ == "__main__":
    main()
