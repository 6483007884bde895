#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The stack of BPF programs as Linux 6.1 counts it: 512 bytes for each chain of calls.

    tools/check_stack.py FILE.bpf.o...

Prints the deepest chain of each object, and those over the limit as errors. 6.1 rounds each frame up to 32
bytes and counts the callbacks of bpf_loop() into the chain of who hands them over; newer kernels count
less, so what they load may be refused there. A frame reaches from r10 down to the lowest address that is
made of it.
"""
import struct
import sys

LIMIT, ROUND = 512, 32
SHT_SYMTAB, SHT_REL, SHF_EXECINSTR, STT_FUNC = 2, 9, 4, 2
LD_IMM64, CALL, MOV64, ADD64 = 0x18, 0x85, 0xBF, 0x07
LDX, ST, STX, PSEUDO_CALL, FRAME = 1, 2, 3, 1, 10


class Elf:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        if self.data[:5] != b"\x7fELF\2":
            raise ValueError("not a 64-bit ELF file")
        at, size, n = struct.unpack_from("<Q10xHH", self.data, 40)
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, at + i * size) for i in range(n)]
        self.symbols, self.names = [], b""
        for s in self.sections:
            if s[1] == SHT_SYMTAB:
                self.names = self.bytes_of(s[6])
                self.symbols = list(struct.iter_unpack("<IBBHQQ", self.bytes_of(self.sections.index(s))))

    def bytes_of(self, i):
        return self.data[self.sections[i][4]:self.sections[i][4] + self.sections[i][5]]

    def name_of(self, symbol):
        return self.names[symbol[0]:self.names.index(b"\0", symbol[0])].decode()

    def is_code(self, i):
        return 0 < i < len(self.sections) and bool(self.sections[i][2] & SHF_EXECINSTR)

    def relocations(self, i):
        """Symbols by offset in section I."""
        for s in self.sections:
            if s[1] == SHT_REL and s[7] == i:
                for off, info in struct.iter_unpack("<QQ", self.bytes_of(self.sections.index(s))):
                    yield off, self.symbols[info >> 32]


def instructions(code):
    for at in range(0, len(code), 8):
        op, regs, off, imm = struct.unpack_from("<BBhi", code, at)
        yield at, op, regs & 15, regs >> 4, off, imm


def callee(op, src, imm, at, section, symbol, elf):
    """Where an instruction leads, as (section, offset); None: nowhere."""
    if op == CALL and src == PSEUDO_CALL:
        if not symbol:
            return section, at + 8 * (imm + 1)
        base = symbol[4] if symbol[1] & 15 == STT_FUNC else symbol[4] + 8 * (imm + 1)
        return symbol[3], base
    if op == LD_IMM64 and symbol and elf.is_code(symbol[3]):
        return symbol[3], symbol[4] if symbol[1] & 15 == STT_FUNC else symbol[4] + imm
    return None


def scan(elf, section, start, size):
    """The lowest offset from r10 of one function, and whom it calls."""
    symbols = dict(elf.relocations(section))
    code = elf.bytes_of(section)[start:start + size]
    lowest, calls, copies = 0, set(), set()
    for at, op, dst, src, off, imm in instructions(code):
        to = callee(op, src, imm, start + at, section, symbols.get(start + at), elf)
        if to:
            calls.add(to)
        kind = op & 7
        if (kind == LDX and src == FRAME) or (kind in (ST, STX) and dst == FRAME):
            lowest = min(lowest, off)
        elif op == ADD64 and dst in copies:
            lowest = min(lowest, imm)
        if op == MOV64 and src == FRAME:
            copies.add(dst)
        elif kind not in (ST, STX):
            copies.discard(dst)
    return -lowest, calls


def functions(elf):
    """Name, frame and callees of each function, by place."""
    found = {}
    for s in elf.symbols:
        if s[1] & 15 == STT_FUNC and elf.is_code(s[3]):
            found[s[3], s[4]] = (elf.name_of(s), *scan(elf, s[3], s[4], s[5]))
    return found


def deepest(found, place, known, above=()):
    """The deepest chain from PLACE on: its bytes, and the names and frames in it."""
    if place in above or place not in found:
        raise ValueError(f"calls that cannot be followed, at {place}")
    if place not in known:
        name, frame, calls = found[place]
        rounded = (max(frame, 1) + ROUND - 1) // ROUND * ROUND
        below = max((deepest(found, c, known, above + (place,)) for c in calls), default=(0, []))
        known[place] = (rounded + below[0], [f"{name} {frame}"] + below[1])
    return known[place]


def check(path):
    found, known = functions(Elf(path)), {}
    if not found:
        raise ValueError("no functions")
    total, chain = max(deepest(found, place, known) for place in found)
    text = f"{path}: {total} of {LIMIT} bytes of stack: {' > '.join(chain)}"
    print(f"error: {text}" if total > LIMIT else text)
    return total <= LIMIT


def main(paths):
    try:
        return 0 if all([check(path) for path in paths]) else 1
    except (OSError, ValueError, struct.error) as e:
        print(f"error: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
