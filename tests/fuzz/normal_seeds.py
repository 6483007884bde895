# SPDX-License-Identifier: Apache-2.0
"""Writes the rows of testdata/http/normal.md as seeds for fuzz_proxy, one request each.

Usage: normal_seeds.py DIR NORMAL.md

The first byte says how paths are brought into normal form (bits 4 and 5) and how to cut.
"""
import os
import re
import sys

MODES = {"off": 0x07, "redirect": 0x17, "reject": 0x27, "keep": 0x37}


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    with open(sys.argv[2], encoding="utf-8") as file:
        rows = [re.match(r"\| (\w+) \| `(.+?)` \|", line) for line in file]
    for number, row in enumerate(row for row in rows if row):
        with open(os.path.join(sys.argv[1], f"normal-{number}"), "wb") as seed:
            seed.write(bytes([MODES[row[1]]]) + f"GET {row[2]} HTTP/1.1\r\nHost: b\r\n\r\n".encode())


main()
