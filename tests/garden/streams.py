# SPDX-License-Identifier: Apache-2.0
"""Byte streams that may be read in two ways: golden requests, what is near to them, and what is near to the grammar."""
import glob
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import vectors  # noqa: E402 (reads the escapes of testdata/http)

BYTES = [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"\x85", b"\xa0", b"\x0b", b"\x0c", b"\x7f",
         b"\x1c", b"\xff", b"#", b"?", b"%", b"/", b".", b"\\", b'"', b"=", b"_", b"-", b"+", b"0", b"x"]

# Behind a request: is the next one found where the judge finds it, and the one after that never?
KNOWN = b"GET /api/sentinel HTTP/1.1\r\nHost: b\r\n\r\n"
FORBIDDEN = b"GET /admin HTTP/1.1\r\nHost: b\r\n\r\n"

# What a harness that delivers one byte more, or a judge that overlooks a bare line feed, lets through.
SABOTAGED = [FORBIDDEN, KNOWN + FORBIDDEN, b"GET /api/x HTTP/1.1\r\nHost: b\r\nX: y\nX-Token: yes\r\n\r\n"]

METHODS = [b"GET", b"POST", b"HEAD", b"DELETE", b"PURGE", b"PUT", b"OPTIONS", b"POST", b"POST", b"DELETE", b"get",
           b"GETS", b"TRACE", b"PATCH"]
TARGETS = [b"/api/x", b"/api/x?q=1", b"/host", b"/", b"/admin", b"/api/%20", b"/api/a;b", b"/api/x?/../%00",
           b"/api/...", b"/api/x?a=b#c", b"http://b/api/x", b"*", b"/api/x%3f", b"/api/x?<>\"{}|^`", b"/api/~!$&'()*+,;=:@",
           b"/api/{}", b"/api/a|b", b"/api/[x]", b"/api/x?\\", b"/api/" + b"y" * 300]
VERSIONS = [b"HTTP/1.1"] * 9 + [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1"]
HOSTS = [b"Host: b"] * 9 + [b"Host: b.example", b"host:b.example:80", b"Host: [::1]:80", b"Host: B", b"Host: b,b",
                            b"Host: a@b", b"Host:", b"Host: b/x", b"Host: 10.0.0.1"]
FIELDS = [b"X: y", b"X: ", b"X:y\t", b"x-a: 1\r\nX-A: 2", b"X-A: 1, 2", b"Accept: */*", b"Cookie: a=b; c=d",
          b"User-Agent: garden/1 (x; y)", b"Connection: close", b"Connection: keep-alive", b"Connection: Keep-Alive, X",
          b"Expect: 100-continue", b"TE: trailers", b"Trailer: X-T", b"Keep-Alive: timeout=5", b"X_Y: 1", b"X.Y: 1",
          b"!#$%&'*+-.^_`|~: 1", b"X: \x85", b"X: a\xa0b", b"X: \xff\xfe", b"X: (a \"b\\\" c)", b"X: :a:b",
          b"X-Forwarded-Host: evil", b"X-Original-URL: /admin", b"X-HTTP-Method-Override: PUT", b"Range: bytes=0-1",
          b"If-None-Match: *", b"Upgrade: websocket", b"Connection: Upgrade", b"Upgrade: h2c",
          b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13", b"Via: 1.1 x",
          b"Authorization: Basic Og==", b"Content-Type: text/plain", b"Proxy-Connection: close", b"Max-Forwards: 0",
          b"From x: 1", b"From: a", b"Content-Encoding: gzip", b"Content-Range: bytes 0-1/2", b"Date: now"]
JUDGED = [b"X-Token: yes", b"X-Token: yes", b"x-tokEN:yes \t", b"X-Token: yes, yes", b"X-Token: yes\r\nX-Token: yes",
          b"X-Token:", b"X-Token: Yes", b"X-Token: yes\r\n no", b"X-Token: no", b"X-Role: a, b", b"X-Role: a,b",
          b"X-Role: a\r\nX: y\r\nX-Role: b", b"X-Role: a\r\nX-Role: b", b"X-Role: b\r\nX-Role: a", b"X-Role: a\tb",
          b"X_Token: yes", b"X-Token : yes", b"X-Token\t: yes", b"X-Token: \xa0yes", b"X-Token: yes\x00", b"X-Role: a"]
FRAMING = [b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 35", b"Content-Length: +5",
           b"Content-Length: 05", b"Content-Length: 0x5", b"Content-Length: 5, 5", b"Content-Length: 5 ",
           b"Content-Length:\t5", b"Content-Length: 5;", b"Content-Length: -0", b"Content-Length: \xa05",
           b"Content-Length:", b"Content-Length : 5", b"Content_Length: 5", b"Content-Length: 5\r\n 0",
           b"Content-Length: 18446744073709551621", b"content-length: 5", b"Content-Length: 5_0", b"X-Content-Length: 5",
           b"Transfer-Encoding: chunked", b"transfer-encoding: Chunked", b"Transfer-Encoding: identity",
           b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding:\x0bchunked",
           b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: chunked,", b"Transfer-Encoding: chunked;x",
           b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding : chunked", b"Transfer_Encoding: chunked",
           b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked\t", b"Transfer-Encoding:\r\n chunked",
           b"Transfer-Encoding: CHUNKED", b"X-Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\x00"]
SIZES = ["%x", "%X", "0%x", "000%x", "%x;a", "%x;a=b", "%x;a=\"b\"", "%x; a = b", "%x ", " %x", "0x%x", "+%x", "-%x",
         "%x;a=\"\\\"\"", "%x\t", "%x;", "%x;;", "%x,", "%x_", "%x;\x85", "%xg", "%x;a\x00", "%x;a=\"b;c\"", "00000000%x",
         "0000000000000000%x", "%x;GET /admin HTTP/1.1", "%x\n", "%x;a\n", "%x;a\r", "%x\x0b", "%x;" + "e" * 200]
DATA = [b"hello", b"", b"x" * 300, KNOWN, FORBIDDEN, b"0\r\n\r\n", b"0\r\n\r\n" + FORBIDDEN, b"\r\n", b"5\r\nhello\r\n"]
TRAILERS = [b"X-T: 1\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: evil\r\n", b" x\r\n",
            b"X\r\n", b"X: a\nY: b\r\n", b"X: \x00\r\n", b": x\r\n", b"Authorization: x\r\n"]


def golden():
    """The bytes of all that lies in testdata/http, whatever its verdict is."""
    found = []
    for path in sorted(glob.glob("testdata/http/*.md")):
        if os.path.basename(path) == "README.md":
            continue
        with open(path, encoding="utf-8") as file:
            entries = file.read().split("\n## ")[1:]
        for entry in entries:
            lines = [line[2:] for line in entry.split("\n") if line.startswith("> ")]
            found.append(b"".join(vectors.line_bytes(line) for line in lines))
    return found


def cut_heads():
    """A request that is not allowed, as far as can be; alone and behind another one."""
    return [before + FORBIDDEN[:i] for before in (b"", KNOWN) for i in range(4, len(FORBIDDEN))]


class Streams:
    """A sequence that SEED determines."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.golden = golden()

    def batch(self, n):
        makers = [self.near_golden, self.near_grammar, self.near_grammar, self.pipelined, self.mutated_grammar,
                  self.by_field]
        return [self.random.choice(makers)() for _ in range(n)]

    def pick(self, items):
        return self.random.choice(items)

    def rarely(self, one_in):
        return not self.random.randrange(one_in)

    def short_golden(self):
        while True:
            data = self.pick(self.golden)
            if len(data) < 2000 or self.rarely(20):
                return data

    def near_golden(self):
        return self.mutate(self.short_golden()) + self.tail()

    def mutated_grammar(self):
        return self.mutate(self.near_grammar())

    def pipelined(self):
        parts = [self.pick([self.short_golden, self.valid, self.valid])() for _ in range(self.random.randint(1, 3))]
        parts.append(self.pick([self.near_golden, self.near_grammar, self.mutated_grammar])())
        return b"".join(parts)

    def tail(self):
        return self.pick([b"", KNOWN, FORBIDDEN, KNOWN + FORBIDDEN, KNOWN + FORBIDDEN + KNOWN])

    def valid(self):
        """Something that is allowed whatever stands before it."""
        body = self.pick([b"", b"hello", KNOWN, FORBIDDEN])
        if self.rarely(2):
            return b"POST /api/v HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body, body[:3]) if part)
        return b"POST /api/v HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n" % data

    def chunked(self):
        odd = self.rarely(2)
        size = self.pick(SIZES) if odd else "%x"
        out = b""
        for data in (self.pick(DATA), self.pick(DATA)):
            if not data:
                continue
            end = self.pick([b"\r\n"] * 12 + [b"\n", b"", b"\r", b"xx", b"\r\n\r\n"])
            out += (size % len(data)).encode("latin-1") + b"\r\n" + data + end
        last = self.pick(["0"] * 8 + ["00", "0;a", "0 ", "", "-0", "0x0", "0;a\n", "000000000"])
        trailers = b"".join(self.pick(TRAILERS) for _ in range(self.pick([0, 0, 0, 1, 2])))
        return out + last.encode() + b"\r\n" + trailers + self.pick([b"\r\n"] * 12 + [b"\n", b"", b"\r", b"\r\r\n"])

    def near_grammar(self):
        """Each part mostly as it should be: what is refused at once tells little."""
        method = self.pick(METHODS)
        target = self.pick(TARGETS) if self.rarely(3) else b"/api/g"
        lines = [self.pick(HOSTS)] if not self.rarely(20) else []
        lines += [self.pick(FIELDS) for _ in range(self.pick([0, 0, 1, 1, 2, 4]))]
        body = b""
        style = self.random.randrange(6)
        if style < 2 and method not in (b"GET", b"HEAD"):
            body = self.pick(DATA)
            lines.append(b"Content-Length: %d" % (len(body) + self.pick([0] * 9 + [1, -1])))
        elif style < 4:
            lines.append(b"Transfer-Encoding: chunked")
            body = self.chunked()
        elif style == 4:
            lines += [self.pick(FRAMING) for _ in range(self.pick([1, 1, 2]))]
            body = self.pick([b"", b"hello", self.chunked()])
        self.random.shuffle(lines)
        head = b"%s %s %s" % (method, target, self.pick(VERSIONS))
        return b"\r\n".join([head, *lines]) + b"\r\n\r\n" + body + self.tail()

    def by_field(self):
        """Fields decide about /admin."""
        lines = [b"GET /admin HTTP/1.1", b"Host: b"] + [self.pick(JUDGED) for _ in range(self.pick([1, 1, 2, 3]))]
        lines += [self.pick(FIELDS)] if self.rarely(3) else []
        data = b"\r\n".join(lines) + b"\r\n\r\n"
        return (self.mutate(data) if self.rarely(2) else data) + self.tail()

    def place(self, data):
        """Anywhere, but mostly where something begins or ends."""
        edges = [m.start() for m in re.finditer(rb"[\r\n:; ,]|(?<=[\r\n:; ,])", data)]
        return self.pick(edges) if edges and not self.rarely(4) else self.random.randint(0, len(data))

    def mutate(self, data):
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            data = self.pick([self.insert, self.insert, self.delete, self.replace, self.line, self.line, self.case,
                              self.end])(data)
        return data

    def insert(self, data):
        at = self.place(data)
        return data[:at] + self.pick(BYTES) + data[at:]

    def delete(self, data):
        at = self.place(data)
        return data[:at] + data[at + 1:]

    def replace(self, data):
        at = self.place(data)
        return data[:at] + self.pick(BYTES) + data[at + 1:]

    def line(self, data):
        """Repeats, moves or adds a line."""
        lines = data.split(b"\r\n")
        line = self.pick([self.pick(lines), self.pick(FRAMING), self.pick(FIELDS), self.pick(HOSTS)])
        lines.insert(self.random.randrange(len(lines) + 1), line)
        return b"\r\n".join(lines)

    def case(self, data):
        at = self.random.randint(0, len(data))
        end = at + self.random.randint(1, 20)
        return data[:at] + data[at:end].swapcase() + data[end:]

    def end(self, data):
        return data[:self.place(data)]
