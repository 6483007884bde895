# SPDX-License-Identifier: Apache-2.0
"""Writes the golden requests as seeds for a fuzzer, one file each.

Usage: http_seeds.py DIR PREFIX VECTORS.md...

The fuzzers take the first bytes for themselves, which PREFIX gives in hex: how to cut, and the like.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import vectors  # noqa: E402


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for path in sys.argv[3:]:
        for name, data, _ in vectors.load(path):
            with open(os.path.join(sys.argv[1], name), "wb") as seed:
                seed.write(bytes.fromhex(sys.argv[2]) + data)


main()
