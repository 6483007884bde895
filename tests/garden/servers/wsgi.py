# SPDX-License-Identifier: Apache-2.0
"""An application for WSGI servers that writes down what it is asked, to the file in GARDEN_LOG. Fields come to it as
variables: HTTP_X_Y for x-y, and, to some servers, for x_y as well."""
import os

from record import Log

LOG = Log(os.environ["GARDEN_LOG"])


def read(stream):
    """(what comes of the body, whether that is all)"""
    body = b""
    try:
        for data in iter(lambda: stream.read(16384), b""):
            body += data
    except Exception:  # each server has its own
        return body, False
    return body, True


def application(environ, start_response):
    lines = [[name[5:].replace("_", "-").lower(), value] for name, value in environ.items()
             if name.startswith("HTTP_")]
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or "?"
    body, whole = read(environ["wsgi.input"])
    length = environ.get("CONTENT_LENGTH")
    whole = whole and (not length or len(body) == int(length))
    head = environ["REQUEST_METHOD"], target, environ.get("HTTP_HOST", ""), lines
    line = LOG.write(f"{environ['REMOTE_ADDR']}:{environ['REMOTE_PORT']}", head, body, whole)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(line)))])
    return [line]
