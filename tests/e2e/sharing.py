# SPDX-License-Identifier: Apache-2.0
"""Servers that share a port (SO_REUSEPORT), and who asks them often.

Usage: sharing.py serve NAME PORT FILE [MOVE]	answers NAME and closes; appends the path of every whole head to FILE. Listens
						on both families, then moves itself to the cgroup MOVE
       sharing.py ask ADDRESS PORT PATH COUNT	prints how many connections had which answer: "ANSWER:N ...", sorted
       sharing.py datagrams ADDRESS PORT FILE	appends what comes by UDP to FILE
       sharing.py forge DEVICE MAC ADDRESS PORT TEXT	sends TEXT by UDP over IPv6 to ADDRESS, from ADDRESS itself as it seems
       sharing.py self PORT ADDRESS...		connects a socket to itself; prints "ADDRESS all" when it reads what it writes
"""
import collections
import concurrent.futures
import os
import socket
import struct
import sys
import threading


def answer(c, peer, name, path):
    c.settimeout(3)
    data = b""
    try:
        while b"\r\n\r\n" not in data and (part := c.recv(4096)):
            data += part
        if b"\r\n\r\n" in data:
            with open(path, "a", encoding="ascii") as f:
                print(data.split()[1].decode(), peer[0], file=f)
            c.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode())
    except OSError:
        pass
    c.close()


def serve(name, port, path, move=None):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("::", int(port)))
    s.listen(128)
    if move:
        with open(move + "/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(os.getpid()))
    print("ready", flush=True)
    while True:
        threading.Thread(target=answer, args=(*s.accept(), name, path), daemon=True).start()


def one(address, port, path):
    try:
        with socket.create_connection((address, port), 3) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while part := s.recv(4096):
                data += part
    except OSError as e:
        return "none" if isinstance(e, TimeoutError) else "ended"
    status = data.split()[1].decode()
    return data.split(b"\r\n\r\n")[1].decode() if status == "200" else status


def ask(address, port, path, count):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = collections.Counter(pool.map(lambda _: one(address, int(port), path), range(int(count))))
    print(*(f"{answer}:{n}" for answer, n in sorted(got.items())))


def self(port, *addresses):
    data = b"GET /admin HTTP/1.1\r\nHost: b\r\n\r\n" * 1000
    for port, address in enumerate(addresses, int(port)):  # another each: the last one's state is TIME-WAIT
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        s.settimeout(3)
        s.bind((address, port))
        s.connect((address, port))
        s.sendall(data)
        got = b""
        while len(got) < len(data):
            got += s.recv(65536)
        s.shutdown(socket.SHUT_WR)
        print(address, "all" if got == data and not s.recv(1) else "something else")


def datagrams(address, port, path):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind((address, int(port)))
    print("ready", flush=True)
    while True:
        with open(path, "ab") as f:
            f.write(s.recv(100) + b"\n")


def forge(device, mac, address, port, text):
    addr, size = socket.inet_pton(socket.AF_INET6, address), 8 + len(text)
    udp = struct.pack(">HHHH", int(port), int(port), size, 0) + text.encode()
    pseudo = addr + addr + struct.pack(">II", size, 17) + udp + b"\0" * (size % 2)
    total = sum(struct.unpack(f">{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    udp = udp[:6] + struct.pack(">H", ~total & 0xFFFF or 0xFFFF) + udp[8:]
    link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
    link.sendto(struct.pack(">IHBB", 6 << 28, size, 17, 64) + addr + addr + udp, (device, 0x86DD, 0, 0, bytes.fromhex(mac.replace(":", ""))))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
