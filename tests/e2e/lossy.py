# SPDX-License-Identifier: Apache-2.0
"""Asks over a network that loses packets, and looks at each answer: lossy.py ADDRESS ROUNDS THREADS.

What is allowed must be answered with its own body. What is denied is answered with a 403, three times of four at least;
else the connection ends, or nothing has come yet. Nothing comes behind a 403. Prints what came, then what must not be.
"""
import collections
import socket
import sys
import threading

ADDRESS, ROUNDS, THREADS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
PATIENCE = 20
counts, wrong, lock = collections.Counter(), [], threading.Lock()


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: b\r\n\r\n".encode()


def answers(data):
    """The whole answers in DATA, as (status, body), and what is left."""
    found = []
    while b"\r\n\r\n" in data:
        head, rest = data.split(b"\r\n\r\n", 1)
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields[b"content-length"])
        if len(rest) < length:
            break
        found.append((int(head.split()[1]), rest[:length]))
        data = rest[length:]
    return found, data


def talk(asked, wait_for):
    """What comes on one connection on which the paths ASKED are sent at once: answers, rest, how it ended."""
    data, end = b"", "whole"
    with socket.create_connection((ADDRESS, 8080), timeout=PATIENCE) as sock:
        try:
            sock.sendall(b"".join(request(path) for path in asked))
            while len(answers(data)[0]) < wait_for:
                got = sock.recv(65536)
                if not got:
                    end = "closed"
                    break
                data += got
        except ConnectionResetError:
            end = "reset"
        except TimeoutError:
            end = "nothing yet"
    return *answers(data), end


def check(name, asked, want):
    """WANT: the answers in full, of which the last is a denial's and may be missing."""
    try:
        got, rest, end = talk(asked, len(want))
    except OSError as e:
        with lock:
            counts[f"{name}: no connection"] += 1
            if not isinstance(e, TimeoutError):
                wrong.append(f"{name}: {e}")
        return
    denied = want and want[-1][0] == 403
    with lock:
        if got == want:
            counts[f"{name}: as it should be"] += 1
        elif denied and got == want[:len(got)] and end != "whole":
            counts[f"{name}: {len(got)} of {len(want)} answers, {end}"] += 1
        else:
            wrong.append(f"{name}: {asked}: {got} {rest[:100]} {end}")
        if rest:
            wrong.append(f"{name}: {asked}: behind the answers: {rest[:100]}")


DENIED = (403, b"Access denied\r\n")


def allowed(path):
    return 200, f"hello from {path}\n".encode()


def work(number):
    for i in range(ROUNDS):
        a, b = f"/api/{number}/{i}/a", f"/api/{number}/{i}/b"
        check("allowed", [a], [allowed(a)])
        check("denied", [f"/denied/{number}"], [DENIED])
        check("allowed before denied", [a, b, f"/denied/{number}"], [allowed(a), allowed(b), DENIED])


threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for name, count in sorted(counts.items()):
    print(f"# {ADDRESS}: {name}: {count}")
for name in ("denied", "allowed before denied"):
    if counts[f"{name}: as it should be"] < 0.75 * ROUNDS * THREADS:
        wrong.append(f"{name}: a 403 comes too seldom")
print(*wrong[:10] or ["nothing wrong"], sep="\n")
