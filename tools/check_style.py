#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the house rules that need no compiler. CONTRIBUTING.md says why each of them is there.

    check_style.py [ROOT]

Each rule is a generator: it takes a File and yields (line number, sentence). RULES lists them all.
"""

import os
import re
import sys

import csource

MAX_COLUMNS = 100
MAX_FUNCTION = 80
MAX_FILE = 700

SPDX_USER = "Apache-2.0"
SPDX_BPF = "GPL-2.0-only OR BSD-2-Clause"


class File:
    """One file in three forms: as it is, without comments, and without comments and literals."""

    def __init__(self, root, path):
        self.path = path
        self.folder = path.split("/")[0]
        self.is_header = path.endswith(".h")
        self.is_test = self.folder == "tests" or "/tests/" in path
        self.text = csource.read(root, path)
        self.lines = self.text.split("\n")
        self.code = csource.code_only(self.text)
        self.code_lines = self.code.split("\n")

    def code_matches(self, pattern):
        """(line number, match) of PATTERN in the code."""
        for number, line in enumerate(self.code_lines, 1):
            for match in re.finditer(pattern, line):
                yield number, match


def licences(file):
    """What bpf/ gives to the kernel is dual licensed; so may be what tests it or writes a part of it."""
    if file.path.startswith(("bpf/tests/", "tools/")):
        return SPDX_USER, SPDX_BPF
    return (SPDX_BPF,) if file.folder == "bpf" else (SPDX_USER,)


def spdx(file):
    for licence in licences(file):
        form = f"SPDX-License-Identifier: {licence}"
        if file.lines[0] in (f"// {form}", f"/* {form} */"):
            return
    yield 1, f"the first line must be '// SPDX-License-Identifier: {licences(file)[0]}'"


def pragma_once(file):
    if not file.is_header:
        return
    first = next((n for n, line in enumerate(file.code_lines) if line.strip()), None)
    if first is None or file.code_lines[first].strip() != "#pragma once":
        yield (first or 0) + 1, "a header starts with '#pragma once'"


# Names of the compiler, the C library, the kernel and libbpf. All others with a leading underscore are ours.
FOREIGN_UNDERSCORE = re.compile(
    r"""_(
      _(attribute|builtin_\w+|typeof|extension|inline|volatile|asm|alignof|auto_type|label)(__)?
    | _(sync|atomic|c11_atomic)_\w+ | _has_(include|attribute|feature|builtin)
    | _(FILE|LINE|func|FUNCTION|COUNTER|VA_ARGS|VA_OPT|DATE|TIME|STDC_VERSION)__ | _func__
    | _(BYTE_ORDER|ORDER_\w+_ENDIAN|SIZEOF_\w+|SANITIZE_ADDRESS|OPTIMIZE|TARGET_ARCH_\w+)__
    | _cplusplus | _BPF__ | _bpf__ | _clang__ | _GNUC__ | _x86_64__ | _aarch64__
    | _[us](8|16|32|64|128) | _(be|le)(16|32|64) | _sum16 | _wsum | _int128(_t)? | _kernel_\w+_t
    | _sk_buff | _sk_common | _(always_inline|noinline|weak|hidden|ksym|kconfig|kptr|uint|type|array|ulong|arg_\w+)
    | _ATOMIC_\w+ | _BYTE_ORDER | _(LITTLE|BIG)_ENDIAN(_BITFIELD)? | _NR_\w+ | _sanitizer_\w+ | _lsan_\w+ | _asan_\w+
    | GNU_SOURCE | Static_assert | Bool | Generic | Atomic | Alignas | Alignof | Noreturn | Thread_local
    | exit | IO[CRW]* | IO[FLN]BF | SC_\w+ | Pragma
    )$""",
    re.VERBOSE,
)


def leading_underscore(file):
    for number, match in file.code_matches(r"(?<![\w.\">])_\w+"):
        if not FOREIGN_UNDERSCORE.match(match[0]):
            yield number, f"identifier '{match[0]}' starts with an underscore: reserved"


def function_length(file):
    """A function's body is between braces in column 1; its head is the lines right above."""
    start = None
    for index, line in enumerate(file.code_lines):
        if line.startswith("{") and start is None:
            start = index
            while start > 0 and re.match(r"[\w\s*(]", file.lines[start - 1] or ";") \
                    and not file.code_lines[start - 1].rstrip().endswith((";", "}")) \
                    and file.code_lines[start - 1].strip():
                start -= 1
        elif line.startswith("}") and start is not None:
            length = index - start + 1
            if length > MAX_FUNCTION:
                yield start + 1, f"function of {length} lines, at most {MAX_FUNCTION}"
            start = None


def file_length(file):
    length = len(file.lines) - 1
    if length > MAX_FILE:
        yield MAX_FILE, f"file of {length} lines, at most {MAX_FILE}: which noun hides in it?"


def auto_sentinel(file):
    for number, match in file.code_matches(r"\b(pst_auto_\w+)\b(.*)"):
        if file.lines[number - 1].lstrip().startswith("#"):
            continue
        declaration = match[2]
        if match[1] == "pst_auto_fd":
            if not re.match(r"\s+int \w+ =\s*(-1;|[A-Za-z]\w*[;(]|$)", declaration):
                yield number, "pst_auto_fd: start with -1 or with the descriptor"
        elif "=" not in declaration:
            yield number, f"{match[1]}: initialise it where it is declared"


UNSAFE = {"sprintf": "snprintf", "vsprintf": "vsnprintf", "strcpy": "memcpy with a length",
          "strcat": "memcpy with a length", "strncat": "memcpy with a length",
          "stpcpy": "memcpy with a length", "gets": "fgets", "alloca": "an array of fixed size",
          "strtok": "strtok_r", "atoi": "strtoul with checks", "atol": "strtoul with checks"}
ALLOCATION = {"malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup", "asprintf",
              "vasprintf", "strdupa", "strndupa"}


def forbidden_calls(file):
    """Failure injection reaches only what is allocated through base/mem.h; tests are not injected."""
    for number, match in file.code_matches(r"(?<![\w.])(\w+)\s*\("):
        name = match[1]
        if name in UNSAFE:
            yield number, f"{name}() cannot be used safely: use {UNSAFE[name]}"
        if name in ALLOCATION and not file.is_test and file.path != "base/mem.c":
            yield number, f"{name}(): allocate through base/mem.h"


PRINTING = r"(?<![\w.])(?:(?:v?printf|puts|putchar|perror)\s*\(|(?:stdout|stderr)\b)"


def library_prints(file):
    if file.folder not in ("base", "policy", "compiler") or file.is_test or file.path == "base/log.c":
        return
    for number, match in file.code_matches(PRINTING):
        yield number, f"a library does not print ('{match[0]}'): take a FILE * or give a diagnostic"


def include_form(file):
    for number, name, quoted in csource.includes(file.text):
        if quoted and "/" not in name and not name.endswith((".skel.h", "_table.h")):
            yield number, f'include "{name}" from the root: "folder/{name}"'
        if ".." in name:
            yield number, f'include "{name}" from the root, without ".."'


def bpf_macro(file):
    if file.path == "bpf/compat.h":
        return
    for number, _ in file.code_matches(r"\b__(bpf|BPF)__\b"):
        yield number, "__bpf__ belongs into bpf/compat.h only: one place knows where the core runs"


def blanks(file):
    for number, line in enumerate(file.lines, 1):
        if line != line.rstrip():
            yield number, "blank at the end of the line"
        if re.match(r"\t* +\t", line):
            yield number, "indentation mixes blanks before tabs"
        if re.match(r" {8}", file.code_lines[number - 1]) and file.code_lines[number - 1].strip():
            if line.startswith(" "):
                yield number, "indent with tabs"
    if not file.text.endswith("\n") or file.text.endswith("\n\n"):
        yield len(file.lines), "a file ends with one line end"


def columns(file):
    """Literals are not split, so that they can be found: a line may be long if it starts with one, or
    with a call whose first argument is one."""
    for number, line in enumerate(file.lines, 1):
        width = len(line.rstrip("\\ \t").expandtabs(8))
        if width > MAX_COLUMNS and not re.match(r'\s*(\w+\()?"', line):
            yield number, f"line of {width} columns, at most {MAX_COLUMNS}"


def broken_comments(file):
    """The formatter wraps what is too long for its column, and runs the columns of a table together."""
    for number, line in enumerate(file.lines, 1):
        if re.match(r" \*[^\s/*]", line):
            yield number, "a comment that the formatter has wrapped: write the line anew, shorter"


def notes_to_self(file):
    for number, line in enumerate(file.lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            yield number, "a note to self: do it, or open an issue"


RULES = (spdx, pragma_once, leading_underscore, function_length, file_length, auto_sentinel,
         forbidden_calls, library_prints, include_form, bpf_macro, blanks, columns, broken_comments,
         notes_to_self)


def script_spdx(root):
    """Scripts, policies and the Makefile name their licence as well: in one of the first two lines."""
    for where, dirs, names in os.walk(root):
        dirs[:] = sorted(d for d in dirs if d not in ("build", ".git", "testdata", "LICENSES"))
        for name in sorted(names):
            path = os.path.relpath(os.path.join(where, name), root)
            if name != "Makefile" and not name.endswith((".sh", ".py")) and path != ".ci/run":
                continue
            head = csource.read(root, path).split("\n")[:2]
            if not any(line == f"# SPDX-License-Identifier: {SPDX_USER}" for line in head):
                yield f"{path}:1: no '# SPDX-License-Identifier: {SPDX_USER}' in the first two lines"


def main(argv):
    root = argv[1] if len(argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    findings = list(script_spdx(root))
    for path in csource.sources(root):
        file = File(root, path)
        for rule in RULES:
            findings += [f"{path}:{line}: {text} [{rule.__name__}]" for line, text in rule(file)]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
