#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What posternd.service gives is what the code says that its processes keep."""
import re
import subprocess

UNIT = "packaging/debian/postern.posternd.service"
LISTS = ["enforcer/confine.c", "proxy/confine.c"]
# What the unit adds to systemd's own set, and is on no list because it is done before there is one.
OF_START = {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}


def read(path):
    with open(path) as f:
        return f.read()


def words(unit, key):
    found = re.findall(rf"^{key}=(.*)$", unit, re.M)
    assert len(found) == 1, f"{key}: {len(found)} lines"
    return set(found[0].split())


def known_sets():
    """The sets of calls that systemd knows, by name."""
    text = subprocess.run(["systemd-analyze", "syscall-filter"], check=True, text=True, stdout=subprocess.PIPE).stdout
    sets = {}
    for line in text.splitlines():
        if line.startswith("@"):
            sets[line.strip()] = inner = []
        elif line.startswith(" ") and not line.strip().startswith("#"):
            inner += line.split()[:1]
    return sets


SETS = known_sets()


def expand(names):
    """The calls of sets (@name) and of calls."""
    calls = {n for n in names if not n.startswith("@")}
    return calls.union(*(expand(SETS[n]) for n in names if n.startswith("@")))


def kept_capabilities(header):
    """Of each PST_CAPS_X, the capabilities that it names; those it takes from others are added."""
    flat = header.replace("\\\n", " ")
    sets = {}
    for name, body in re.findall(r"^#define PST_CAPS_(\w+)(.*)$", flat, re.M):
        sets[name] = set(re.findall(r"PST_CAP\((CAP_\w+)\)", body))
        for other in re.findall(r"PST_CAPS_(\w+)", body):
            sets[name] |= sets[other]
    return sets


def differences(unit, header, lists):
    """Sentences, one for each thing that does not agree."""
    sets = kept_capabilities(header)
    extra = sets.pop("EXTRA")
    kept = set().union(*sets.values())
    given = words(unit, "CapabilityBoundingSet")
    yield from (f"{c}: the unit gives it, nobody keeps it" for c in sorted(given - kept))
    yield from (f"{c}: somebody keeps it, the unit does not give it" for c in sorted(kept - extra - given))
    yield from (f"{c}: is not for the unit, which gives it" for c in sorted(extra & given))

    allowed = words(unit, "SystemCallFilter")
    needed = set(re.findall(r"SCMP_SYS\((\w+)\)", lists))
    yield from (f"{c}(): is on a list, the unit refuses it" for c in sorted(needed - expand(allowed)))
    added = {w for w in allowed if not w.startswith("@")}
    yield from (f"{c}(): the unit adds it, nobody needs it" for c in sorted(added - needed - OF_START))

    families = set(re.findall(r"SCMP_SYS\(socket\), PST_CALLS_IS\(0, (AF_\w+)\)", lists))
    if families != words(unit, "RestrictAddressFamilies"):
        yield f"families of addresses: {sorted(families)} in the code"
    namespaces = {n.lower() for n in re.findall(r"SCMP_SYS\(setns\), PST_CALLS_IS\(1, CLONE_NEW(\w+)\)", lists)}
    if namespaces != words(unit, "RestrictNamespaces"):
        yield f"namespaces: {sorted(namespaces)} in the code"
    if words(unit, "NoNewPrivileges") != {"yes"} or words(unit, "SystemCallErrorNumber") != {"EPERM"}:
        yield "what is refused does not fail with EPERM, or new rights can come"


def expect(what, *parts):
    """The checks themselves: a difference that is made is found."""
    found = list(differences(*parts))
    assert any(what in d for d in found), f"this went unnoticed: {what}; found {found}"


def main():
    unit, header, lists = read(UNIT), read("enforcer/confine.h"), "".join(read(p) for p in LISTS)
    assert len(kept_capabilities(header)) == 7, kept_capabilities(header).keys()

    def changed(a, b):
        assert a in unit, a
        return unit.replace(a, b)

    expect("CAP_SYS_BOOT: the unit gives", changed("CAP_KILL\n", "CAP_KILL CAP_SYS_BOOT\n"), header, lists)
    expect("CAP_KILL: somebody keeps", changed(" CAP_KILL\n", "\n"), header, lists)
    expect("CAP_DAC_OVERRIDE: is not for", changed("CAP_KILL\n", "CAP_KILL CAP_DAC_OVERRIDE\n"), header, lists)
    expect("bpf(): is on a list", changed(" bpf ", " "), header, lists)
    expect("mount(): the unit adds", changed(" setns ", " setns mount "), header, lists)
    expect("open_tree(): is on a list", unit, header, lists + "SCMP_SYS(open_tree)")
    expect("families", changed("AF_NETLINK", "AF_NETLINK AF_PACKET"), header, lists)
    expect("namespaces", changed("RestrictNamespaces=net", "RestrictNamespaces=net mnt"), header, lists)

    found = list(differences(unit, header, lists))
    for d in found:
        print("FAILED:", d)
    if not found:
        print(f"{UNIT}: as the code keeps it")
    return bool(found)


raise SystemExit(main())
