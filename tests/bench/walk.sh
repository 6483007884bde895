#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The walker beside other engines, and one request by 1 to 10,000 rules on its port:
#
#	ROUNDS=15 tests/bench/walk.sh

set -eu
rounds=${ROUNDS:-15}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dirs=()
for n in 1 10 100 1000 10000; do
	tests/bench/gen_http.py "$n" $(((n + 9) / 10)) "$scratch/$n"
	dirs+=("$scratch/$n")
done
build/bench/engines "$rounds"
echo
build/bench/rules -k build/tests/kernel_core/core.bpf.o -r "$rounds" "${dirs[@]}"
