# SPDX-License-Identifier: Apache-2.0
"""What the checkers know about C text: where comments and literals are, and which files count."""

import os
import re

FOLDERS = ("base", "policy", "compiler", "lint", "bpf", "enforcer", "proxy", "cli", "tests", "tools")
SUFFIXES = (".c", ".h", ".cc")

TOKEN = re.compile(
    r"""
      (?P<comment> //(?:[^\n\\]|\\.|\\\n)* | /\*.*?\*/ )
    | (?P<literal> "(?:[^"\\\n]|\\.|\\\n)*" | '(?:[^'\\\n]|\\.)*' )
    """,
    re.VERBOSE | re.DOTALL,
)


def blank(text):
    """TEXT with spaces for each character but line ends."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """TEXT with comments blanked: lines and columns stay where they are."""
    return TOKEN.sub(lambda m: blank(m[0]) if m["comment"] else m[0], text)


def code_only(text):
    """TEXT with comments and the insides of literals blanked; the quotes stay."""

    def replace(match):
        if match["comment"]:
            return blank(match[0])
        return match[0][0] + blank(match[0][1:-1]) + match[0][-1]

    return TOKEN.sub(replace, text)


def sources(root):
    """Paths of the project's C files, relative to ROOT, sorted. The checkers' own examples do not count."""
    found = []
    for folder in FOLDERS:
        for where, dirs, names in os.walk(os.path.join(root, folder)):
            relative = os.path.relpath(where, root)
            if relative == os.path.join("tools", "tests"):
                dirs.clear()
                continue
            found += [os.path.join(relative, n) for n in names if n.endswith(SUFFIXES)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>)', re.MULTILINE)


def includes(text):
    """(line number, name, is quoted) of each include directive of TEXT."""
    for match in INCLUDE.finditer(without_comments(text)):
        line = text.count("\n", 0, match.start()) + 1
        yield line, match[1] if match[1] is not None else match[2], match[1] is not None
