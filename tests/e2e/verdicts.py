# SPDX-License-Identifier: Apache-2.0
"""Joins what tests/e2e/vectors.py has printed with the events of the daemon.

Usage: verdicts.py OUTPUT EVENTS: a line per vector, "NAME VERDICT REASON"; the first denial of a connection is its
reason, "-" when there is no event of it.
"""
import json
import sys

reasons = {}
for line in open(sys.argv[2], encoding="utf-8"):
    event = json.loads(line)
    port = event.get("client", "").rsplit(":", 1)[-1]
    if event.get("layer") == "l7" and reasons.get(port, "rule-matched") == "rule-matched":
        reasons[port] = event["reason"]
for line in open(sys.argv[1], encoding="utf-8"):
    name, verdict, _, port = line.split()
    print(name, verdict, reasons.get(port, "-"))
