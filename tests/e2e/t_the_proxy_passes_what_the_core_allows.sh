#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The golden streams and what is near to them, cut at odd places, through raw sockets and a postern-proxy that runs: what
# arrives at a server is what the core alone allows, byte for byte (tests/garden/proxied.py). Needs no root.
cd "$(dirname "$0")/../.." || exit 1
for program in build/postern-proxy build/garden/judge_streams; do
	[ -x $program ] || { echo "$program is not built"; exit 1; }
done
timeout 60 python3 tests/garden/proxied.py --self-test --seconds 2 >/dev/null || { echo "a proxy that lets more pass is not noticed"; exit 1; }
echo "ok: a proxy that lets more pass is noticed"
exec timeout 100 python3 tests/garden/proxied.py --seconds "${GARDEN_LIVE_SECONDS:-20}" --seed "${GARDEN_SEED:-1}"
