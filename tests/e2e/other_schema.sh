#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The programs of a version that was never released: bpf/ with another number, and with more state per connection.
#
#	other_schema.sh DIRECTORY	makes DIRECTORY/bpf anew
set -eu
cd "$(dirname "$0")/../.."
rm -rf "$1/bpf"
mkdir -p "$1/bpf"
cp bpf/*.h bpf/*.c "$1/bpf/"
# once FILE PATTERN TEXT: as sed's s,PATTERN,TEXT, - and that is found in one line.
once() {
	[ "$(grep -cE "$2" "$1")" -eq 1 ] || { echo "$1: expected one line with $2" >&2; exit 1; }
	sed -E -i "s,$2,$3," "$1"
}
once "$1/bpf/flow.h" '^struct pst_flow \{$' 'struct pst_flow {\n\t__u64 of_another_version;'
once "$1/bpf/abi.h" '^#define PST_ABI_VERSION ([0-9]+)$' '#define PST_ABI_VERSION (\1 - 1)'
once "$1/bpf/flow.h" '^(PST_STATIC_ASSERT\(sizeof\(struct pst_flow\)) <= [0-9]+' '\1 <= 1024'
