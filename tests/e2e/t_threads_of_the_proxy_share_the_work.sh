#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# postern-proxy with several threads: connections are spread, who is held up holds up nobody else, limits are exact, and a
# new policy is in force in all of them. Needs no root.
cd "$(dirname "$0")/../.." || exit 1
[ -x build/postern-proxy ] || { echo "build/postern-proxy is not built"; exit 1; }
exec timeout 60 python3 tests/e2e/threads.py
