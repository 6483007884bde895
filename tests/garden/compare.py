# SPDX-License-Identifier: Apache-2.0
"""Is what a server saw on a connection what the judge has allowed?"""
import re

from servers import JUDGED


def grouped(server, lines):
    """{name: [value, ...]}: how many lines, and in which order those of one name came."""
    fields = {}
    for name, value in lines:
        if name.lower() not in server.unseen:
            # http.server keeps blanks behind a value, nginx takes tabs around it for a part of it.
            value = value.strip(" \t")
            # com.sun.net.httpserver makes blanks of tabs inside of a value. A rule allows what is equal to a text:
            # one with a tab in it would show a blank to the application, none with a blank is met by a tab.
            value = value.replace("\t", " ") if server.name == "java" else value
            fields.setdefault(name.lower(), []).append(value)
    return fields


def variables(lines):
    """The judged fields as applications see them: the values of one name joined."""
    fields = {}
    for name, value in lines:
        if name.lower() in JUDGED:
            fields.setdefault(name.lower(), []).append(value.strip(" \t"))
    return {name: re.sub("[ \t]*,[ \t]*", ",", ",".join(values)) for name, values in fields.items()}


def difference(server, want, seen):
    """What differs between a judged request and one that a server saw; None when nothing does."""
    for part in ("method", "target", "host"):
        if getattr(want, part) != seen[part].strip(" \t"):
            return f"{part} {seen[part]!r}, judged {getattr(want, part)!r}"
    fields, judged = (variables(lines) if server.variables else grouped(server, lines)
                      for lines in (seen["lines"], want.lines))
    if fields != judged:
        return f"fields {fields}, judged {judged}"
    body = seen["body"]
    if not want.body_is(body["len"], body["sha"]):
        return f"a body of {body['len']} bytes that is not the judged one"
    if body["whole"] and want.whole and body["len"] != len(want.body):
        return f"a whole body of {body['len']} bytes, judged {len(want.body)}"
    return None


def extra(server, wanted, seen):
    """What a server saw that was not judged so; None when all is well. This is what must never be."""
    for i, request in enumerate(seen):
        if i == len(wanted):
            return f"request {i + 1}, {request['method']} {request['target']}, is one more than was allowed"
        differs = difference(server, wanted[i], request)
        if differs:
            return f"request {i + 1}: {differs}"
    return None


def lack(server, case, seen, exchange):
    """Why a server saw less than was allowed: refused, closed, cut and dropped are fine, missing is not."""
    wanted = case.wanted
    if len(seen) >= len(wanted):
        return None
    if exchange.ended == "reset" or any(status >= 400 for status in exchange.statuses):
        return "refused"
    if seen and (wanted[len(seen) - 1].closes or server.closes(case.fin)):
        return "closed"
    if seen and server.drops_behind(wanted[len(seen) - 1]):
        return "dropped"
    if not wanted[len(seen)].whole or (seen and not seen[-1]["body"]["whole"]):
        return "cut"
    return "missing"
