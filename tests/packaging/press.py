#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Types into a shell on a terminal, as a person does, and sees what is completed.

	press.py bash|zsh SCRIPT [posternd]

SCRIPT is what `postern completion` or `posternd --completion` has written. The command is a function of the shell here, which prints
its arguments: what is completed is what it is called with.
"""
import os
import pty
import re
import select
import sys
import tempfile
import time

QUIET = 0.5  # seconds without output: the shell waits for a key

SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'; bind 'set page-completions off'; . {script}\n",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "unsetopt beep prompt_sp; LISTMAX=1000; fpath=({dir} $fpath); autoload -Uz compinit; compinit -u -D\n",
    ),
}

# What is typed, a tab behind it, and what the command is called with then.
COMPLETED = [
    ("postern li", ["lint"]),
    ("postern obs", ["observe"]),
    ("postern lint --fo", ["lint", "--format"]),
    ("postern lint --format sar", ["lint", "--format", "sarif"]),
    ("postern lint --format=sar", ["lint", "--format=sarif"]),
    ("postern observe --not --traffic-direction eg", ["observe", "--not", "--traffic-direction", "egress"]),
    ("postern lint --explain unsupported-fq", ["lint", "--explain", "unsupported-fqdn"]),
    ("postern explain --policy te --dir", ["explain", "--policy", "te", "--direction"]),
    ("postern lint a-fi", ["lint", "a-file.yaml"]),
    ("postern compile -o bun", ["compile", "-o", "bundle name"]),
    ("postern policy g", ["policy", "get"]),
    ("postern completion f", ["completion", "fish"]),
    ("postern help dia", ["help", "dia"]),
]

COMPLETED_DAEMON = [
    ("posternd --inv", ["--inventory"]),
    ("posternd --courtesy au", ["--courtesy", "auto"]),
    ("posternd --events=al", ["--events=all"]),
    ("posternd --policy a-fi", ["--policy", "a-file.yaml"]),
    ("posternd --proxy a-fi", ["--proxy", "a-file.yaml"]),
]

# What is typed, and what two tabs list.
LISTED_DAEMON = [
    ("posternd --old-sockets ", ["kill", "pass"]),
    ("posternd --source-ip-verification ", ["on", "off"]),
    ("posternd --deny", ["--deny-body", "--deny-content-type", "--deny-header"]),
]

LISTED = [
    ("postern ", ["lint", "compile", "explain", "observe", "completion", "help"]),
    ("postern lint --co", ["--color", "--config"]),
    ("postern test --format ", ["text", "json", "junit"]),
    ("postern diff --fail-on ", ["widened", "narrowed", "any"]),
]


class Shell:
    def __init__(self, name, script):
        argv, setup = SHELLS[name]
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="dumb", PS1="> ", HISTFILE="", LC_ALL="C.UTF-8", COLUMNS="200")
            os.execvp(argv[0], argv)
        self.read()
        where = {"script": script, "dir": os.path.dirname(script)}
        self.write("stty -echo 2>/dev/null; postern() { printf '<%s>' \"$@\"; echo; }; posternd() { postern \"$@\"; }\n")
        self.write(setup.format(**where))

    def read(self, prompt=True):
        """What it writes up to the next prompt, or until it is quiet."""
        out = b""
        until = time.monotonic() + 10
        while not (prompt and out.endswith(b"> ")) and time.monotonic() < until:
            if not select.select([self.fd], [], [], 10 if prompt else QUIET)[0]:
                break
            try:
                out += os.read(self.fd, 65536)
            except OSError:
                break
            out = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|[\x07\r]", b"", out)
        return out.decode(errors="replace")

    def write(self, text, prompt=True):
        os.write(self.fd, text.encode())
        return self.read(prompt)


def main():
    name, script = sys.argv[1], os.path.abspath(sys.argv[2])
    os.chdir(tempfile.mkdtemp(dir=os.environ.get("SCRATCH")))
    for file in ("a-file.yaml", "bundle name"):
        open(file, "w").close()
    completed, listed = (COMPLETED_DAEMON, LISTED_DAEMON) if sys.argv[3:] else (COMPLETED, LISTED)
    shell = Shell(name, script)
    failed = 0
    for typed, want in completed:
        out = shell.write(typed + "\t\n")
        got = re.findall(r"<([^>]*)>", out)
        if got != want:
            failed += 1
            print(f"FAILED: {name}: '{typed}' and a tab: expected {want}, got {got} in {out!r}")
    for typed, want in listed:
        out = shell.write(typed + "\t\t", prompt=False)
        words = out.split()
        missing = [w for w in want if w not in words]
        if missing:
            failed += 1
            print(f"FAILED: {name}: '{typed}' does not offer {missing}: {out!r}")
        shell.write("\x15\n")
    print(f"{name}: {len(completed) + len(listed) - failed} as expected, {failed} not")
    sys.exit(failed > 0)


main()
