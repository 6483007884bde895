# SPDX-License-Identifier: Apache-2.0
"""Asks until told to stop, and says how it went.

Usage: load.py HOST PORT STOP

Two threads ask for what is allowed, one on a connection that stays, one on a new connection for each request; one asks
for what is denied, which may be answered with 403 or not at all. Ends when the file STOP exists; prints
"ALLOWED FAILED DENIED LET-THROUGH", and on standard error what failed, a line each that ends with the time (CLOCK_MONOTONIC) at
which its connection was opened.
"""
import http.client
import os
import sys
import threading
import time

HOST, PORT, STOP = sys.argv[1], int(sys.argv[2]), sys.argv[3]
counts = {"allowed": 0, "failed": 0, "denied": 0, "through": 0}


def ask(conn, path):
    conn.request("GET", path)
    answer = conn.getresponse()
    body = answer.read().decode()
    return answer.status, body


def failed(what, opened):
    counts["failed"] += 1
    print("%s, opened: %.3f" % (what, opened), file=sys.stderr, flush=True)


def allowed(stays):
    conn, opened = None, 0
    while not os.path.exists(STOP):
        try:
            if not conn:
                conn, opened = http.client.HTTPConnection(HOST, PORT, timeout=20), time.monotonic()
            got = ask(conn, "/api/load")
            if got != (200, "hello from /api/load\n"):
                failed("answer: %r" % (got,), opened)
            counts["allowed"] += 1
        except (OSError, http.client.HTTPException) as error:
            failed("%s, connection stays: %s" % (repr(error), stays), opened)
            conn, broken = None, conn
            broken.close()
        if conn and not stays:
            conn.close()
            conn = None


def denied():
    while not os.path.exists(STOP):
        conn = http.client.HTTPConnection(HOST, PORT, timeout=0.2)
        try:
            counts["through"] += ask(conn, "/admin")[0] != 403
        except (OSError, http.client.HTTPException):
            pass
        counts["denied"] += 1
        conn.close()


threads = [threading.Thread(target=allowed, args=(True,)), threading.Thread(target=allowed, args=(False,)),
           threading.Thread(target=denied)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(counts["allowed"], counts["failed"], counts["denied"], counts["through"])
