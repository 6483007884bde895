#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""In the place of postern-proxy (posternd --proxy): one that was taken over. Each start does something else.

Descriptors: 3 a socket on which the daemon speaks, 4 one to the helper, 5 a pipe to the daemon (enforcer/wire.h), 6 a
pipe for what was judged (enforcer/verdict.h), 7 memory for counters, 8 memory that the daemon alone writes.
"""
import mmap
import os
import signal
import socket
import struct
import sys
import time

PING, DONE = 8, 4
KIND = struct.Struct("=III")  # kind, id, error; what follows is of other messages
# Of a record: size, policy, time, connection; rule set, rule, number, latency; status, length of the head, ports; ends;
# layer, direction, outcome, reason, is it HTTP/2, how many wishes; padding and wishes.
RECORD = struct.Struct("=IIQQIIIIHHHH16s16s6B10x64x")
HEAD = b"GET /forged\x1b[2J?s3cret HTTP/1.1\r\nHost: f\r\n\r\n"


def nth_start():
    path = os.path.join(os.environ["HOSTILE"], "starts")
    with open(path, "a") as f:
        f.write("x")
    return os.stat(path).st_size


def mapped(last):
    return bytes(10) + b"\xff\xff" + bytes([10, 77, 0, last])


def judged(policy, server):
    """Of a request that nobody has sent: denied, on a connection of frontend's to SERVER."""
    reason = int(os.environ["NO_RULE_L7"])
    return RECORD.pack(RECORD.size + len(HEAD), policy, time.monotonic_ns(), 1, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, len(HEAD),
                       1234, 8080, mapped(2), mapped(server), 1, 0, 0, reason, 0, 0) + HEAD


def write_wish():
    try:
        mmap.mmap(8, 1)
        say(b"the wish can be written\n")
    except PermissionError:
        say(b"the wish cannot be written\n")


def say(text):
    os.write(2, text)


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    n = nth_start()
    control = socket.socket(fileno=3)
    message = control.recv(4096)
    size, policy = len(message), KIND.unpack_from(message)[1]

    def answer(kind, number=0):
        os.write(5, KIND.pack(kind, number, 0).ljust(size, b"\0"))

    say(b"posternd: generation 99 is in force\x1b[2J\n<0>forged\n" + b"x" * 5000 + b"\n")
    try:
        socket.send_fds(control, [message], [4])
        say(b"a descriptor was sent\n")
    except BrokenPipeError:
        say(b"nothing can be sent\n")
    if n == 1:  # never enough
        answer(DONE, policy)
        while True:
            try:
                answer(PING)
            except BlockingIOError:  # the pipe is full; who ends now is ended for that
                time.sleep(0.01)
    if n == 2:  # half a message
        os.write(5, b"\1" * (size - 1))
    if n == 3:  # an older one's answer, the present one's, and then somebody else's
        answer(DONE, policy - 1)
        answer(DONE, policy)
        time.sleep(0.5)
        answer(DONE, policy)
    if n == 4:  # of its own workload, which is told as the proxy's; and then of another
        answer(DONE, policy)
        write_wish()
        os.write(6, judged(policy, 4))
        time.sleep(0.5)
        os.write(6, judged(policy, 3))
    if n == 5:  # no record
        answer(DONE, policy)
        os.write(6, b"\xff" * 300)
    if n == 6:  # will not tell of anything
        os.close(6)
    time.sleep(1000)  # neither reads nor answers


sys.exit(main())
