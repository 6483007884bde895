# SPDX-License-Identifier: Apache-2.0
"""Threads of postern-proxy: see t_threads_of_the_proxy_share_the_work.sh.

A thread that is stopped by ptrace shows whose connections are its own: they wait, and nobody else's do.
"""
import ctypes
import os
import re
import select
import signal
import socket
import statistics
import sys
import threading
import time

import proxy as p

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


def workers(proxy):
    tasks = f"/proc/{proxy.process.pid}/task"
    found = []
    for tid in os.listdir(tasks):
        with open(f"{tasks}/{tid}/comm", encoding="ascii") as name:
            if name.read().startswith("worker-"):
                found.append(int(tid))
    return sorted(found)


class Stopped:
    """TID stands still meanwhile."""

    def __init__(self, tid):
        self.tid = tid

    def ptrace(self, request):
        if LIBC.ptrace(request, self.tid, None, None) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")

    def __enter__(self):
        self.ptrace(SEIZE)
        self.ptrace(INTERRUPT)
        os.waitpid(self.tid, WALL)

    def __exit__(self, *args):
        self.ptrace(DETACH)


def answers_within(sock, seconds):
    sock.settimeout(seconds)
    try:
        return p.read_until(sock, b"ok")[:12] == b"HTTP/1.1 200"
    except socket.timeout:
        return False
    finally:
        sock.settimeout(15)


def waiting_of(held, tid):
    """Whose connections are TID's."""
    with Stopped(tid):
        for sock in held:
            sock.sendall(p.GET)
        end = time.monotonic() + 0.7
        waiting = [sock for sock in held if not answers_within(sock, max(0.01, end - time.monotonic()))]
    for sock in waiting:
        p.equal(answers_within(sock, 15), True, "an answer when the thread goes on")
    return waiting


def open_many(proxy, n):
    held = [proxy.connect() for _ in range(n)]
    for sock in held:
        sock.sendall(p.GET)
        p.equal(answers_within(sock, 15), True, "an answer")
    return held


def connections_are_spread_and_a_thread_that_stands_still_holds_up_its_own_only():
    server = p.Server(p.answer_ok)
    with p.Proxy(server.port, "--threads", "3") as proxy:
        tids = workers(proxy)
        p.equal(len(tids), 3, "workers")
        held = open_many(proxy, 45)
        of = [waiting_of(held, tid) for tid in tids]
        p.equal(sorted(sock.fileno() for part in of for sock in part), sorted(sock.fileno() for sock in held),
                "each has one thread")
        if min(map(len, of)) < 5 or max(map(len, of)) > 25:
            raise AssertionError(f"connections of each thread: {[len(part) for part in of]}")
        print(f"     connections of each thread: {[len(part) for part in of]}")
        with Stopped(tids[0]):
            time.sleep(0.1)
            fresh = []
            # It was found to be silent after 20 ms: what was given to it until then waits with it.
            for _ in range(12):
                fresh.append(proxy.connect())
                fresh[-1].sendall(p.GET)
                time.sleep(0.03)
            late = [sock for sock in fresh if not answers_within(sock, 1)]
            if len(late) > 2:
                raise AssertionError(f"{len(late)} of 12 new connections wait for the thread that stands still")
        for sock in late:
            p.equal(answers_within(sock, 15), True, "an answer when the thread goes on")
    server.close()


def a_slow_pattern_holds_up_its_own_thread_only():
    policy = os.path.join(p.WORK, "slow.yaml")
    with open(policy, "w", encoding="ascii") as out:
        out.write(p.ACTIONS)
    server = p.Server(p.answer_ok)
    evil = b"GET /" + b"a" * 300 + b"x HTTP/1.1\r\nHost: b\r\n\r\n"
    stop = threading.Event()

    def ask_on(sock):
        while not stop.is_set():
            sock.sendall(evil)
            p.read_until(sock, b"denied\r\n")

    def took(sock):
        start = time.monotonic()
        sock.sendall(p.GET)
        p.equal(answers_within(sock, 15), True, "an answer")
        return time.monotonic() - start

    with p.Proxy(server.port, "--threads", "2", policy=policy) as proxy:
        held = open_many(proxy, 24)
        same = waiting_of(held, workers(proxy)[0])
        other = [sock for sock in held if sock not in same]
        if len(same) < 6 or len(other) < 2:
            raise AssertionError(f"{len(same)} and {len(other)} connections")
        askers = [threading.Thread(target=ask_on, args=(sock,)) for sock in same[:4]]
        for asker in askers:
            asker.start()
        times = [(took(same[-1]), took(other[-1])) for _ in range(30)]
        stop.set()
        for asker in askers:
            asker.join()
        beside, apart = (statistics.median(part) * 1000 for part in zip(*times))
        print(f"     beside slow patterns {beside:.1f} ms, on another thread {apart:.1f} ms")
        if apart > beside / 2:
            raise AssertionError("the other thread is no faster")
    server.close()


def limits_on_connections_are_exact_over_all_threads():
    # All clients ask for one workload.
    for option, reason in ("--max-connections", "proxy-limit"), ("--workload-connections", "workload-limit"):
        the_limit_is_exact(option, reason)


def the_limit_is_exact(option, reason):
    server = p.Server(p.answer_ok)
    answered, lock = [], threading.Lock()

    def ask():
        for _ in range(10):
            try:
                sock = proxy.connect()
                sock.sendall(p.GET)
                good = p.read_until(sock, b"ok")[:12] == b"HTTP/1.1 200"
            except OSError:
                continue
            with lock:
                answered.append((sock, good))

    with p.Proxy(server.port, "--threads", "4", option, "37") as proxy:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        p.equal(sum(good for _, good in answered), 37, "connections that were served")
        proxy.process.send_signal(signal.SIGUSR1)
        p.wait(lambda: f"43 denied: {reason}" in proxy.said(), "the others are counted")
    server.close()


def the_limit_on_a_workloads_bytes_is_exact_over_all_threads_and_they_come_back():
    """Heads that do not end hold 64 KiB each; one that is refused gives back up to 32."""
    server = p.Server(p.answer_ok)
    head = b"GET /api/x HTTP/1.1\r\nHost: b\r\nX: " + b"x" * 60000

    def send(socks):
        for sock in socks:
            try:
                sock.sendall(head)
            except OSError:
                pass

    with p.Proxy(server.port, "--threads", "4", "--workload-memory", "1", "--head-timeout", "60") as proxy:
        for _ in range(4):
            held = [proxy.connect() for _ in range(40)]
            threads = [threading.Thread(target=send, args=(held[i::4],)) for i in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            p.wait(lambda held=held: len(select.select(held, [], [], 0)[0]) >= 40 - 16, "who is one too many is reset")
            p.equal(len(select.select(held, [], [], 0)[0]) <= 40 - 15, True, "and nobody else")
            for sock in held:
                sock.close()
            p.wait(lambda: proxy.ask(p.GET)[:12] == b"HTTP/1.1 200", "there is room again")
        proxy.process.send_signal(signal.SIGUSR1)
        p.wait(lambda: re.search(r"(9[6-9]|100) denied: workload-limit", proxy.said()), "they are counted")
        p.equal("proxy-limit" in proxy.said(), False, "the limit of all is not reached")
    server.close()


def a_new_policy_is_in_force_in_all_threads_at_once():
    policy = os.path.join(p.WORK, "all.yaml")
    with open(p.POLICY, encoding="utf-8") as old:
        text = old.read()
    server = p.Server(p.answer_ok)

    def put(path):
        with open(policy, "w", encoding="utf-8") as new:
            new.write(text.replace("/api/.*", path))

    put("/api/.*")
    with p.Proxy(server.port, "--threads", "4", policy=policy) as proxy:
        held = open_many(proxy, 24)
        for i in range(1, 5):
            put("/api/.*" if i % 2 == 0 else "/other/.*")
            proxy.process.send_signal(signal.SIGHUP)
            p.wait(lambda n=i: proxy.said().count("read again") == n, "reloaded")
            for sock in held:
                sock.sendall(p.GET)
            want = b"HTTP/1.1 200" if i % 2 == 0 else b"HTTP/1.1 403"
            for sock in held:
                p.equal(p.read_until(sock, b"ok" if i % 2 == 0 else b"denied\r\n")[:12], want, f"verdict {i}")
    server.close()


def each_thread_is_pinned_to_a_processor():
    server = p.Server(p.answer_ok)
    all_of_them = os.sched_getaffinity(0)
    with p.Proxy(server.port, "--threads", "4") as proxy:
        places = [os.sched_getaffinity(tid) for tid in workers(proxy)]
        p.equal([len(place) for place in places], [1] * 4, "processors of each thread")
        p.equal(len(set().union(*places)), min(4, len(all_of_them)), "they are spread")
    server.close()


p.TESTS = [
    connections_are_spread_and_a_thread_that_stands_still_holds_up_its_own_only,
    a_slow_pattern_holds_up_its_own_thread_only,
    limits_on_connections_are_exact_over_all_threads,
    the_limit_on_a_workloads_bytes_is_exact_over_all_threads_and_they_come_back,
    a_new_policy_is_in_force_in_all_threads_at_once,
    each_thread_is_pinned_to_a_processor,
]

if __name__ == "__main__":
    sys.exit(p.main())
