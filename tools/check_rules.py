#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the linter's table of rules and the code that reports findings together.

    check_rules.py [ROOT]

Every id that a diagnostic can have must be a row of lint/rules_*.c, with the severity that the code
gives it; every row must be an id that something reports. The ids are found by following the calls that
take one (SINKS), through functions that pass a parameter of theirs on, and through the members of
tables (.id = "..."). A call whose id cannot be told is a finding as well.
"""

import glob
import os
import re
import subprocess
import sys

PRODUCERS = ("policy/*.c", "compiler/regex*.c", "lint/*.c")
# Inventories are read for the compiler: what is wrong with them is no finding of the linter's.
NO_PRODUCERS = (
    "policy/cluster.c", "policy/inventory.c", "policy/kube.c", "policy/node.c", "policy/outside.c", "policy/pod.c",
    "policy/service.c",
)
ROWS = "lint/rules_*.c"
# The stand-in for an id without a row, which this program keeps from happening.
NO_ROW = "unlisted"

LITERAL = r'"(?:[^"\\]|\\.)*"'
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


ORDER = ("ERROR", "WARNING", "INFO")


class Sink:
    """A function that takes a diagnostic's id: in which argument, and which severity it gets."""

    def __init__(self, id_arg, severity=None, severity_arg=None, optional=False, path=None):
        self.id_arg = id_arg
        self.severity = severity  # None: cannot be told
        self.severity_arg = severity_arg
        self.optional = optional  # an id that is not a literal is somebody else's
        self.path = path  # of a static function: only its own file calls it


SINKS = {
    "pst_diags_add": Sink(2, severity_arg=1),
    "pst_diags_error": Sink(1, "ERROR"),
    "pst_reader_unsupported": Sink(1, "INFO"),
    "pst_lint_rule_find": Sink(0, optional=True),
}

# A line that begins a function: its name, and its parameters up to the brace.
FUNCTION = re.compile(r"^[A-Za-z_][\w \t*]*?\b(\w+)\(([^;{}]*)\)\s*\{", re.MULTILINE)


def expanded(path):
    """The file's text with its own macros expanded and without comments, and what it includes left out."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"^[ \t]*#[ \t]*include.*$", "", file.read(), flags=re.MULTILINE)
    done = subprocess.run(
        ["gcc", "-E", "-x", "c", "-"], input=text, stdout=subprocess.PIPE, check=True, text=True
    )
    return done.stdout


class Start:
    """Where a function begins."""

    def __init__(self, path, match):
        self.path = path
        self.at, self.end = match.start(), match.end()
        self.static = match[0].startswith("static")


class Call:
    def __init__(self, source, match):
        self.source = source
        self.name = match[1]
        self.at = match.start()
        self.place = source.place(self.at)
        self.function = source.enclosing(self.at)  # (start, name, parameters) or None
        self.arguments = arguments(source.text, match.end() - 1)


class Source:
    def __init__(self, root, path):
        self.path = path
        self.text = join_literals(expanded(os.path.join(root, path)))
        self.functions = [
            (Start(path, m), m[1], [parameter(p) for p in m[2].split(",")])
            for m in FUNCTION.finditer(self.text)
        ]

    def enclosing(self, at):
        before = [f for f in self.functions if f[0].at <= at]
        return before[-1] if before else None

    def calls(self, names):
        """Calls of functions of these names; not their definitions and declarations."""
        pattern = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\s*\(")
        for match in pattern.finditer(self.text):
            function = self.enclosing(match.start())
            if function and match.start() >= function[0].end:
                yield Call(self, match)

    def place(self, at):
        """PATH:LINE of the original file, by the preprocessor's marks."""
        marks = list(re.finditer(r'^# (\d+) "[^"]*".*$', self.text[:at], re.MULTILINE))
        line = int(marks[-1][1]) + self.text.count("\n", marks[-1].end(), at) - 1 if marks else 1
        return f"{self.path}:{line}"


def join_literals(text):
    """An id that a macro puts together, "no-" "thing", as one literal."""
    return re.sub(r'(?<=[a-z0-9]-)"\s+"(?=[a-z0-9])', "", text)


def parameter(text):
    words = re.findall(r"\w+", text)
    return words[-1] if words else ""


def arguments(text, start):
    """The arguments of the call whose parenthesis is at START."""
    found, depth, begin, i = [], 0, start + 1, start
    while i < len(text):
        literal = re.compile(LITERAL).match(text, i)
        if literal:
            i = literal.end()
            continue
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
            if not depth:
                found.append(text[begin:i].strip())
                return found
        elif text[i] == "," and depth == 1:
            found.append(text[begin:i].strip())
            begin = i + 1
        i += 1
    return found


class Ids:
    """What the code reports: id -> set of (severity or None, place)."""

    def __init__(self):
        self.found = {}
        self.findings = []

    def add(self, name, severity, place):
        self.found.setdefault(name, set()).add((severity, place))


def severity_in(text):
    """The severity that an expression gives; of a choice the gravest, None when it cannot be told."""
    found = re.findall(r"PST_SEVERITY_(\w+)", text)
    return min(found, key=ORDER.index) if found else None


def members(sources, source, expression):
    """Ids that tables give the member that EXPRESSION reads, with their places.

    When it is a member of a named array, the array's rows; else those of the call's own file, or else
    of its folder.
    """
    name = re.search(r"(\w+)$", expression)[1]
    designated = re.compile(rf"\.{name}\s*=\s*({LITERAL})")
    array = re.match(r"(\w+)\[", expression)
    where = array and re.search(rf"\b{array[1]}\[\w*\]\s*=\s*\{{", source.text)
    if where:
        rows = source.text[where.end():source.text.index(";", where.end())]
        texts = designated.findall(rows) or re.findall(LITERAL, rows)
        return [(t[1:-1], source.place(where.start())) for t in texts if ID.fullmatch(t[1:-1])]
    folder = os.path.dirname(source.path)
    for several in ([source], [s for s in sources if os.path.dirname(s.path) == folder]):
        found = [
            (match[1][1:-1], s.place(match.start()))
            for s in several
            for match in designated.finditer(s.text)
        ]
        if found:
            return found
    return []


def locals_of(sources, call, name):
    """What the calling function's variable NAME may be, as literals or from tables; empty: nothing known."""
    if not call.function or not re.fullmatch(r"\w+", name):
        return []
    before = call.source.text[call.function[0].at:call.at]
    found = []
    for match in re.finditer(rf"\b{name}\s*=(?!=)([^;]*);", before):
        found += [(text[1:-1], call.place) for text in re.findall(LITERAL, match[1])]
        if is_member(match[1].strip()):
            found += members(sources, call.source, match[1].strip())
    return found


def is_member(expression):
    return re.fullmatch(r"\w+(?:\[[^\]]*\])?(?:(?:->|\.)\w+)+", expression) is not None


def become_sink(function, args, sink, sinks):
    """FUNCTION hands its own parameter on to SINK: True when that was not known yet."""
    start, name, parameters = function
    if any(known.path in (None, start.path) for known in sinks.get(name, [])):
        return False
    severity, at = sink.severity, None
    if sink.severity_arg is not None:
        given = args[sink.severity_arg]
        severity = severity_in(given)
        at = parameters.index(given) if given in parameters else None
    path = start.path if start.static else None
    sinks.setdefault(name, []).append(Sink(parameters.index(args[sink.id_arg]), severity, at, path=path))
    return True


def take_call(sources, call, sink, sinks, ids):
    """One call of SINK. Returns True when it made another function a sink."""
    args = call.arguments
    if len(args) <= sink.id_arg:
        return False
    expression = args[sink.id_arg]
    severity = sink.severity
    if sink.severity_arg is not None:
        severity = severity_in(args[sink.severity_arg])
    found = [(text[1:-1], call.place) for text in re.findall(LITERAL, expression)]
    found = found or locals_of(sources, call, expression)
    if not found and call.function and expression in call.function[2] and not sink.optional:
        return become_sink(call.function, args, sink, sinks)
    if not found and is_member(expression) and not sink.optional:
        found = members(sources, call.source, expression)
        if not found:
            ids.findings.append(f"{call.place}: no table gives {expression} an id")
    elif not found and not sink.optional:
        ids.findings.append(f"{call.place}: cannot tell the id of this diagnostic: {expression}")
    for name, place in found:
        ids.add(name, severity, place)
    return False


def scan(sources):
    sinks = {name: [sink] for name, sink in SINKS.items()}
    while True:
        ids, again = Ids(), False
        for source in sources:
            for call in source.calls(sinks):
                for sink in sinks[call.name]:
                    if sink.path in (None, source.path):
                        again |= take_call(sources, call, sink, sinks, ids)
        if not again:
            return ids


def read_rows(root):
    """id -> (severity, place)."""
    rows, findings = {}, []
    pattern = re.compile(rf"\.id\s*=\s*\(?({LITERAL})\)?,\s*\.severity\s*=\s*PST_SEVERITY_(\w+)")
    for path in sorted(glob.glob(os.path.join(root, ROWS))):
        source = Source(root, os.path.relpath(path, root))
        for match in pattern.finditer(source.text):
            name, place = match[1][1:-1], source.place(match.start())
            if name in rows:
                findings.append(f"{place}: {name} has a row already, at {rows[name][1]}")
            rows[name] = (match[2], place)
    return rows, findings


def compare(rows, ids, mentioned):
    for name in sorted(ids.found):
        where = sorted(place for _, place in ids.found[name])[0]
        if name == NO_ROW:
            continue
        if name not in rows:
            yield f'{where}: "{name}" has no row in {ROWS}'
            continue
        given = {severity for severity, _ in ids.found[name]} - {None}
        if given - {rows[name][0]}:
            said = " and ".join(sorted(given)).lower()
            yield f'{where}: "{name}" is reported as {said}, its row says {rows[name][0].lower()}'
    for name in sorted(rows):
        if name not in ids.found and name not in mentioned:
            yield f"{rows[name][1]}: nothing reports {name}"
        if not ID.fullmatch(name):
            yield f'{rows[name][1]}: "{name}" is not in kebab-case'


def main(argv):
    root = argv[1] if len(argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    paths = sorted({os.path.relpath(p, root) for g in PRODUCERS for p in glob.glob(os.path.join(root, g))})
    row_paths = {os.path.relpath(p, root) for p in glob.glob(os.path.join(root, ROWS))}
    sources = [Source(root, p) for p in paths if p not in NO_PRODUCERS and p not in row_paths]
    rows, findings = read_rows(root)
    ids = scan(sources)
    # A table without member names gives its ids as bare literals.
    mentioned = {l[1:-1] for s in sources for l in re.findall(LITERAL, s.text)}
    findings += ids.findings + list(compare(rows, ids, mentioned))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
