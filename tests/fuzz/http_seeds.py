# SPDX-License-Identifier: Apache-2.0
"""Writes the golden requests as seeds for fuzz_http, one file each.

Usage: http_seeds.py VECTORS.md DIR
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import vectors  # noqa: E402

# The fuzzer takes the first two bytes for itself: a request, and how to cut it.
PREFIX = b"\x00\x07"


def main():
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, data, _ in vectors.load(sys.argv[1]):
        with open(os.path.join(sys.argv[2], name), "wb") as seed:
            seed.write(PREFIX + data)


main()
