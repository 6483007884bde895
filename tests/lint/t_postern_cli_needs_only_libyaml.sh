#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# build/postern-cli is made without clang, bpftool and libbpf, and needs libyaml and libc to run.

set -eu
cd "$TOP"
# In whose PATH those programs are there and fail.
for program in clang bpftool llvm-strip; do
	printf '#!/bin/sh\necho "%s was run" >&2\nexit 1\n' "$program" >"$SCRATCH/$program"
	chmod +x "$SCRATCH/$program"
done
make --no-print-directory CLANG="$SCRATCH/clang" BPFTOOL="$SCRATCH/bpftool" postern-cli
ldd build/postern-cli | sed 's/^[[:space:]]*//; s/ .*//; s,.*/,,' | sort >"$SCRATCH/libs"
if grep -vE '^(linux-vdso\.so\.1|libyaml-0\.so\.2|libc\.so\.6|ld-linux[a-z0-9_-]*\.so\.[0-9]+)$' "$SCRATCH/libs"; then
	echo 'needs more than libyaml and libc'
	exit 1
fi
grep -qx libyaml-0.so.2 "$SCRATCH/libs"
build/postern-cli lint -q testdata/policies/good/backend-api.yaml
