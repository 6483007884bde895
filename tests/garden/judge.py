# SPDX-License-Identifier: Apache-2.0
"""The judge, asked about many streams at once."""
import json
import struct
import subprocess

POLICY = "tests/garden/policy.yaml"
INVENTORY = "testdata/inventory/demo.yaml"


def ask(program, streams):
    """A verdict per stream: {"safe": bytes that pass, "requests": [{"offset", "verdict", "reason"}]}."""
    frames = b"".join(struct.pack(">I", len(s)) + s for s in streams)
    out = subprocess.run([program, POLICY, INVENTORY], input=frames, stdout=subprocess.PIPE, check=True).stdout
    verdicts = [json.loads(line) for line in out.splitlines()]
    assert len(verdicts) == len(streams)
    return verdicts


def explain(program, path):
    """The same from the command that users have: its requests only."""
    out = subprocess.run(
        [program, "explain", "--policy", POLICY, "--direction", "ingress", "--from", "app=frontend",
         "--to", "app=backend", "--port", "8080", "--raw", path, "--format", "json"],
        stdout=subprocess.PIPE, check=False).stdout
    return [{k: v for k, v in json.loads(line).items() if k in ("offset", "verdict", "reason")}
            for line in out.splitlines()]
