# SPDX-License-Identifier: Apache-2.0
"""What judged bytes mean: the second reading that servers are compared with.

The judge says where requests begin and which are allowed. This file says what they are, by the letter of RFC 9112
and nothing beside it, since the judge has let only such bytes through. Where it cannot read them, or ends a request
elsewhere than the judge, that is a divergence as well.
"""
import hashlib
import re


class Unreadable(Exception):
    """The judge allowed what is not HTTP/1.1 by the letter."""


class Request:
    def __init__(self, method, target, version, lines):
        self.method, self.target, self.version = method, target, version
        self.lines = lines  # [(name in lower case, value without blanks around it)], in order
        self.body, self.whole = b"", True

    def values(self, name):
        return [value for known, value in self.lines if known == name]

    @property
    def host(self):
        return ", ".join(self.values("host"))

    @property
    def closes(self):
        """May the server end the connection behind the answer?"""
        options = {o.strip().lower() for v in self.values("connection") for o in v.split(",")}
        return "close" in options or self.version == "HTTP/1.0"

    @property
    def is_handshake(self):
        return any(value.lower() == "websocket" for value in self.values("upgrade"))

    def body_is(self, length, sha):
        return length <= len(self.body) and hashlib.sha256(self.body[:length]).hexdigest() == sha

    def __repr__(self):
        cut = "" if self.whole else " of a longer one"
        return f"{self.method} {self.target} {self.version} {self.lines} body of {len(self.body)}{cut}"


REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[!-~]*) (HTTP/1\.[01])")
FIELD_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[!-~\x80-\xff]+[ \t]*)*)", re.ASCII)
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(;[^\r\n]*)?\r\n")


def head_of(data):
    """(Request, what follows its head)"""
    head, end, rest = data.partition(b"\r\n\r\n")
    first, *others = head.decode("latin-1").split("\r\n")
    line = REQUEST_LINE.fullmatch(first)
    if not end or not line:
        raise Unreadable(f"request line {first!r}")
    lines = []
    for other in others:
        field = FIELD_LINE.fullmatch(other)
        if not field:
            raise Unreadable(f"field line {other!r}")
        lines.append((field[1].lower(), field[2].rstrip(" \t")))
    return Request(*line.groups(), lines), rest


def chunks(request, rest):
    """Moves chunks from REST to the request's body; returns what follows them."""
    while True:
        size = SIZE_LINE.match(rest)
        if not size:
            if re.fullmatch(rb"([0-9A-Fa-f]+[ \t]*(;[^\r\n]*)?\r?)?", rest):
                request.whole = False
                return b""
            raise Unreadable(f"size line {rest[:40]!r}")
        n, rest = int(size[1], 16), rest[size.end():]
        if not n:
            break
        request.body += rest[:n]
        if not (rest[n:n + 2] == b"\r\n" or b"\r\n".startswith(rest[n:n + 2])):
            raise Unreadable(f"end of a chunk {rest[n:n + 2]!r}")
        if len(rest) < n + 2:
            request.whole = False
            return b""
        rest = rest[n + 2:]
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            request.whole = False
            return b""
        if not line:
            return rest
        if not FIELD_LINE.fullmatch(line.decode("latin-1")):
            raise Unreadable(f"trailer {line!r}")


def read(data):
    """(Request, how many bytes of DATA it takes)"""
    request, rest = head_of(data)
    lengths, codings = request.values("content-length"), request.values("transfer-encoding")
    if lengths and codings or len(lengths) > 1 or len(codings) > 1:
        raise Unreadable("two lengths")
    if codings:
        if codings[0].lower() != "chunked":
            raise Unreadable(f"transfer-encoding {codings}")
        return request, len(data) - len(chunks(request, rest))
    length = int(lengths[0]) if lengths else 0
    request.body = rest[:length]
    request.whole = len(request.body) == length
    return request, len(data) - len(rest) + len(request.body)


def allowed(stream, verdict):
    """(The requests of VERDICT, all of STREAM being allowed; where they end: behind a handshake HTTP may go on.)"""
    requests, starts = [], [r["offset"] for r in verdict["requests"]] + [len(stream)]
    for i, ruling in enumerate(verdict["requests"]):
        if ruling["verdict"] != "allow":
            break  # not complete yet
        request, used = read(stream[ruling["offset"]:])
        requests.append(request)
        if request.is_handshake:
            return requests, starts[i] + used
        if request.whole and starts[i] + used != starts[i + 1]:
            raise Unreadable(f"a request ends at {starts[i] + used}, to the judge at {starts[i + 1]}")
    return requests, len(stream)
