# SPDX-License-Identifier: Apache-2.0
"""Replays the golden requests of testdata/http through a real socket.

Usage: vectors.py FILE HOST PORT

Prints a line per vector: NAME, "allow" or "deny" as the connection shows it (a response that nginx made, or none of
it), and the verdict that the file expects: "allow" or the reason. The place of a vector in the output is the place
of its connection in time, so that events can be matched by client port, which comes last.
"""
import collections
import re
import socket
import sys

VERDICT = re.compile(r"(?:allow(?: (\d+))?|deny (\S+)(?: after (\d+))?|unfinished(?: after (\d+))?)")
# word: allow, deny, unfinished; reason: None but for deny; passed: requests that pass whole
Vector = collections.namedtuple("Vector", "name data word reason passed")
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}


def unescape(text):
    out = b""
    while text:
        if text[0] != "\\":
            out, text = out + text[0].encode("latin-1"), text[1:]
        elif text[1] == "x":
            out, text = out + bytes([int(text[2:4], 16)]), text[4:]
        else:
            out, text = out + ESCAPES[text[1]], text[2:]
    return out


def line_bytes(text):
    out = b""
    for part in re.split(r"(\{.*?\*\d+\})", text):
        repeated = re.fullmatch(r"\{(.*)\*(\d+)\}", part)
        out += unescape(repeated[1]) * int(repeated[2]) if repeated else unescape(part)
    return out


def load_all(path):
    name, data = None, b""
    for line in open(path, encoding="utf-8").read().split("\n"):
        if line.startswith("## "):
            name, data = line[3:], b""
        elif name and line.startswith("> "):
            data += line_bytes(line[2:])
        elif name and (verdict := VERDICT.fullmatch(line)):
            word = verdict[0].split()[0]
            passed = verdict[1] or verdict[3] or verdict[4] or (1 if word == "allow" else 0)
            yield Vector(name, data, word, verdict[2], int(passed))


def load(path):
    for v in load_all(path):
        yield v.name, v.data, v.reason or v.word


def ask(host, port, data):
    with socket.create_connection((host, port), timeout=5) as sock:
        local = sock.getsockname()[1]
        answer = b""
        try:
            sock.sendall(data)
            while b"\r\n\r\n" not in answer:
                got = sock.recv(65536)
                if not got:
                    break
                answer += got
        except OSError:
            pass
        return ("allow" if b"\nServer: nginx" in answer else "deny"), local


def main():
    for name, data, expected in load(sys.argv[1]):
        verdict, local = ask(sys.argv[2], int(sys.argv[3]), data)
        print(name, verdict, expected, local, flush=True)


if __name__ == "__main__":
    main()
