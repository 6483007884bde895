#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What README.md and docs/ show behind "$ postern ..." is what the command prints, word for word. "..." ends what
# is shown. Verbs that ask a daemon are left to the end-to-end tests.

cd "$TOP" || exit 1
exec python3 - "$POSTERN" <<'EOF'
import glob, re, shlex, subprocess, sys

OFFLINE = {"lint", "compile", "inspect", "explain", "test", "diff", "regex"}


def examples(text):
    """The command lines in indented blocks, each with the lines that are shown below it."""
    words, shown, goes_on = None, [], False
    for line in text.split("\n") + [""]:
        if goes_on:
            words += line.strip()
        elif words and line.startswith("    ") and not line.startswith("    $ "):
            shown.append(line[4:])
            continue
        else:
            if words:
                yield words, shown
            match = re.match(r"    \$ (?:build/)?postern (.*)", line)
            words, shown = (match[1], []) if match else (None, [])
        goes_on = bool(words) and words.endswith("\\")
        words = words[:-1] if goes_on else words


def differs(found, shown):
    if shown[-1] == "...":
        shown = shown[:-1]
        found = found[:len(shown)]
    return found != shown


assert list(examples("a\n    $ postern lint x \\\n        y\n    out\n    $ build/postern diff\n    ...\n\n    no")) == [
    ("lint x y", ["out"]), ("diff", ["..."])]
assert not differs(["a", "b"], ["a", "..."]) and differs(["a", "b"], ["a"]) and differs(["a"], ["b", "..."])

tried = failed = 0
for name in ["README.md"] + sorted(glob.glob("docs/*.md")):
    for words, shown in examples(open(name, encoding="utf-8").read()):
        words = shlex.split(words)
        if words[0] not in OFFLINE:
            continue
        tried += 1
        found = subprocess.run([sys.argv[1]] + words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if not shown or differs(found.stdout.rstrip("\n").split("\n"), shown):
            failed += 1
            print(f"FAILED: {name}: postern {shlex.join(words)} prints\n{found.stdout}{found.stderr}")
# The file that test.md shows is the one that it runs.
if "```yaml\n" + open("docs/examples/tests/shop.yaml").read() + "```\n" not in open("docs/test.md").read():
    failed += 1
    print("FAILED: docs/test.md does not show docs/examples/tests/shop.yaml")
if tried < 5:
    sys.exit(f"FAILED: only {tried} examples were found")
sys.exit(bool(failed))
EOF
