# SPDX-License-Identifier: Apache-2.0
"""Writes connections of HTTP/2 as seeds for fuzz_h2, one file each: h2_seeds.py DIR

The first byte is the fuzzer's own: 00 a hostile client, 80 a hostile server, behind preface and settings.
"""
import os
import sys


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def block(*fields):
    """Literals that are never indexed, uncompressed."""
    return b"".join(b"\x10" + bytes([len(n)]) + n + bytes([len(v)]) + v for n, v in fields)


def head(method=b"GET", path=b"/api/x", *more):
    return block((b":method", method), (b":scheme", b"http"), (b":path", path), (b":authority", b"b"), *more)


INDEXED = bytes([0x82, 0x86, 0x84, 0x41, 0x01]) + b"b"  # GET / with entries of the tables
HUFFMAN = bytes([0x82, 0x86, 0x44, 0x86]) + bytes.fromhex("60edc9d1607f") + b"\x41\x01b"
GRPC = ((b"content-type", b"application/grpc"), (b"te", b"trailers"))
CLIENT = {
    "get": frame(1, 5, 1, head()),
    "denied": frame(1, 5, 1, head(path=b"/no")) + frame(1, 5, 3, head()),
    "grpc_denied": frame(1, 4, 1, head(b"POST", b"/no", *GRPC)) + frame(0, 1, 1, b"\0\0\0\0\1a"),
    "indexed": frame(1, 5, 1, INDEXED) + frame(1, 5, 3, INDEXED),
    "huffman": frame(1, 5, 1, HUFFMAN),
    "post": frame(1, 4, 1, head(b"POST", b"/x", (b"content-length", b"3"))) + frame(0, 1, 1, b"abc"),
    "length": frame(1, 4, 1, head(b"POST", b"/x", (b"content-length", b"3"))) + frame(0, 1, 1, b"abcd"),
    "trailers": frame(1, 4, 1, head(b"POST")) + frame(0, 0, 1, b"abc") + frame(1, 5, 1, block((b"x-t", b"1"))),
    "trailer_asked": frame(1, 4, 1, head(b"POST")) + frame(1, 5, 1, block((b"x-p", b"1"))),
    "padded": frame(1, 0x2d, 1, b"\2\0\0\0\0\x10" + head() + b"\0\0") + frame(0, 9, 3, b"\1a\0"),
    "continued": frame(1, 1, 1, head()[:20]) + frame(9, 0, 1, head()[20:25]) + frame(9, 4, 1, head()[25:]),
    "two_lines": frame(1, 5, 1, head(b"GET", b"/a", (b"x", b"a"), (b"x", b"b"), (b"x-p", b""))),
    "cookies": frame(1, 5, 1, head(b"GET", b"/api/x", (b"cookie", b"a"), (b"cookie", b"b"))),
    "host": frame(1, 5, 1, block((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/api/x"), (b"host", b"b"))),
    "reset": frame(1, 4, 1, head(b"POST")) + frame(3, 0, 1, b"\0\0\0\x08") + frame(1, 5, 3, head()),
    "connect": frame(1, 4, 1, block((b":method", b"CONNECT"), (b":authority", b"b:80"))),
    "get_body": frame(1, 4, 1, head()) + frame(0, 1, 1, b"abc"),
    "others": frame(6, 0, 0, b"12345678") + frame(8, 0, 0, b"\0\0\1\0") + frame(2, 0, 1, b"\0\0\0\0\1") +
    frame(4, 0, 0, b"\0\4\0\0\0\0") + frame(1, 5, 1, head()) + frame(7, 0, 0, b"\0\0\0\0\0\0\0\0"),
}
OK = block((b":status", b"200"))
SERVER = {
    "ok": frame(1, 5, 1, OK) + frame(1, 5, 3, OK),
    "body": frame(1, 4, 1, OK) + frame(0, 0, 1, b"abc") + frame(0, 1, 1, b"d"),
    "trailers": frame(1, 4, 1, OK) + frame(0, 0, 1, b"abc") + frame(1, 5, 1, block((b"grpc-status", b"0"))),
    "early": frame(1, 4, 5, block((b":status", b"103"), (b"link", b"a"))) + frame(1, 5, 5, block((b":status", b"204"))),
    "head": frame(1, 5, 3, block((b":status", b"200"), (b"content-length", b"5"))),
    "length": frame(1, 4, 1, block((b":status", b"200"), (b"content-length", b"5"))) + frame(0, 1, 1, b"abc"),
    "reset": frame(3, 0, 1, b"\0\0\0\7") + frame(1, 4, 3, OK) + frame(3, 0, 3, b"\0\0\0\2"),
    "goaway": frame(7, 0, 0, b"\0\0\0\3\0\0\0\0") + frame(1, 5, 1, OK) + frame(1, 5, 3, OK),
    "push": frame(5, 4, 1, b"\0\0\0\2" + head()),
    "refused": frame(1, 5, 1, block((b":status", b"101"))) + frame(1, 5, 3, block((b":status", b"200"), (b"connection", b"x"))),
}


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for first, kind in ((b"\x00", CLIENT), (b"\x80", SERVER)):
        for name, data in kind.items():
            with open(os.path.join(sys.argv[1], f"{first[0]:02x}_{name}"), "wb") as seed:
                seed.write(first + data)


main()
