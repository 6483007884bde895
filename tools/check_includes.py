#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the dependency arrows: which folder may include which headers.

    check_includes.py [ROOT]

The table below is the whole rule. A header that is not public may be included by its own folder (and
the folder's tests) only. Headers must not include each other in a circle. A .c file includes its own
header first, so that the header is known to stand alone.
"""

import os
import sys

import csource

# The headers that other folders may use.
PUBLIC = {
    "base": {"cleanup.h", "descriptors.h", "diag.h", "escape.h", "input.h", "json.h", "log.h", "mem.h", "sort.h", "vec.h", "version.h"},
    "policy": {
        "cnp.h", "conflict.h", "fields.h", "fqdn.h", "inventory.h", "labels.h", "load.h", "nearest.h", "policy.h", "selector.h",
        "stamp.h", "store.h",
        "selector_algebra.h", "yaml.h",
    },
    "compiler": {
        "automaton.h", "baselang.h", "box.h", "bundle.h", "compile.h", "diff.h", "explain.h",
        "footprint.h", "head.h", "header.h", "judge.h", "langops.h", "nearmiss.h", "offer.h", "pattern.h", "product.h",
        "regex.h", "resolve.h", "rulediff.h", "rulegroup.h", "verify.h",
    },
    "lint": {"baseline.h", "config.h", "lint.h", "report.h", "rule.h", "rule_page.h"},
    "enforcer": {
        "calls.h", "client.h", "flow.h", "flow_filter.h", "flow_test.h", "flow_time.h", "reply.h", "tally.h", "verdict.h", "wire.h",
        "wish.h",
    },
}

# Which public headers a folder may use, besides all of its own. "bpf core": what is compiled both for the
# kernel and natively; "bpf": also what only the kernel programs need, and the skeletons made from them.
MAY_USE = {
    "base": set(),
    "policy": {"base"},
    "compiler": {"base", "policy", "bpf core"},
    "bpf": set(),
    "enforcer": {"base", "policy", "compiler", "bpf core", "bpf", "generated skeleton"},
    "proxy": {"base", "policy", "compiler", "bpf core", "enforcer"},
    "lint": {"base", "policy", "compiler"},
    "cli": {"base", "policy", "compiler", "lint", "enforcer"},
    "tools": {"base", "bpf core", "lint"},
}

# Made from bpf/reason.h and the recogniser's state table; a part of the core.
GENERATED_CORE = {"http_table.h"}


def kind_of(name):
    """What an include of NAME uses: a folder of MAY_USE's words, or None when it is not ours."""
    if name in GENERATED_CORE:
        return "bpf core"
    if name.endswith(".skel.h"):
        return "generated skeleton"
    folder, slash, rest = name.partition("/")
    if not slash or folder not in csource.FOLDERS:
        return None
    if folder != "bpf":
        return folder
    is_core = "/" not in rest and not rest.endswith(".bpf.h") and not rest.startswith("vmlinux")
    return "bpf core" if is_core else "bpf"


def is_public(name):
    folder, _, rest = name.partition("/")
    return folder not in PUBLIC or rest in PUBLIC[folder]


def may_include(path, name):
    """None when the file PATH may include NAME, else why not."""
    folder = path.split("/")[0]
    kind = kind_of(name)

    if folder == "tests" or kind is None or name.split("/")[0] == folder:
        return None
    if kind == "bpf core" and folder == "bpf":
        return None
    # Tests of bpf/ run the core through the compiler's tables, and the programs through their skeleton.
    if path.startswith("bpf/tests/") and kind in MAY_USE["enforcer"] and is_public(name):
        return None
    # Tests of proxy/ run what the tests of the compiler and of the core run.
    if path.startswith("proxy/tests/") and name.startswith(("compiler/tests/", "bpf/tests/")):
        return None
    if kind not in MAY_USE[folder]:
        return f"{folder}/ must not depend on {name.split('/')[0] if '/' in name else kind}/"
    if not is_public(name):
        return f"{name} is private to its folder"
    return None


def check_core(path, name):
    """The core is a leaf: its headers include only core headers."""
    is_core = path.startswith("bpf/") and kind_of(path) == "bpf core" and path.endswith(".h")
    if is_core and kind_of(name) not in (None, "bpf core"):
        return "a core header includes core headers only"
    return None


def check_own_first(path, names):
    own = os.path.splitext(path)[0] + ".h"
    if not path.endswith(".h") and own in names and names[0] != own:
        return f'own header "{own}" must be the first include'
    return None


def find_cycle(graph):
    """A list of headers that include each other in a circle, or None."""
    done = set()

    def visit(node, trail):
        if node in trail:
            return trail[trail.index(node):] + [node]
        if node in done:
            return None
        for following in graph.get(node, ()):
            cycle = visit(following, trail + [node])
            if cycle:
                return cycle
        done.add(node)
        return None

    for node in sorted(graph):
        cycle = visit(node, [])
        if cycle:
            return cycle
    return None


def check_file(root, path):
    """(findings of one file, its quoted includes)."""
    findings = []
    found = list(csource.includes(csource.read(root, path)))
    for line, name, quoted in found:
        if not quoted:
            if os.path.exists(os.path.join(root, name)):
                findings.append(f'{path}:{line}: <{name}> is ours: write "{name}"')
            continue
        for reason in (may_include(path, name), check_core(path, name)):
            if reason:
                findings.append(f'{path}:{line}: include of "{name}": {reason}')
    reason = check_own_first(path, [name if quoted else None for _, name, quoted in found])
    if reason:
        findings.append(f"{path}:{found[0][0]}: {reason}")
    return findings, [name for _, name, quoted in found if quoted]


def main(argv):
    root = argv[1] if len(argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    findings = []
    graph = {}
    for path in csource.sources(root):
        found, graph[path] = check_file(root, path)
        findings += found
    cycle = find_cycle(graph)
    if cycle:
        findings.append(f"{cycle[0]}:1: include circle: {' -> '.join(cycle)}")
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
