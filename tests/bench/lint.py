#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long `postern lint` takes for 10,000 policies, and how much memory, on one core.

    lint.py [--postern PATH] [--documents N] [--rounds N]

Two layouts: a file per policy, and all in one file (a dump of a cluster). Time is that of the whole process, warm
cache, from the first to the last instruction; memory is its largest resident set, less that of the same command over
one policy, per source line. Beside it, from the same rounds, stands what libyaml alone needs for the same files
(events only, no tree): nothing that reads YAML through it can be faster.
"""

import argparse
import glob
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUDGET_SECONDS = 1.0
BUDGET_BYTES_PER_LINE = 200

PROBE = r"""
#include <stdio.h>
#include <yaml.h>

int main(int argc, char **argv)
{
	unsigned long events = 0;

	for (int i = 1; i < argc; i++) {
		yaml_parser_t p;
		yaml_event_t e;
		int done = 0;
		FILE *f = fopen(argv[i], "r");

		if (!f || !yaml_parser_initialize(&p))
			return 1;
		yaml_parser_set_input_file(&p, f);
		while (!done) {
			if (!yaml_parser_parse(&p, &e))
				return 1;
			done = e.type == YAML_STREAM_END_EVENT;
			yaml_event_delete(&e);
			events++;
		}
		yaml_parser_delete(&p);
		fclose(f);
	}
	printf("%lu\n", events);
	return 0;
}
"""


def run(command):
    """Seconds (user and system) and the largest resident set in bytes."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def build_probe(folder):
    source, program = os.path.join(folder, "probe.c"), os.path.join(folder, "probe")
    with open(source, "w", encoding="utf-8") as out:
        out.write(PROBE)
    subprocess.run(["cc", "-O2", "-o", program, source, "-lyaml"], check=True)
    return program


def generate(folder, name, documents, per_file):
    path = os.path.join(folder, name)
    subprocess.run([os.path.join(HERE, "gen_policies.py"), str(documents), path, "--per-file", str(per_file)],
                   check=True)
    return path


def count_lines(path):
    lines = 0
    for name in glob.glob(os.path.join(path, "*.yaml")):
        with open(name, "rb") as file:
            lines += sum(1 for _ in file)
    return lines


def spread(values, form):
    return "  ".join(f"{form(v):>10}" for v in (min(values), statistics.median(values), max(values)))


def measure(args, probe, path, smallest):
    files = sorted(glob.glob(os.path.join(path, "*.yaml")))
    lines = count_lines(path)
    ours, alone, bytes_per_line = [], [], []
    for _ in range(args.rounds):
        seconds, resident = run([args.postern, "lint", path])
        ours.append(seconds)
        bytes_per_line.append((resident - smallest) / lines)
        alone.append(run([probe, *files])[0])
    print(f"{args.documents} policies in {len(files)} file(s), {lines} lines"
          f"{'':10} {'least':>6}      median        most")
    print(f"  postern lint, CPU seconds          {spread(ours, lambda v: f'{v:.3f}')}")
    print(f"  libyaml alone, CPU seconds         {spread(alone, lambda v: f'{v:.3f}')}")
    print(f"  memory, bytes per source line      {spread(bytes_per_line, lambda v: f'{v:.0f}')}")
    return statistics.median(ours) <= BUDGET_SECONDS and max(bytes_per_line) <= BUDGET_BYTES_PER_LINE


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--postern", default="build/postern")
    parser.add_argument("--documents", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="postern-bench.") as folder:
        probe = build_probe(folder)
        one = generate(folder, "one", 1, 1)
        smallest = min(run([args.postern, "lint", one])[1] for _ in range(3))
        within = [measure(args, probe, generate(folder, name, args.documents, per_file), smallest)
                  for name, per_file in (("many", 1), ("single", 0))]
    print(f"budget: {BUDGET_SECONDS:.1f} s, {BUDGET_BYTES_PER_LINE} bytes per line: "
          f"{'met' if all(within) else 'NOT met'}")


if __name__ == "__main__":
    main()
