# SPDX-License-Identifier: Apache-2.0
"""What the servers of this folder that are written in Python have in common: the line that they write down."""
import hashlib
import json
import os


class Log:
    def __init__(self, path):
        self.fd = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)

    def write(self, conn, head, body, whole):
        """HEAD is (method, target, host, [[name, value]...]) of characters below 256. Returns the line."""
        method, target, host, lines = head
        line = json.dumps({
            "conn": conn, "method": method, "target": target, "host": host, "lines": lines,
            "body": {"len": len(body), "sha": hashlib.sha256(body).hexdigest(), "whole": whole},
        }).encode() + b"\n"
        os.write(self.fd, line)
        return line
