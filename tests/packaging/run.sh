#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What is installed, and how: every tests/packaging/t_*.sh, or those that are named, by the rules of
# tests/lint/run.sh. The package is that of "make deb".

cd "$(dirname "$0")/../.." || exit 1
[ $# -gt 0 ] || set -- tests/packaging/t_*.sh
LOGS=build/packaging LIMIT=300 exec tests/lint/run.sh "$@"
