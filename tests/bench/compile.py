#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long `postern compile` takes for 10,000 HTTP rules of 1,000 policies, how much memory, how large the tables are.

    compile.py [--postern PATH] [--rounds N]

Three shapes, the first two by gen_http.py: all rules on one port; each policy for a workload of its own; and all on one
port with literals that have nothing in common. Time is that of the processor for the whole command, warm cache: user
and system; memory is its largest resident set. Median, least and most of all rounds.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile

import gen_http

HERE = os.path.dirname(os.path.abspath(__file__))
RULES, POLICIES = 10000, 1000
BUDGET_SECONDS = 1.0
BUDGET_BYTES = 200 << 20


def run(command):
    """Seconds of the processor and the largest resident set in bytes."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[1]} failed: exit {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def write_literals(directory):
    """Rules whose paths share nothing but their beginning."""
    os.makedirs(directory)
    for n in range(POLICIES):
        with open(os.path.join(directory, f"p{n:05}.yaml"), "w", encoding="utf-8") as out:
            out.write(gen_http.POLICY.format(n=n, app="web"))
            for i in range(n, RULES, POLICIES):
                word = hashlib.sha256(str(i).encode()).hexdigest()
                out.write(f"        - {{method: {gen_http.METHODS[i % 3]}, path: '/api/{word[:12]}/{word[12:20]}'}}\n")
    with open(os.path.join(directory, "inventory.list"), "w", encoding="utf-8") as out:
        out.write("apiVersion: v1\nkind: List\nitems:\n")
        out.write(gen_http.pod("client", "client", "10.0.0.1") + gen_http.pod("web", "web", "10.1.0.1"))


def command(postern, directory, bundle):
    return [postern, "compile", directory, "--inventory", os.path.join(directory, "inventory.list"), "-o", bundle]


def spread(values, scale, form):
    low, middle, high = (form.format(f(values) * scale) for f in (min, statistics.median, max))
    return f"{middle} ({low} to {high})"


def measure(postern, name, directory, rounds):
    bundle = os.path.join(directory, "out.bundle")
    runs = [run(command(postern, directory, bundle)) for _ in range(rounds)]
    shown = subprocess.run([postern, "inspect", "--format", "json", bundle], check=True, capture_output=True).stdout
    sizes = json.loads(shown)
    tables = 4 * sizes["cells"] + sizes["class_bytes"] + 8 * sizes["tag_sets"]
    fallback = sum(s["where"] == "fallback" for s in sizes["rule_sets"])
    seconds, memory = [r[0] for r in runs], [r[1] for r in runs]
    print(f"{name}:")
    print(f"  seconds        {spread(seconds, 1, '{:.2f}')}")
    print(f"  resident, MiB  {spread(memory, 1 / (1 << 20), '{:.0f}')}")
    print(f"  tables         {tables} bytes, {tables / RULES:.1f} per rule; {sizes['rule_set_count']} rule sets, "
          f"{fallback} in the fallback")
    return statistics.median(seconds) <= BUDGET_SECONDS and max(memory) <= BUDGET_BYTES and not fallback


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postern", default="build/postern")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        one, apart, literals = (os.path.join(scratch, d) for d in ("one", "apart", "literals"))
        gen = [sys.executable, os.path.join(HERE, "gen_http.py"), str(RULES), str(POLICIES)]
        subprocess.run(gen + [one], check=True)
        subprocess.run(gen + [apart, "--apart"], check=True)
        write_literals(literals)
        print(f"{RULES} HTTP rules of {POLICIES} policies, {args.rounds} rounds")
        for name, directory in (("on one port", one), ("a workload for each policy", apart),
                                ("on one port, nothing in common", literals)):
            good &= measure(args.postern, name, directory, args.rounds)
    print("within" if good else "OVER", f"the budget: {BUDGET_SECONDS} s, {BUDGET_BYTES >> 20} MiB, no fallback")


if __name__ == "__main__":
    main()
