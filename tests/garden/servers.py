# SPDX-License-Identifier: Apache-2.0
"""The servers: how they are started, where they write, and what is known about each."""
import os
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers")

# What proxies change on the way, by RFC 9110 7.6.1 or on our behalf.
HOP = {"connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect",
       "content-length", "host", "x-garden-conn", "http2-settings"}


# The fields that the rules of policy.yaml ask for.
JUDGED = {"x-token", "x-role"}


class Server:
    """One of them. UNSEEN: names of fields that it does not show as they came."""

    # Applications see variables instead of fields: those that are judged count, joined as the judge joins them.
    variables = False

    def __init__(self, name, runtime, unseen=(), optional=False):
        self.name, self.runtime, self.unseen, self.optional = name, runtime, set(unseen), optional
        self.processes, self.log, self.address = [], None, None

    def closes(self, fin):
        """Does it end connections behind an answer, without a reason? FIN: the client has ended its side."""
        return False

    def drops_behind(self, request):
        """Does it throw away what came together with REQUEST and stands behind it?"""
        return False

    def missing(self):
        """What is not installed, or None."""
        return next((program for program in self.runtime if not shutil.which(program)), None)

    def prepare(self, directory):
        """Compiles."""

    def commands(self, directory):
        """What runs, the first one listening at self.address."""
        raise NotImplementedError

    def start(self, directory, address):
        self.log = os.path.join(directory, self.name + ".log")
        self.address = address
        open(self.log, "w").close()
        output = open(os.path.join(directory, self.name + ".out"), "w")
        for command in self.commands(directory):
            self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output))
        output.close()

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM if self.name in ("nginx", "gunicorn") else signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes = []


def is_newer(made, source):
    return os.path.exists(made) and os.path.getmtime(made) > os.path.getmtime(source)


def wait_for(address, name):
    for _ in range(600):
        try:
            socket.create_connection(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{name} does not listen at {address}")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Python(Server):
    def commands(self, directory):
        host, port = self.address
        return [["python3", os.path.join(HERE, "echo.py"), host, str(port), self.log]]


class Node(Server):
    def drops_behind(self, request):
        # Its parser pauses behind an offer to change the protocol, and nobody takes the rest of what was read when no
        # listener waits for "upgrade".
        return bool(request.values("upgrade")) and "upgrade" in ",".join(request.values("connection")).lower()

    def commands(self, directory):
        host, port = self.address
        return [["node", os.path.join(HERE, "echo.js"), host, str(port), self.log]]


class Go(Server):
    def prepare(self, directory):
        source = os.path.join(HERE, "echo.go")
        if is_newer("build/garden/echo", source):
            return
        env = dict(os.environ, GO111MODULE="off", GOFLAGS="", GOPROXY="off", GOTOOLCHAIN="local",
                   GOCACHE=os.path.abspath("build/garden/gocache"), GOPATH=os.path.abspath("build/garden/gopath"))
        subprocess.run(["go", "build", "-o", "build/garden/echo", source], env=env, check=True)

    def commands(self, directory):
        return [["build/garden/echo", "%s:%d" % self.address, self.log]]


class Java(Server):
    def prepare(self, directory):
        source = os.path.join(HERE, "Echo.java")
        if not is_newer("build/garden/java/Echo.class", source):
            subprocess.run(["javac", "-d", "build/garden/java", source], check=True)

    def commands(self, directory):
        host, port = self.address
        # Small and quick to start; the log must not be lost when it is killed.
        return [["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", "build/garden/java", "Echo",
                 host, str(port), self.log]]


class Wsgi(Server):
    """A server of Python applications."""
    variables = True

    def start(self, directory, address):
        os.environ["GARDEN_LOG"] = os.path.join(directory, self.name + ".log")
        os.environ["PYTHONPATH"] = HERE
        super().start(directory, address)


class Gunicorn(Wsgi):
    def closes(self, fin):
        return True  # when requests came together: it waits for the socket, not for what it has read

    def commands(self, directory):
        return [["gunicorn", "--bind", "%s:%d" % self.address, "--worker-class", "gthread", "--threads", "40",
                 "--keep-alive", "5", "--limit-request-fields", "200", "wsgi:application"]]


class Waitress(Wsgi):
    def commands(self, directory):
        return [["waitress-serve", "--host", self.address[0], "--port", str(self.address[1]), "--threads", "40",
                 "wsgi:application"]]


class Proxy(Server):
    """What it has understood is what it sends on, to behind.py."""

    def filled(self, template, directory, behind):
        with open(os.path.join(HERE, template), encoding="utf-8") as file:
            text = file.read()
        user = "user root root;" if os.geteuid() == 0 else ""
        for word, value in (("@DIR@", directory), ("@LISTEN@", "%s:%d" % self.address),
                            ("@BEHIND@", f"127.0.0.1:{behind}"), ("@USER@", user)):
            text = text.replace(word, value)
        path = os.path.join(directory, template)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def program(self, directory, behind):
        raise NotImplementedError

    def commands(self, directory):
        behind = free_port()
        command = self.program(directory, behind)
        return [["python3", os.path.join(HERE, "behind.py"), "127.0.0.1", str(behind), self.log], command]


class Nginx(Proxy):
    def program(self, directory, behind):
        path = self.filled("nginx.conf", directory, behind)
        return ["nginx", "-e", os.path.join(directory, "nginx.error"), "-p", directory, "-c", path]


class Haproxy(Proxy):
    def closes(self, fin):
        return bool(fin)

    def program(self, directory, behind):
        return ["haproxy", "-db", "-f", self.filled("haproxy.cfg", directory, behind)]


def everything():
    return [
        Python("python", ["python3"]),
        # Go keeps these apart from the fields.
        Go("go", ["go"], ["host", "transfer-encoding", "trailer"]),
        Node("node", ["node"]),
        Gunicorn("gunicorn", ["gunicorn"], optional=True),
        Waitress("waitress", ["waitress-serve"], optional=True),
        Java("java", ["java", "javac"], optional=True),  # too large to be installed for this
        Nginx("nginx", ["nginx"], HOP),
        Haproxy("haproxy", ["haproxy"], HOP),
    ]


class Running:
    """Starts those that are installed; ends them again."""

    def __init__(self, directory, listen, first_port=None):
        self.directory = os.path.abspath(directory)
        os.makedirs(self.directory, exist_ok=True)
        os.makedirs("build/garden", exist_ok=True)
        self.servers, self.missing = [], []
        try:
            self.start(listen, first_port)
        except BaseException:
            self.stop()
            raise

    def start(self, listen, first_port):
        for i, server in enumerate(everything()):
            if server.missing():
                self.missing.append(server)
                continue
            self.servers.append(server)
            server.prepare(self.directory)
            server.start(self.directory, (listen, first_port + i if first_port else free_port()))
        for server in self.servers:
            wait_for(server.address, server.name)

    def stop(self):
        for server in self.servers:
            server.stop()
