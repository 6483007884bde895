#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# postern-proxy between real sockets on the loopback: verdicts, framing, streams, limits, its end. Needs no root.
cd "$(dirname "$0")/../.." || exit 1
[ -x build/postern-proxy ] || { echo "build/postern-proxy is not built"; exit 1; }
command -v nginx >/dev/null || PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || { echo "needs nginx"; exit 77; }
exec timeout 110 python3 tests/e2e/proxy.py
