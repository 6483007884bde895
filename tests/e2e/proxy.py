# SPDX-License-Identifier: Apache-2.0
"""postern-proxy between real sockets: see t_the_userspace_proxy.sh.

Each test is a function whose name says what holds. A server of our own plays what nginx cannot; nginx answers the
golden requests and curl.
"""
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import vectors  # noqa: E402

# A sanitized one can be tried, too.
BINARY = os.environ.get("POSTERN_PROXY", "build/postern-proxy")
# What TSan remembers about each byte is no memory of the proxy's.
SHADOW = 8 if "tsan" in BINARY else 1
POLICY = "testdata/http/policy.yaml"
INVENTORY = "testdata/inventory/demo.yaml"
GET = b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
DENIED = b"GET /secret HTTP/1.1\r\nHost: b\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WORK = tempfile.mkdtemp(prefix="postern-proxy.")

ACTIONS = """apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: actions}
spec:
  endpointSelector: {matchLabels: {app: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: frontend}}]
    toPorts:
    - ports: [{port: '8080', protocol: TCP}]
      rules:
        http:
        - {path: /api/.*, headerMatches: [{mismatch: REPLACE, name: X-Token, value: good}]}
        - {path: '/(?:[ab]*a[ab]{20}|(?:a|aa)+)[bc]'}
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def read_until(sock, end):
    got = b""
    while end not in got:
        part = sock.recv(65536)
        if not part:
            break
        got += part
    return got


def read_all(sock):
    got = b""
    while part := sock.recv(65536):
        got += part
    return got


class Server:
    """Each connection is given to PLAY, which gets the socket."""

    def __init__(self, play):
        self.play = play
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port = self.sock.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with sock:
            try:
                self.play(sock)
            except OSError:
                pass

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Proxy:
    def __init__(self, upstream, *args, policy=POLICY, inventory=INVENTORY, subject="10.77.0.4", peer="10.77.0.2",
                 limit=None, stdout=None):
        self.port = free_port()
        # Appended to, and read through a descriptor of its own: an offset that is shared with the proxy would be moved
        # under its feet, and what it writes then lands on top of what it wrote before.
        self.log = open(os.path.join(WORK, f"log.{self.port}.{time.monotonic_ns()}"), "a")
        self.out = open(os.path.join(WORK, f"events.{self.port}"), "w+")
        self.process = subprocess.Popen(
            [BINARY, "--listen", f"127.0.0.1:{self.port}", "--upstream", f"127.0.0.1:{upstream}",
             "--policy", policy, "--inventory", inventory, *(["--subject", subject] if subject else []), "--peer", peer,
             "--port", "8080", *([] if "--events" in args else ["--events", "all"]), *args],
            stdout=stdout or self.out, stderr=self.log, preexec_fn=limit)
        wait(lambda: "listening" in self.said(), "the proxy listens")

    def said(self):
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()

    def events(self):
        self.out.flush()
        with open(self.out.name, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    def connect(self, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", self.port), timeout=15, source_address=(source, 0))

    def ask(self, data):
        with self.connect() as sock:
            sock.sendall(data)
            return read_until(sock, b"\r\n\r\n")

    def rss(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=40)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def wait(holds, what, seconds=10):
    def tried():
        try:
            return holds()
        except OSError:
            return False

    end = time.monotonic() + seconds
    while not tried():
        if time.monotonic() > end:
            raise AssertionError(f"not after {seconds} s: {what}")
        time.sleep(0.02)


def equal(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def is_reset(sock):
    try:
        return not sock.recv(1)
    except ConnectionResetError:
        return True


def connection_is_reset(proxy):
    """It may come before connect() returns."""
    try:
        with proxy.connect() as sock:
            return is_reset(sock)
    except ConnectionResetError:
        return True


def answer_ok(sock):
    while b"\r\n\r\n" in (got := read_until(sock, b"\r\n\r\n")):
        sock.sendall(OK * got.count(b"\r\n\r\n"))


class Nginx:
    def __init__(self):
        self.port = free_port()
        conf = os.path.join(WORK, "nginx.conf")
        temps = "".join(f"{kind}_temp_path {WORK}/{kind}; " for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(conf, "w", encoding="ascii") as out:
            out.write(f"daemon off; master_process off; pid {WORK}/nginx.pid; error_log {WORK}/nginx.err;\n"
                      "events { worker_connections 500; }\n"
                      f"http {{ access_log off; {temps} large_client_header_buffers 8 80k;\n"
                      f"server {{ listen 127.0.0.1:{self.port}; client_max_body_size 0;\n"
                      "location / { return 200 \"hello\\n\"; } } }\n")
        self.process = subprocess.Popen(["nginx", "-c", conf], stderr=subprocess.DEVNULL)
        wait(self.is_up, "nginx listens")

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.kill()
        self.process.wait()


def golden_requests_get_the_verdicts_of_the_kernel():
    nginx, wrong, count = Nginx(), [], 0
    with Proxy(nginx.port) as proxy:
        expected = {}
        for name, data, reason in vectors.load("testdata/http/requests.md"):
            # The preface of HTTP/2 is not denied here: http2.py goes on from there.
            if reason in ("unfinished", "http2-preface"):
                continue
            if reason == "h2c-upgrade":  # taken away, and HTTP/1.1 goes on
                reason = "allow"
            verdict, local = vectors.ask("127.0.0.1", proxy.port, data)
            expected[f"127.0.0.1:{local}"] = (name, verdict, reason)
            count += 1
        wait(lambda: len(proxy.events()) >= count, "an event for each")
        for event in proxy.events():
            name, verdict, reason = expected.pop(event["client"], (None, None, None))
            want = ("allow", "rule-matched") if reason == "allow" else ("deny", reason)
            if name and (event["verdict"], event["reason"], verdict) != (*want, want[0]):
                wrong.append((name, reason, verdict, event["reason"]))
    nginx.close()
    equal(wrong, [], "vectors with another verdict")
    equal(list(expected.values()), [], "vectors without an event")
    if count < 100:
        raise AssertionError(f"only {count} vectors")


def curl_keeps_its_connection_over_a_denial():
    nginx = Nginx()
    with Proxy(nginx.port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        got = subprocess.run(["curl", "-s", "-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null", f"{url}/api/a",
                              "-o", "/dev/null", f"{url}/secret", "-o", "/dev/null", f"{url}/api/b"],
                             stdout=subprocess.PIPE, check=True, text=True).stdout
        equal(got, "200 1\n403 0\n200 0\n", "codes and new connections")
        equal([event.get("rule", "").split(":")[0] for event in proxy.events()], [POLICY, "", POLICY], "rules")
    nginx.close()


def a_large_body_arrives_whole_in_both_directions_and_is_not_hoarded():
    size = 64 << 20
    block = os.urandom(1 << 20)
    got = {}

    def play(sock):
        head = read_until(sock, b"\r\n\r\n")
        body = head.split(b"\r\n\r\n", 1)[1]
        total, same = len(body), block.startswith(body) or body.startswith(block)
        while total < size:
            part = sock.recv(1 << 20)
            if not part:
                break
            at = total % len(block)
            same &= (block + block)[at:at + len(part)] == part if len(part) <= len(block) else False
            total += len(part)
        got["total"], got["same"] = total, same
        sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // len(block)):
            sock.sendall(block)

    server = Server(play)
    with Proxy(server.port) as proxy, proxy.connect() as sock:
        before = proxy.rss()
        sock.sendall(f"POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // len(block)):
            sock.sendall(block)
        time.sleep(0.5)  # the answer stands in the sockets and the proxy: nobody reads it
        grown = proxy.rss() - before
        head = read_until(sock, b"\r\n\r\n")
        total = len(head.split(b"\r\n\r\n", 1)[1])
        while total < size and (part := sock.recv(1 << 20)):
            total += len(part)
        equal((got["total"], got["same"], total), (size, True, size), "bytes there and back")
        if grown > (2 << 20) * SHADOW:
            raise AssertionError(f"the proxy grew by {grown} bytes")
    server.close()


def a_half_closed_client_still_reads_its_answer():
    def play(sock):
        got = read_all(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(got), got))

    server = Server(play)
    with Proxy(server.port) as proxy, proxy.connect() as sock:
        sock.sendall(GET)
        sock.shutdown(socket.SHUT_WR)
        equal(read_all(sock).split(b"\r\n\r\n", 1)[1], GET, "what the server got before the end")
    server.close()


def a_websocket_is_a_stream_behind_its_handshake():
    def play(sock):
        read_until(sock, b"\r\n\r\n")
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
        while part := sock.recv(4096):
            sock.sendall(part[::-1])

    server = Server(play)
    with Proxy(server.port) as proxy, proxy.connect() as sock:
        sock.sendall(b"GET /api/ws HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        read_until(sock, b"\r\n\r\n")
        sock.sendall(b"\x00GET ")
        equal(sock.recv(100), b"\x00GET "[::-1], "frames come back")
        sock.shutdown(socket.SHUT_WR)
        equal(read_all(sock), b"", "the end comes back")
    server.close()


def a_denied_request_never_reaches_the_server():
    server = Server(answer_ok)
    with Proxy(server.port) as proxy:
        equal(proxy.ask(DENIED)[:12], b"HTTP/1.1 403", "the answer")
        equal(server.connections, 0, "connections to the server")
    server.close()


def a_peer_without_a_rule_is_reset():
    server = Server(answer_ok)
    with Proxy(server.port, peer="10.77.0.3") as proxy:
        equal(connection_is_reset(proxy), True, "reset")
        equal(server.connections, 0, "connections to the server")
    server.close()


def a_server_that_is_gone_resets_the_client_and_the_proxy_goes_on():
    server = Server(answer_ok)
    with Proxy(server.port) as proxy:
        server.close()
        with proxy.connect() as sock:
            sock.sendall(GET)
            equal(is_reset(sock), True, "reset")
        equal(proxy.ask(DENIED)[:12], b"HTTP/1.1 403", "the next answer")


def what_is_left_of_a_request_goes_to_no_other_connection():
    """A body may look like a request: on a new connection its rest would be one that nobody has judged."""
    def play(sock):
        read_until(sock, b"\r\n\r\n")
        time.sleep(0.3)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    server = Server(play)
    with Proxy(server.port) as proxy:
        for end in (None, b"HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"):
            if end:
                server.play = lambda sock: (read_until(sock, b"\r\n\r\n"), sock.sendall(end), time.sleep(1))
            server.connections = 0
            with proxy.connect() as sock:
                sock.settimeout(1)
                body = DENIED * 600000
                try:
                    sock.sendall(b"POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: %d\r\n\r\n" % len(body))
                    sock.sendall(body)
                    sock.recv(100)
                except OSError:
                    pass
            time.sleep(0.2)
            equal(server.connections, 1, "connections to the server")
    server.close()


def a_reader_of_events_that_stands_still_holds_up_nobody():
    server = Server(answer_ok)
    with Proxy(server.port, stdout=subprocess.PIPE) as proxy, proxy.connect() as sock:
        for _ in range(600):
            sock.sendall(DENIED)
            equal(read_until(sock, b"denied\r\n")[:12], b"HTTP/1.1 403", "the answer")
        proxy.process.send_signal(signal.SIGUSR1)
        wait(lambda: "events lost" in proxy.said(), "the loss is counted")
    server.close()


def headers_are_replaced_before_the_server_sees_them():
    def play(sock):
        got = read_until(sock, b"\r\n\r\n")
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(got), got))
        answer_ok(sock)

    policy = os.path.join(WORK, "actions.yaml")
    with open(policy, "w", encoding="ascii") as out:
        out.write(ACTIONS)
    server = Server(play)
    with Proxy(server.port, policy=policy) as proxy, proxy.connect() as sock:
        sock.sendall(b"GET /api/x HTTP/1.1\r\nHost: b\r\nX-Token: bad\r\n\r\n")
        want = b"GET /api/x HTTP/1.1\r\nHost: b\r\nx-token: good\r\n\r\n"
        got = read_until(sock, want)
        equal(got.endswith(want), True, f"what the server got, {got!r}")
        sock.sendall(b"GET /" + b"a" * 300 + b"x HTTP/1.1\r\nHost: b\r\n\r\n")
        equal(read_until(sock, b"denied\r\n")[:12], b"HTTP/1.1 403", "a match without an answer")
        wait(lambda: len(proxy.events()) == 2, "two events")
        event = proxy.events()[1]
        equal((event["reason"], event["rule"].split(":")[0]), ("regex-limit", policy), "reason and rule")
    server.close()


def hostile_paths_do_not_hold_up_others():
    """One pattern that PCRE2 gives up after its limits, asked by many at once; the others go on."""
    policy = os.path.join(WORK, "hostile.yaml")
    with open(policy, "w", encoding="ascii") as out:
        out.write(ACTIONS)
    server = Server(answer_ok)
    evil = b"GET /" + b"a" * 300 + b"x HTTP/1.1\r\nHost: b\r\n\r\n"
    stop = threading.Event()
    asked = []

    def ask_on(sock):
        while not stop.is_set():
            sock.sendall(evil)
            asked.append(read_until(sock, b"denied\r\n")[:12])

    with Proxy(server.port, policy=policy) as proxy:
        socks = [proxy.connect() for _ in range(8)]
        threads = [threading.Thread(target=ask_on, args=(sock,)) for sock in socks]
        for thread in threads:
            thread.start()
        slowest = 0
        with proxy.connect() as sock:
            for _ in range(30):
                start = time.monotonic()
                sock.sendall(b"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n")
                equal(read_until(sock, OK).endswith(OK), True, "an answer beside them")
                slowest = max(slowest, time.monotonic() - start)
        stop.set()
        for thread in threads:
            thread.join(20)
        print(f"     the slowest of 30 took {slowest * 1000:.0f} ms beside {len(asked)} hostile ones")
        equal(set(asked), {b"HTTP/1.1 403"}, "their answers")
        equal(slowest < 2, True, f"{slowest} s")
    server.close()


def a_slow_head_is_denied_in_time_and_others_are_not_held_up():
    server = Server(answer_ok)
    with Proxy(server.port, "--head-timeout", "1") as proxy:
        slow = [proxy.connect() for _ in range(50)]
        start = time.monotonic()
        for turn in range(4):
            for sock in slow:
                sock.sendall((b"GET ", b"/api/x ", b"HTTP/1.1\r\n", b"X: y\r\n")[turn])
            equal(proxy.ask(GET)[:12], b"HTTP/1.1 200", "another's answer")
            time.sleep(0.15)
        for sock in slow:
            equal(read_all(sock)[:12], b"HTTP/1.1 403", "the answer")
            sock.close()
        took = time.monotonic() - start
        if not 0.9 < took < 4:
            raise AssertionError(f"denied after {took:.1f} s")
    server.close()


def readers_and_servers_that_stand_still_are_given_up_and_hold_up_nobody():
    ended = []

    def play(sock):
        if b"/api/x" in read_until(sock, b"\r\n\r\n"):
            sock.sendall(OK)
            return
        try:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
            for _ in range(1 << 10):
                sock.sendall(b"x" * (1 << 20))
        except OSError:
            ended.append(sock)

    def starve(sock):
        read_until(sock, b"\r\n\r\n")
        if is_over(sock):
            ended.append(sock)

    for role in play, starve:
        server = Server(role)
        ended.clear()
        with Proxy(server.port, "--idle-timeout", "1") as proxy:
            held = [proxy.connect() for _ in range(20)]
            start = time.monotonic()
            for sock in held:
                sock.sendall(b"GET /api/long HTTP/1.1\r\nHost: b\r\n\r\n")
            if role is play:
                equal(proxy.ask(GET)[:12], b"HTTP/1.1 200", "another's answer")
            wait(lambda: len(ended) == 20, "the server's ends are closed")
            took = time.monotonic() - start
            if took < 0.9:
                raise AssertionError(f"given up after {took:.1f} s")
            for sock in held:
                equal(is_over(sock), True, "the client's end is over")
                sock.close()
        server.close()


def is_over(sock):
    try:
        read_all(sock)
    except ConnectionResetError:
        pass
    return True


def connections_over_the_limit_are_reset_and_counted():
    server = Server(answer_ok)
    with Proxy(server.port, "--max-connections", "5") as proxy:
        held = [proxy.connect() for _ in range(5)]
        for sock in held:
            sock.sendall(GET)
            read_until(sock, b"ok")
        equal(connection_is_reset(proxy), True, "reset")
        held.pop().close()
        wait(lambda: proxy.ask(GET)[:12] == b"HTTP/1.1 200", "room again")
        proxy.process.send_signal(signal.SIGUSR1)
        wait(lambda: re.search(r"[1-9]\d* denied: proxy-limit", proxy.said()), "counted")
        told = [e for e in proxy.events() if e["reason"] == "proxy-limit"]
        equal({(e["layer"], e["verdict"], e["client"].split(":")[0]) for e in told}, {("l4", "deny", "127.0.0.1")}, "told")
    server.close()


TWO_PODS = """apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: two}
spec:
  endpointSelector: {matchLabels: {app: two}}
  egress:
  - toPorts:
    - ports: [{port: '8080', protocol: TCP}]
      rules: {http: [{path: /api/.*}]}
"""
TWO_ADDRESSES = "".join(f"""---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default, labels: {{app: two, name: {name}}}}}
status: {{podIPs: [{{ip: {address}}}]}}
""" for name, address in (("a", "127.0.0.1"), ("b", "127.0.0.2")))


def one_workload_cannot_use_up_the_proxy_for_another():
    server = Server(answer_ok)
    for name, text in ("two.yaml", TWO_PODS), ("pods.yaml", TWO_ADDRESSES):
        with open(os.path.join(WORK, name), "w", encoding="utf-8") as file:
            file.write(text)

    def is_answered(sock):
        sock.sendall(GET)
        return read_until(sock, b"ok")[:12] == b"HTTP/1.1 200"

    def served(source):
        with proxy.connect(source) as sock:
            return is_answered(sock)

    with Proxy(server.port, "--direction", "egress", "--max-memory", "4", "--workload-memory", "1", "--workload-connections",
               "60", policy=os.path.join(WORK, "two.yaml"), inventory=os.path.join(WORK, "pods.yaml"), subject=None) as proxy:
        held = [proxy.connect() for _ in range(60)]
        equal(all(is_answered(sock) for sock in held), True, "as many as it may have are served")
        equal(connection_is_reset(proxy), True, "one too many is reset")
        equal(served("127.0.0.2"), True, "the other one is served")
        for sock in held:  # heads that do not end: more bytes than the workload may have
            try:
                sock.sendall(b"GET /api/x HTTP/1.1\r\nHost: b\r\nX: " + b"x" * 60000)
            except OSError:
                pass
        wait(lambda: any(e["reason"] == "workload-limit" for e in proxy.events()), "bytes are refused")
        equal(served("127.0.0.2"), True, "the other one is served still")
        for sock in held:
            sock.close()
        wait(lambda: served("127.0.0.1"), "when they have gone there is room")
        proxy.process.send_signal(signal.SIGUSR1)
        wait(lambda: re.search(r"[1-9]\d* denied: workload-limit", proxy.said()), "counted")
        equal("proxy-limit" in proxy.said(), False, "the proxy's own limit is not reached")
    server.close()


def without_descriptors_connections_are_reset_and_the_proxy_recovers():
    server = Server(answer_ok)

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    with Proxy(server.port, "--threads", "2", limit=few) as proxy:
        held, refused = [], 0
        for _ in range(30):
            try:
                held.append(proxy.connect())
            except ConnectionResetError:
                refused += 1
        time.sleep(0.3)
        for sock in held:
            sock.settimeout(0.05)
            try:
                refused += is_reset(sock)
            except OSError:
                pass
            sock.close()
        if not refused:
            raise AssertionError("none was reset")
        wait(lambda: proxy.ask(GET)[:12] == b"HTTP/1.1 200", "it goes on")
    server.close()


def descriptors_are_as_many_as_it_may_have_not_as_it_was_started_with():
    server = Server(answer_ok)

    def few_at_first():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 512))

    with Proxy(server.port, limit=few_at_first) as proxy:
        held = [proxy.connect() for _ in range(60)]
        for sock in held:
            sock.sendall(GET)
        for sock in held:
            read_until(sock, b"ok")
            sock.close()
        equal("enough for 256 of 10000 connections" in proxy.said(), True, "and it says so")
    server.close()


def a_new_policy_counts_from_the_next_request_on():
    policy = os.path.join(WORK, "changing.yaml")
    shutil.copy(POLICY, policy)
    server = Server(answer_ok)
    with Proxy(server.port, policy=policy) as proxy, proxy.connect() as sock:
        sock.sendall(GET)
        read_until(sock, b"ok")
        with open(POLICY, encoding="utf-8") as old, open(policy, "w", encoding="utf-8") as new:
            new.write(old.read().replace("/api/.*", "/other/.*"))
        proxy.process.send_signal(signal.SIGHUP)
        wait(lambda: "read again" in proxy.said(), "reloaded")
        sock.sendall(GET)
        equal(read_until(sock, b"denied\r\n")[:12], b"HTTP/1.1 403", "judged by the new policy")
        with open(policy, "w", encoding="utf-8") as new:
            new.write("kind: [")
        proxy.process.send_signal(signal.SIGHUP)
        wait(lambda: "not reloaded" in proxy.said(), "the mistake is reported")
        sock.sendall(b"GET /other/x HTTP/1.1\r\nHost: b\r\n\r\n")
        equal(read_until(sock, b"ok")[:12], b"HTTP/1.1 200", "the last good policy stays")
    server.close()


def requests_on_their_way_are_finished_at_the_end():
    begun = threading.Event()

    def play(sock):
        read_until(sock, b"\r\n\r\n")
        sock.sendall(OK[:-1])
        begun.set()
        time.sleep(1)
        sock.sendall(OK[-1:])
        sock.recv(1)

    server = Server(play)
    with Proxy(server.port) as proxy, proxy.connect() as sock, proxy.connect() as idle:
        sock.sendall(GET)
        begun.wait(5)
        proxy.process.terminate()
        equal(is_reset(idle), True, "an idle connection ends")
        equal(read_all(sock), OK, "the answer")
        equal(proxy.process.wait(timeout=10), 0, "exit status")
    server.close()


def many_connections_cost_little_each():
    server = Server(answer_ok)
    with Proxy(server.port) as proxy:
        before = proxy.rss()
        held = [proxy.connect() for _ in range(400)]
        for sock in held:
            sock.sendall(DENIED)
            read_until(sock, b"denied\r\n")
        each = (proxy.rss() - before) / len(held)
        print(f"     {each:.0f} bytes per idle connection")
        if each > 8192 * SHADOW:
            raise AssertionError(f"{each:.0f} bytes per idle connection")
        for sock in held:
            sock.close()
    server.close()


TESTS = [
    golden_requests_get_the_verdicts_of_the_kernel,
    curl_keeps_its_connection_over_a_denial,
    a_large_body_arrives_whole_in_both_directions_and_is_not_hoarded,
    a_half_closed_client_still_reads_its_answer,
    a_websocket_is_a_stream_behind_its_handshake,
    a_denied_request_never_reaches_the_server,
    a_peer_without_a_rule_is_reset,
    a_server_that_is_gone_resets_the_client_and_the_proxy_goes_on,
    what_is_left_of_a_request_goes_to_no_other_connection,
    a_reader_of_events_that_stands_still_holds_up_nobody,
    headers_are_replaced_before_the_server_sees_them,
    hostile_paths_do_not_hold_up_others,
    a_slow_head_is_denied_in_time_and_others_are_not_held_up,
    readers_and_servers_that_stand_still_are_given_up_and_hold_up_nobody,
    connections_over_the_limit_are_reset_and_counted,
    one_workload_cannot_use_up_the_proxy_for_another,
    without_descriptors_connections_are_reset_and_the_proxy_recovers,
    descriptors_are_as_many_as_it_may_have_not_as_it_was_started_with,
    a_new_policy_counts_from_the_next_request_on,
    requests_on_their_way_are_finished_at_the_end,
    many_connections_cost_little_each,
]


def main():
    failed = 0
    for test in TESTS:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        try:
            test()
            print("ok  ", test.__name__, flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print("FAIL", test.__name__, repr(error), flush=True)
            traceback.print_tb(error.__traceback__, file=sys.stdout)
    shutil.rmtree(WORK, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
