#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Compiles the small policies of testdata/semantics into seeds for the fuzzer of bundles, so that they
# are of the present form:
#
#	tests/fuzz/bundle_seeds.sh POSTERN DIR
#
# Policies that the compiler refuses make no seed; without any this fails.

set -u
postern=$1 dir=$2
mkdir -p "$dir"
for policy in testdata/semantics/*.yaml; do
	"$postern" compile "$policy" --inventory testdata/inventory/semantics.yaml \
		-o "$dir/$(basename "$policy" .yaml).bundle" >/dev/null 2>&1
done
[ -n "$(ls "$dir"/*.bundle 2>/dev/null)" ]
