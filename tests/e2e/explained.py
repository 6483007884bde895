# SPDX-License-Identifier: Apache-2.0
"""What `postern explain` says of the golden requests, in the lines of tests/e2e/verdicts.py.

Usage: explained.py PATTERN VECTORS POLICY INVENTORY FROM TO PORT: of those whose names match.
"""
import re
import subprocess
import sys
import tempfile

import vectors

pattern, path, policy, inventory, client, server, port = sys.argv[1:]
for name, data, _ in vectors.load(path):
    if not re.match(pattern, name):
        continue
    with tempfile.NamedTemporaryFile() as raw:
        raw.write(data)
        raw.flush()
        said = subprocess.run(["build/postern", "explain", "--policy", policy, "--inventory", inventory, "--direction",
                               "ingress", "--from", client, "--to", server, "--port", port, "--raw", raw.name],
                              stdout=subprocess.PIPE, check=False, text=True).stdout.splitlines()
    # OFFSET VERDICT REASON [RULE]; the first denial is the connection's, its first request the verdict's.
    first, reason = said[0].split()[1:3]
    for line in said[1:]:
        if reason == "rule-matched":
            reason = line.split()[2]
    print(name, first, reason)
