#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What one changed policy file among 10,000, with 5,000 pods, costs the daemon's reader in processor time, and what
# the reader holds of the memory. Needs no root: nothing is enforced.
#
#	ROUNDS=20 tests/bench/reload.sh build/bench/reload
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$(dirname "$0")/gen_cluster.py" "$dir"
"$1" "$dir/policies" "$dir/pods.yaml" "$dir/policies/ns-0/p80.yaml" "${ROUNDS:-20}"
echo "load average: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) processors"
