# SPDX-License-Identifier: Apache-2.0
"""Policies change, pods come and go, and many connections ask: is each request judged as it must be?

Usage: soak.py soak DIRECTORY SECONDS CONNECTIONS RATE DAEMON
       soak.py fill DIRECTORY     denied requests, until the daemon keeps as many flows as it ever will, and none is longer
       soak.py measure DAEMON     what DAEMON and all its descendants hold

Runs in the node's namespace and in the enforced cgroup. DIRECTORY/p.yaml and DIRECTORY/pods.yaml are the daemon's; both are
replaced by rename, a change each second. The frontend keeps CONNECTIONS open, a tenth of them to a port whose rules only the
userspace proxy can judge, and asks RATE times a second on them: for what is always allowed, for what never is, and for
/flip-0 to /flip-3, of which each change allows some. A change also allows /mark-N, for which a probe asks: the *window* of a
change is from the rename to the probe's first 200. A request that overlaps no window has one right verdict; one that does
has those of before and after. No window may be longer than WINDOW_MOST (SOAK_WINDOW seconds). Every seventh file is wrong, and changes nothing.

A pod is made at 10.77.0.100 and leaves again, one time a visitor, which is allowed /api, the next time a stranger, which
is not: who has an address after another must not be taken for it. Each has labels that nobody had before.

Prints "NAME VALUE..." lines, which the script judges; those of memory have the anonymous KiB of the daemon's processes by
name: the median of the second fifth of the time, that of the last fifth, the most. What was wrong goes to standard error.
"""
import collections
import ctypes
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

WINDOW_MOST = float(os.environ.get("SOAK_WINDOW", 5))
PATIENCE = 2 * WINDOW_MOST
BACKEND = "10.77.0.4"
VISITOR = "10.77.0.100"
KERNEL, PROXY = 8080, 8081
SILENCE = repr(TimeoutError("timed out"))
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
OTHERS = """  - fromEndpoints: [{matchLabels: {app: visitor}}]
    toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules: {http: [{method: GET, path: "/api/.*"}]}
"""
# One MAC address for all guests: that the node has an old one in its table for some seconds is none of the daemon's doing.
GUEST_UP = "-n guest link set eth0 address 02:00:00:00:00:64 up"
POD = """---
apiVersion: v1
kind: Pod
metadata: {name: guest-%d, namespace: default, labels: {app: %s, pod-template-hash: "%d"}}
status: {podIPs: [{ip: %s}]}
"""


def enter(pod):
    """Moves this thread, and the sockets that it makes from now on, into the pod."""
    with open(f"/run/netns/{pod}") as ns:
        if LIBC.setns(ns.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def replace(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def policy(mark, flips):
    paths = ["/api/.*", f"/mark-{mark}", *(f"/flip-{i}" for i in sorted(flips))]
    text = ("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: soak, namespace: default}\nspec:\n"
            "  endpointSelector: {matchLabels: {app: backend}}\n  ingress:\n"
            "  - fromEndpoints: [{matchLabels: {app: frontend}}]\n    toPorts:\n")
    for port, more in (KERNEL, ""), (PROXY, ", headerMatches: [{name: X-Soak, value: by-policy, mismatch: ADD}]"):
        rules = "".join(f'        - {{method: GET, path: "{p}"{more}}}\n' for p in paths)
        text += f'    - ports: [{{port: "{port}", protocol: TCP}}]\n      rules:\n        http:\n{rules}'
    return text + OTHERS


class Timeline:
    """Which flips are allowed when. A window belongs to the state before and to the one behind it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.states = collections.deque([(0.0, 0.0, frozenset())])  # begins, alone from, flips

    def change_begins(self, flips):
        with self.lock:
            self.states.append((time.monotonic(), None, frozenset(flips)))

    def change_is_seen(self):
        with self.lock:
            begun, _, flips = self.states.pop()
            self.states.append((begun, time.monotonic(), flips))
            while len(self.states) > 60:
                self.states.popleft()

    def during(self, begun, done):
        """The states that may have judged what was asked from BEGUN to DONE."""
        with self.lock:
            states = list(self.states)
        found = []
        for i, (start, _, flips) in enumerate(states):
            over = states[i + 1][1] if i + 1 < len(states) else None
            if start <= done and (i + 1 == len(states) or over is None or over >= begun):
                found.append(flips)
        return found


class Failures:
    def __init__(self):
        self.count = collections.Counter()

    def add(self, kind, what):
        self.count[kind] += 1
        if self.count[kind] <= 10:
            print(f"{kind}: {what}", file=sys.stderr, flush=True)


class Conn:
    """One connection that stays: a request, its answer, a pause."""

    def __init__(self, port):
        self.port, self.sock, self.got, self.begun, self.path = port, None, b"", 0.0, None


def whole(got):
    """(STATUS, BODY) of a whole answer, or None."""
    head, found, body = got.partition(b"\r\n\r\n")
    if not found:
        return None
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and len(body) >= int(value):
            return int(head.split(b" ", 2)[1]), body
    return None


class Load:
    """The frontend's connections, in a thread of its own."""

    def __init__(self, n, rate, timeline, failures):
        self.timeline, self.failures, self.rate = timeline, failures, rate
        self.conns = [Conn(PROXY if i % 10 == 0 else KERNEL) for i in range(n)]
        self.n = collections.Counter()
        self.stop = threading.Event()
        self.random = random.Random(8)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def choose(self):
        die = self.random.random()
        if die < 0.70:
            return f"/api/x{self.random.randrange(1000)}"
        return "/admin" if die < 0.73 else f"/flip-{self.random.randrange(4)}"

    def expected(self, path, begun, done):
        if not path.startswith("/flip-"):
            return {path.startswith("/api/")}
        return {int(path[6:]) in flips for flips in self.timeline.during(begun, done)}

    def ask(self, conn):
        if not conn.sock:
            conn.sock = socket.create_connection((BACKEND, conn.port), timeout=PATIENCE)
            conn.sock.setblocking(False)
            self.epoll.register(conn.sock, select.EPOLLIN)
            self.by_fd[conn.sock.fileno()] = conn
            self.n["opened"] += 1
        conn.path, conn.got, conn.begun = self.choose(), b"", time.monotonic()
        conn.sock.send(b"GET %s HTTP/1.1\r\nHost: b\r\n\r\n" % conn.path.encode())

    def close(self, conn):
        if conn.sock:
            del self.by_fd[conn.sock.fileno()]
            conn.sock.close()
        conn.sock = conn.path = None

    def judge(self, conn, status, body):
        done, path = time.monotonic(), conn.path
        right = self.expected(path, conn.begun, done)
        self.n["proxied" if conn.port == PROXY else "in_kernel"] += 1
        self.n["allowed" if status == 200 else "denied"] += 1
        self.n["in_a_window"] += len(right) > 1
        conn.path = None
        ok = {200: True in right and body == f"hello from {path}\n".encode(),
              403: False in right and body == b"Access denied\r\n"}.get(status, False)
        if not ok:
            self.failures.add("wrong", f"{path} at {conn.port}: {status} {body[:40]!r}, from {conn.begun:.3f} to {done:.3f}; "
                              f"right: {right}; states: {self.timeline.during(conn.begun, done)}")

    def silent(self, conn, why):
        """The connection has ended, or nothing came, with a request open: that must be one that may be denied."""
        right = self.expected(conn.path, conn.begun, time.monotonic())
        kind = "unanswered" if False in right else "wrong"
        self.failures.add(kind, f"{conn.path} at {conn.port}: {why} after {time.monotonic() - conn.begun:.3f} s; right: {right}")

    def readable(self, conn):
        try:
            data = conn.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError as e:
            data, why = b"", str(e)
        else:
            why = "end"
        conn.got += data
        answer = whole(conn.got)
        if answer and conn.path:
            self.judge(conn, *answer)
        elif not data and conn.path:
            self.silent(conn, why)
        if not data or (answer and answer[0] == 403):
            self.close(conn)

    def run(self):
        enter("frontend")
        self.epoll, self.by_fd = select.epoll(), {}
        pause = len(self.conns) / self.rate
        due = [(time.monotonic() + pause * i / len(self.conns), i) for i in range(len(self.conns))]
        heapq.heapify(due)
        while not self.stop.is_set():
            now = time.monotonic()
            for fd, _ in self.epoll.poll(max(0.0, min(0.05, due[0][0] - now))):
                if fd in self.by_fd:
                    self.readable(self.by_fd[fd])
            while due[0][0] <= now:
                _, i = heapq.heappop(due)
                self.turn(self.conns[i], now)
                heapq.heappush(due, (now + pause * (0.5 + self.random.random()), i))
        for conn in self.conns:
            self.close(conn)

    def turn(self, conn, now):
        if conn.path and now - conn.begun < PATIENCE:
            return
        if conn.path:
            self.silent(conn, "nothing")
            self.close(conn)
        try:
            self.ask(conn)
        except OSError as e:
            self.failures.add("wrong", f"port {conn.port}: {e}")
            self.close(conn)


def get(path, port, timeout):
    """Status of one request on a connection of its own, from where this thread is, or why there is none."""
    try:
        with socket.create_connection((BACKEND, port), timeout=timeout) as s:
            # What a pod leaves behind would live, and keep its state, for as long as its kernel repeats the FIN.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.sendall(b"GET %s HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n" % path.encode())
            got = b""
            while not whole(got):
                data = s.recv(65536)
                if not data:
                    return f"the end behind {got!r}"
                got += data
            return whole(got)[0]
    except OSError as e:
        return repr(e)


def is_known(address):
    """What the daemon says: that a request has no answer in time may have other reasons."""
    return address in subprocess.run(["build/postern", "endpoints"], stdout=subprocess.PIPE, check=True, text=True).stdout


def until(what, ask, failures):
    """Asks until it is true; the seconds that it took."""
    begun = time.monotonic()
    while not ask():
        if time.monotonic() - begun > WINDOW_MOST:
            failures.add("late", f"{what}: not in force after {WINDOW_MOST} s")
            begun += WINDOW_MOST
            if failures.count["late"] > 5:
                sys.exit("nothing comes into force any more")
        time.sleep(0.002)
    return time.monotonic() - begun


def processes(root):
    """{pid: name} of a process and its descendants."""
    parents, names = collections.defaultdict(list), {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                name, _, rest = f.read().partition("(")[2].rpartition(")")
        except OSError:
            continue
        names[int(pid)] = name
        parents[int(rest.split()[1])].append(int(pid))
    found, todo = {}, [root]
    while todo:
        pid = todo.pop()
        found[pid] = names.get(pid, "?")
        todo += parents[pid]
    return found


def measure(root):
    """What the daemon's processes hold: anonymous KiB by name, and descriptors, threads and processes together."""
    sums = collections.Counter()
    for pid, name in processes(root).items():
        try:
            with open(f"/proc/{pid}/status") as f:
                fields = dict(line.split(":", 1) for line in f)
            sums["fds"] += len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            continue  # it has just ended
        sums["anon:" + name] += int(fields["RssAnon"].split()[0])
        sums["threads"] += int(fields["Threads"])
        sums["processes"] += 1
    return sums


class Changes:
    """Policies and pods, one change after the other."""

    def __init__(self, directory, timeline, failures):
        self.directory, self.timeline, self.failures = directory, timeline, failures
        self.mark = int(time.time()) * 1000  # no run has those of another
        self.made = self.guests = 0
        self.flips = frozenset()
        self.windows = []
        self.random = random.Random(88)
        with open(f"{directory}/pods.yaml") as f:
            self.pods = f.read()

    def change_policy(self, flips=None):
        self.made += 1
        self.mark += 1
        if flips is None:
            flips = frozenset(i for i in range(4) if self.random.random() < 0.5)
        self.timeline.change_begins(flips)
        replace(f"{self.directory}/p.yaml", policy(self.mark, flips))
        self.flips = flips
        took = until(f"change {self.made}", lambda: all(get(f"/mark-{self.mark}", port, 0.5) == 200 for port in (KERNEL, PROXY)),
                     self.failures)
        self.timeline.change_is_seen()
        self.windows.append(took)

    def break_policy(self):
        """A file that is refused: the same flips stay allowed, and a request that overlaps it has one right verdict."""
        replace(f"{self.directory}/p.yaml", policy(0, frozenset(range(4)) - self.flips).replace("toPorts", "toPort"))

    def guest(self):
        """A pod comes, asks, leaves; its address was another's before."""
        self.guests += 1
        visitor = self.guests % 2 == 1
        for words in ("netns add guest", "link add guest type veth peer name eth0 netns guest", "link set guest master br0 up",
                      "-n guest link set lo up", GUEST_UP, f"-n guest addr add {VISITOR}/24 dev eth0"):
            subprocess.run(["ip", *words.split()], check=True)
        thread = threading.Thread(target=self.stay, args=(visitor,))
        thread.start()
        thread.join()
        for words in "netns del guest", "link del guest":
            subprocess.run(["ip", *words.split()], check=words.startswith("netns"), stderr=subprocess.DEVNULL)
        # Not only the name must be gone.
        while os.path.exists("/sys/class/net/guest"):
            time.sleep(0.01)

    def stay(self, visitor):
        enter("guest")
        self.expect("an unknown pod", SILENCE, get("/api/guest", KERNEL, 0.3))
        replace(f"{self.directory}/pods.yaml",
                self.pods + POD % (self.guests, "visitor" if visitor else "stranger", self.guests, VISITOR))
        if visitor:
            self.windows.append(until("a pod that came", lambda: get("/api/guest", KERNEL, 0.1) == 200, self.failures))
            self.expect("a visitor's denied request", 403, get("/admin", KERNEL, 5))
            self.expect("a visitor's request", 200, get("/api/guest", KERNEL, 5))
        else:
            self.expect("a stranger with a visitor's address", SILENCE, get("/api/guest", KERNEL, 0.3))
        replace(f"{self.directory}/pods.yaml", self.pods)
        if visitor:
            self.windows.append(until("a pod that left", lambda: not is_known(VISITOR), self.failures))
        self.expect("a pod that is gone from the inventory", SILENCE, get("/api/guest", KERNEL, 0.3))

    def expect(self, what, want, got):
        if got != want:
            self.failures.add("wrong", f"{what}: {got} instead of {want}, at {time.monotonic():.3f}")


def fill(directory):
    """A denial names the rules that did not match: here all that there may be."""
    changes = Changes(directory, Timeline(), Failures())
    changes.change_policy(frozenset(range(4)))
    for _ in range(4200):
        get("/admin", KERNEL, 5)


def middle(values):
    return sorted(values)[len(values) // 2]


def report(load, changes, failures, samples):
    for name in sorted({n for s in samples for n in s if n.startswith("anon:")}):
        kib = [s[name] for s in samples]
        fifth = max(1, len(kib) // 5)
        print(name, middle(kib[fifth:2 * fifth] or kib), middle(kib[-fifth:]), max(kib))
    windows = sorted(changes.windows)
    print("windows_ms", *(round(1000 * w) for w in (middle(windows), windows[len(windows) * 99 // 100], windows[-1])))
    print("changes", changes.made)
    print("guests", changes.guests)
    for name in "opened", "allowed", "denied", "in_kernel", "proxied", "in_a_window":
        print(name, load.n[name])
    for name in "wrong", "unanswered", "late":
        print(name, failures.count[name])


def in_frontend(function):
    """FUNCTION() in a thread that is in the frontend; not waited for."""
    def body():
        enter("frontend")
        function()
    thread = threading.Thread(target=body)
    thread.start()
    return thread


def soak(directory, seconds, connections, rate, daemon):
    timeline, failures = Timeline(), Failures()
    changes, load = Changes(directory, timeline, failures), Load(connections, rate, timeline, failures)
    stop, samples = threading.Event(), []

    def change():
        changes.change_policy(frozenset())
        load.thread.start()
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            next_at = time.monotonic() + 1
            if changes.made % 7 == 0:
                changes.break_policy()
                time.sleep(0.5)
            changes.change_policy()
            samples.append(measure(daemon))
            time.sleep(max(0.0, next_at - time.monotonic()))

    def visit():
        while not stop.is_set():
            changes.guest()

    visits = threading.Thread(target=visit)
    visits.start()
    in_frontend(change).join()
    stop.set()
    visits.join()
    load.stop.set()
    load.thread.join()
    report(load, changes, failures, samples)


def main():
    words = sys.argv[2:]
    if sys.argv[1] == "measure":
        print(*(f"{k}={v}" for k, v in sorted(measure(int(words[0])).items()) if not k.startswith("anon:")))
    elif sys.argv[1] == "fill":
        in_frontend(lambda: fill(words[0])).join()
    else:
        soak(words[0], float(words[1]), int(words[2]), float(words[3]), int(words[4]))


main()
