#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The entry of the hook postern-lint-script: builds the command in this repository's own checkout, which
# pre-commit keeps, and runs it on the files that it is given.

set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -x "$here/build/postern-cli" ]; then
	make -C "$here" --no-print-directory -j"$(nproc)" postern-cli >&2
fi
exec "$here/build/postern-cli" lint --quiet --skip-others "$@"
