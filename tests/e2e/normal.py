# SPDX-License-Identifier: Apache-2.0
"""Asks for each target of testdata/http/normal.md that one of the modes is about.

Usage: normal.py HOST PORT MODE

Prints a line per vector: the target, what came of it ("allow": the server's answer; the status and, of a 307, the
location), what should have, and the target that the server should have got ("-": none).
"""
import re
import socket
import sys

ROW = re.compile(r"\| ([a-z]+) \| `([^`]*)` \| ([a-z0-9-]+) \|(?: `([^`]*)` \|)?")


def ask(host, port, target):
    with socket.create_connection((host, port), timeout=5) as sock:
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: b\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer and (got := sock.recv(65536)):
            answer += got
    head = answer.decode("latin-1").split("\r\n")
    if any(line.startswith("Server: nginx") for line in head):
        return "allow"
    to = [line[10:] for line in head if line.startswith("location: ")]
    return " ".join([head[0].split(" ")[1] if head[0] else "ended"] + to)


def main():
    host, port, wanted = sys.argv[1:]
    for line in open("testdata/http/normal.md", encoding="utf-8"):
        row = ROW.match(line)
        if not row or row[1] != wanted:
            continue
        _, target, outcome, becomes = row.groups()
        expected = {"allow": "allow", "target-redirected": f"307 {becomes}"}.get(outcome, "403")
        print(target, ask(host, int(port), target), expected, becomes if outcome == "allow" else "-", sep="\t")


if __name__ == "__main__":
    main()
