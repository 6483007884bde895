#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes the guards out, one after the other, and requires that the tests notice.

    tests/mutants/run.py [--unit] [NAME...]	all, those with unit tests, or those that are named

Each test must pass with the tree as it is, and fail without the guard. Needs build/posternd, build/tests/bpf and what
the end-to-end tests use (make mutants builds them); everything goes to build/mutants. Prints a line per guard, then
"N passed, N failed, N skipped". Exit: 0, 1 when a guard is missed by nobody, or its text is not where it was.
"""
import os
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from guards import GUARDS  # noqa: E402

WORK = "build/mutants"
SKIPPED = 77


class Broken(Exception):
    """What cannot be tried: says why."""


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    return done.returncode, done.stdout + done.stderr


def must(command):
    code, said = run(command)
    if code:
        raise Broken(f"{shlex.join(command)}:\n{said}")


def tool(name, default):
    return shlex.split(os.environ.get(name, default))


def make_tree(guard, root):
    """bpf/ without the guard, in ROOT/bpf."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree("bpf", f"{root}/bpf")
    with open(f"{root}/{guard.file}", encoding="utf-8") as f:
        text = f.read()
    if text.count(guard.old) != 1:
        raise Broken(f"{guard.file} has its text {text.count(guard.old)} times: renew tests/mutants/guards.py")
    with open(f"{root}/{guard.file}", "w", encoding="utf-8") as f:
        f.write(text.replace(guard.old, guard.new))


def make_variable(name):
    """What the Makefile compiles with, so that mutants differ in nothing else."""
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    code, said = run(["make", "-s", "--no-print-directory", "print-" + name], env=quiet)
    if code:
        raise Broken(said)
    return shlex.split(said)


def build_unit(root, suite):
    """The folder's tests with the headers of ROOT, as far as the suite needs them."""
    program, flags = f"{root}/tests", ["-w", f"-I{root}", *make_variable("ALL_CFLAGS")]
    flags = [f for f in flags if f not in ("-MMD", "-MP", "-Werror")]
    names = [n for n in sorted(os.listdir(f"{root}/bpf/tests")) if n.endswith(".c")]
    sources = [n for n in names if f"Test({suite}," in read(f"{root}/bpf/tests/{n}")]
    sources += [n for n in names if not n.startswith("test_")]
    objects = []
    for name in sources:
        objects.append(f"{root}/{name[:-2]}.o")
        must([*tool("CC", "gcc"), *flags, "-c", f"{root}/bpf/tests/{name}", "-o", objects[-1]])
    must([*tool("CC", "gcc"), "-pie", *objects, *make_variable("COMPILER_OBJ"), *make_variable("COMPILER_LIBS"),
          "-lbpf", "-lelf", "-lcriterion", "-o", program])
    return program


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def build_daemon(root):
    """posternd with the programs of ROOT."""
    program, flags = f"{root}/posternd", [f for f in make_variable("BPF_CFLAGS") if f not in ("-MMD", "-MP")]
    objects = []
    for name in sorted(os.listdir(f"{root}/bpf")):
        if not name.endswith(".bpf.c"):
            continue
        objects.append(f"{root}/{name[:-2]}.o")
        must([*tool("CLANG", "clang"), f"-I{root}", *flags, "-Wno-everything", "-c", f"{root}/bpf/{name}",
              "-o", objects[-1]])
    must(["bpftool", "gen", "object", f"{root}/postern.o", *objects])
    code, said = run(["bpftool", "gen", "skeleton", f"{root}/postern.o", "name", "postern_bpf"])
    if code:
        raise Broken(said)
    with open(f"{root}/postern.skel.h", "w", encoding="utf-8") as f:
        f.write(said)
    flags = [f for f in make_variable("ALL_CFLAGS") if f not in ("-MMD", "-MP")]
    must([*tool("CC", "gcc"), f"-I{root}", *flags, "-c", "enforcer/loader.c", "-o", f"{root}/loader.o"])
    others = [o for o in make_variable("ENFORCER_OBJ") if not o.endswith("/enforcer/loader.o")]
    must([*tool("CC", "gcc"), "-pie", "build/obj/enforcer/main.o", f"{root}/loader.o", *others,
          *make_variable("ENFORCER_LIBS"), "-o", program])
    return program


def run_unit(program, test):
    return run([program, "--filter", test, "--timeout", "300"])[0]


def run_e2e(daemon, test):
    name, *words = test.split()
    environment = {**os.environ, "E2E_BINARY": daemon, **dict(word.split("=") for word in words)}
    return run([f"tests/e2e/{name}.sh"], env=environment, stdin=subprocess.DEVNULL, timeout=600)[0]


def try_guard(guard, baseline):
    """"ok", or why not."""
    kind, test = guard.test.split(":")
    root = f"{WORK}/{guard.name}"
    make_tree(guard, root)
    build, runs, usual = {
        "unit": (lambda: build_unit(root, test.split("/")[0]), run_unit, "build/tests/bpf"),
        "e2e": (lambda: build_daemon(root), run_e2e, "build/posternd"),
    }[kind]
    if guard.test not in baseline:
        baseline[guard.test] = runs(usual, test)
    if baseline[guard.test] == SKIPPED:
        return "skipped"
    if baseline[guard.test]:
        return f"{test} fails with the guard, too"
    return "ok" if runs(build(), test) not in (0, SKIPPED) else f"{test} does not miss it"


def check_table():
    """Every guard has its line in docs/testing.md, and every line its guard."""
    lines = [line.split("|")[1].split()[0] for line in read("docs/testing.md").splitlines() if "<!-- mutant -->" in line]
    if sorted(lines) != sorted(g.name for g in GUARDS):
        raise Broken(f"docs/testing.md: {sorted(set(lines) ^ {g.name for g in GUARDS})} differ from tests/mutants/guards.py")


def main():
    words = sys.argv[1:]
    unit, names = "--unit" in words, [w for w in words if w != "--unit"]
    chosen = [g for g in GUARDS if (not names or g.name in names) and (not unit or g.test.startswith("unit:"))]
    if set(names) - {g.name for g in GUARDS}:
        sys.exit(f"no such guard: {' '.join(sorted(set(names) - {g.name for g in GUARDS}))}")
    results, baseline = [], {}
    for guard in chosen:
        try:
            results.append(try_guard(guard, baseline))
        except (Broken, subprocess.TimeoutExpired) as e:
            results.append(str(e))
        print(f"{results[-1] if results[-1] in ('ok', 'skipped') else 'FAIL':8}{guard.name}: {guard.test}", flush=True)
        if results[-1] not in ("ok", "skipped"):
            print(f"	{results[-1]}", flush=True)
    if not names:
        try:
            check_table()
        except Broken as e:
            results.append(str(e))
            print(f"FAIL    {e}")
    good, skipped = results.count("ok"), results.count("skipped")
    print(f"{good} passed, {len(results) - good - skipped} failed, {skipped} skipped")
    sys.exit(good + skipped != len(results))


if __name__ == "__main__":
    main()
