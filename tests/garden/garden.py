#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers against the judge: README.md says what this shows.

    garden.py offline [--seconds N] [--seed N] [--build DIR]   without root: the harness delivers what is judged safe
    garden.py serve DIR HOST PORT                              the servers alone, from PORT on, until it is killed
    garden.py live DIR HOST PORT SOURCE [--seconds N] ...      asks those through whatever judges in between
    garden.py self-test                                        breaks itself and must notice

Exit status: 0 all is well, 1 a divergence (or the self-test saw none), 77 none, but not all servers are installed.
"""
import argparse
import asyncio
import collections
import json
import os
import random
import signal
import sys
import tempfile
import time

import client
import compare
import judge
import reference
import servers
import streams

CONCURRENT = 80
BATCH = 25
SHOWN = 4  # divergences of each server


def as_vector(data):
    """DATA as a golden request is written."""
    out = []
    for line in data.split(b"\n"):
        text = "".join(chr(b) if 0x20 <= b < 0x7f and b != 0x5c else
                       {0x5c: "\\\\", 0x0d: "\\r", 0x09: "\\t"}.get(b, f"\\x{b:02x}") for b in line)
        out.append("> " + text + "\\n")
    out[-1] = out[-1][:-2]
    return "\n".join(line for line in out if line != "> ")


class Case:
    """A stream with its verdict and what servers must see of it; delivered in PIECES, then ended as FIN says."""

    def __init__(self, stream, verdict, wanted, pieces, fin):
        self.stream, self.verdict, self.wanted, self.pieces, self.fin = stream, verdict, wanted, pieces, fin


class Asked:
    """A case, delivered to one server."""

    def __init__(self, case, exchange):
        self.case, self.exchange, self.seen = case, exchange, []


def cut(rng, data, parts):
    places = sorted(rng.randint(0, len(data)) for _ in range(parts - 1))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)]) if a < b]


class Run:
    """One run of the whole: streams, judge, servers, and what came of it."""

    def __init__(self, options, running):
        self.options, self.servers = options, running
        self.random = random.Random(options.seed)
        self.streams = streams.Streams(options.seed)
        self.counts = {server.name: collections.Counter() for server in running}
        self.asked = {server.name: {} for server in running}  # by connection
        self.unchecked = {server.name: set() for server in running}
        self.read = {server.name: 0 for server in running}
        self.fresh = {server.name: collections.defaultdict(list) for server in running}
        self.divergences, self.number, self.delivered = [], 0, 0

    def diverges(self, server, case, what):
        name = server.name if server else "reference"
        self.divergences.append(name)
        if self.divergences.count(name) > SHOWN:
            return
        print(f"DIVERGENCE at {name}: {what}")
        print(f"  judged {[(r['offset'], r['reason']) for r in case['verdict']['requests']]}, "
              f"safe {case['verdict'].get('safe')}, pieces {[len(p) for p in case.get('pieces', [])]}")
        print("\n".join("  " + line for line in as_vector(case["stream"]).split("\n")), flush=True)

    def shown(self, stream):
        """What the judge is shown of STREAM."""
        if self.options.sabotage != "bare-lf":
            return stream
        return stream.replace(b"\r\n", b"\r").replace(b"\n", b"n").replace(b"\r", b"\r\n")

    def wanted(self, stream, verdict, beginning):
        """(What servers must see; how much of STREAM that is.) BEGINNING: the verdict on what is safe of it."""
        requests, end = reference.allowed(stream[:verdict["safe"]], beginning)
        judged = verdict["requests"]
        if self.options.courtesy and len(requests) + 1 < len(judged) and judged[len(requests)]["reason"] == "no-rule-l7":
            # Its sender has got the 403 from his own kernel, and keeps the connection: what follows is judged.
            end = judged[len(requests) + 1]["offset"]
        elif not requests or not requests[-1].is_handshake or not self.options.live:
            return requests, end
        # None of the servers agrees to another protocol: then HTTP goes on, and is judged.
        rest = stream[end:]
        verdict, = judge.ask(self.options.judge, [rest])
        beginning, = judge.ask(self.options.judge, [rest[:verdict["safe"]]])
        more, more_end = self.wanted(rest, verdict, beginning)
        return requests + more, end + more_end

    def cases(self, batch):
        """What is worth delivering of BATCH."""
        shown = [self.shown(stream) for stream in batch]
        verdicts = judge.ask(self.options.judge, shown)
        beginnings = judge.ask(self.options.judge, [s[:v["safe"]] for s, v in zip(shown, verdicts)])
        for stream, seen, verdict, beginning in zip(batch, shown, verdicts, beginnings):
            if self.options.proxied and (b"h2c" in stream.lower() or stream.startswith(b"PRI ")):
                continue
            # A request that is refused tells little: a part of them will do.
            if not beginning["requests"] or beginning["requests"][0]["verdict"] != "allow" and verdict["requests"][0][
                    "reason"] not in ("no-rule-l7", "head-split"):
                if self.random.random() < 0.8:
                    continue
            try:
                wanted, end = self.wanted(seen, verdict, beginning)
            except reference.Unreadable as why:
                self.diverges(None, {"stream": stream, "verdict": verdict}, str(why))
                continue
            more = self.options.sabotage == "one-more" and end == verdict["safe"]
            delivered = stream if self.options.live else stream[:end + more]
            # A judge lets no end pass inside of a head: some servers read what they have by then as a request.
            whole = bool(wanted) and all(r["verdict"] == "allow" for r in beginning["requests"])
            fin = self.random.choice(["apart", "with", None]) if self.options.live or whole else None
            pieces = cut(self.random, delivered, self.random.choice([1, 1, 1, 2, 3]))
            yield Case(seen, verdict, wanted, pieces, fin)

    def source(self):
        """An address of its own for each connection, where there is a whole network of them."""
        self.number += 1
        n = self.number
        if self.options.source:
            return self.options.source, 2000 + n % 60000
        return f"127.{1 + (n >> 16)}.{n >> 8 & 255}.{n & 255}", 0

    async def one(self, gate, server, case):
        async with gate:
            # Where a connection may be killed without a word, patience is a waste of time.
            exchange = await client.ask(server.address, self.source, case, 2 if self.options.live else 10)
        self.asked[server.name][exchange.conn] = Asked(case, exchange)
        self.unchecked[server.name].add(exchange.conn)
        self.delivered += 1

    async def deliver(self, cases):
        gate = asyncio.Semaphore(CONCURRENT)
        await asyncio.gather(*(self.one(gate, server, case) for case in cases for server in self.servers))

    def collect(self):
        """Reads the logs until nothing more comes."""
        quiet = 0
        while quiet < 3:
            before = sum(self.read.values())
            for server in self.servers:
                with open(server.log, "rb") as log:
                    log.seek(self.read[server.name])
                    text = log.read()
                text = text[:text.rfind(b"\n") + 1]
                self.read[server.name] += len(text)
                for line in text.splitlines():
                    request = json.loads(line)
                    self.fresh[server.name][request["conn"]].append(request)
            quiet = quiet + 1 if before == sum(self.read.values()) else 0
            time.sleep(0.05)

    def check(self):
        """Compares what has come since the last time. What comes late, of a connection that was killed, counts too."""
        self.collect()
        for server in self.servers:
            asked = self.asked[server.name]
            for conn, requests in self.fresh[server.name].items():
                if conn in asked:
                    asked[conn].seen += requests
                else:
                    self.strays(server, requests)
            late = set(self.fresh[server.name]) & set(asked)
            for conn in late | self.unchecked[server.name]:
                self.check_one(server, asked[conn], conn in self.unchecked[server.name])
            self.fresh[server.name].clear()
            self.unchecked[server.name].clear()

    def strays(self, server, requests):
        """Of a connection that the server does not know, because it was reset too early; or that nobody sent."""
        wanted = [want for asked in self.asked[server.name].values() for want in asked.case.wanted]
        for request in requests:
            known = not request["conn"].startswith("undefined")
            if known or all(compare.difference(server, want, request) for want in wanted):
                self.diverges(server, {"stream": b"", "verdict": {"requests": []}}, f"a stray request: {request}")

    def check_one(self, server, asked, first):
        case, exchange, seen = asked.case, asked.exchange, asked.seen
        wrong, short = compare.extra(server, case.wanted, seen), None
        if not wrong:
            short = compare.lack(server, case, seen, exchange)
        # Behind an enforcer the harness cannot know why less arrives; that enough does is seen at the end.
        if short == "missing" and not self.options.live:
            wrong = f"saw {len(seen)} of {len(case.wanted)} allowed requests, answered {exchange.statuses} " \
                f"({exchange.ended}, end {case.fin})"
        if wrong:
            self.diverges(server, vars(case), wrong)
        if first:
            counts = self.counts[server.name]
            counts["connections"] += 1
            counts["requests"] += len(seen)
            counts["allowed"] += len(case.wanted)
            counts[short or "equal"] += 1
            # Whatever stands in between, one whole request that is allowed has to arrive, if the server takes it.
            single = case.verdict["safe"] == len(case.stream) and len(case.wanted) == 1 and case.wanted[0].whole
            if single and not any(status >= 400 and status != 403 for status in exchange.statuses):
                counts["plain"] += 1
                counts["arrived"] += bool(seen)

    def batches(self):
        if self.options.sabotage:
            yield streams.SABOTAGED
            return
        first = streams.golden() + streams.cut_heads()
        first += [data + streams.KNOWN + streams.FORBIDDEN for data in streams.golden()]
        self.random.shuffle(first)
        for i in range(0, len(first), BATCH):
            yield first[i:i + BATCH]
        while True:
            yield self.streams.batch(BATCH)

    def run(self):
        end = time.monotonic() + self.options.seconds
        for batch in self.batches():
            cases = list(self.cases(batch))
            asyncio.run(self.deliver(cases))
            self.check()
            if time.monotonic() > end or len(self.divergences) > 200:
                break
        time.sleep(2 if self.options.live else 0)
        self.check()

    def report(self):
        for server in self.servers:
            c = self.counts[server.name]
            rest = ", ".join(f"{c[k]} {k}" for k in ("refused", "closed", "cut", "dropped", "missing") if c[k])
            print(f"{server.name}: {c['connections']} connections, {c['requests']} of {c['allowed']} allowed requests "
                  f"arrived, {c['equal']} exactly as judged" + (f"; {rest}" if rest else ""))
        print(f"seed {self.options.seed}: {len(self.divergences)} divergences {dict(collections.Counter(self.divergences))}")


def start(options, directory, listen="127.0.0.1", port=None):
    running = servers.Running(directory, listen, port)
    if running.missing:
        print("not installed, left out: " + ", ".join(server.name for server in running.missing), flush=True)
    return running


def status(run, missing):
    """A server that is missing though `make deps` installs it makes the run incomplete."""
    if run.divergences:
        return 1
    return 77 if any(not server.optional for server in missing) else 0


def agrees_with_explain(options):
    """The helper is no second judge: the command says the same about the golden requests."""
    batch = streams.golden()[::10]
    with tempfile.NamedTemporaryFile() as file:
        for stream, verdict in zip(batch, judge.ask(options.judge, batch)):
            with open(file.name, "wb") as out:
                out.write(stream)
            said = judge.explain(os.path.join(options.build, "postern"), file.name)
            if said != verdict["requests"]:
                print(f"explain says {said}, the harness {verdict['requests']}")
                return False
    return True


def offline(options):
    if not agrees_with_explain(options):
        return 1
    with tempfile.TemporaryDirectory() as directory:
        running = start(options, directory)
        try:
            run = Run(options, running.servers)
            run.run()
        finally:
            running.stop()
    run.report()
    return status(run, running.missing)


def self_test(options):
    """Feeds the servers more than was judged, and lets the judge overlook bare line feeds: both must be seen."""
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        running = start(options, directory)
        try:
            for options.sabotage, every in (("one-more", True), ("bare-lf", False)):
                print(f"== sabotage: {options.sabotage}")
                run = Run(options, running.servers)
                run.read = {s.name: os.path.getsize(s.log) for s in running.servers}
                run.diverges = lambda server, case, what: run.divergences.append(server.name if server else "reference")
                names = {s.name for s in running.servers}
                run.run()
                run.report()
                blind = names - set(run.divergences)
                if not run.divergences or every and blind:
                    print(f"not noticed at {sorted(blind)}")
                    failed = 1
        finally:
            running.stop()
    return failed


def serve(options):
    running = start(options, options.dir, options.host, options.port)
    with open(os.path.join(options.dir, "ready"), "w", encoding="utf-8") as file:
        file.write(" ".join(server.name for server in running.servers))
    signal.pause()


def live(options):
    with open(os.path.join(options.dir, "ready"), encoding="utf-8") as file:
        names = file.read().split()
    known, missing = [], []
    for i, server in enumerate(servers.everything()):
        server.address = options.host, options.port + i
        server.log = os.path.join(options.dir, server.name + ".log")
        (known if server.name in names else missing).append(server)
    run = Run(options, known)
    run.read = {server.name: os.path.getsize(server.log) for server in known}
    run.run()
    run.report()
    # What arrives nowhere shows nothing; but a server may refuse a few.
    for name, c in run.counts.items():
        if not c["requests"] or c["arrived"] * 10 < c["plain"] * 7:
            print(f"{name}: {c['arrived']} of {c['plain']} single requests that are allowed have arrived")
            return 1
    return status(run, missing)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("offline", "serve", "live", "self-test"))
    parser.add_argument("where", nargs="*")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--courtesy", action="store_true", help="denied requests are answered at the sender, who goes on")
    parser.add_argument("--proxied", action="store_true", help="the same by the userspace proxy, which speaks HTTP/2 besides")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    options.live = options.mode == "live"
    options.courtesy |= options.proxied
    options.sabotage = os.environ.get("GARDEN_SABOTAGE")
    options.judge = os.path.join(options.build, "garden/judge_streams")
    options.source = None
    if options.mode in ("serve", "live"):
        options.dir, options.host, options.port = options.where[0], options.where[1], int(options.where[2])
        options.source = options.where[3] if options.live else None
    modes = {"offline": offline, "serve": serve, "live": live, "self-test": self_test}
    return modes[options.mode](options)


if __name__ == "__main__":
    sys.exit(main())
