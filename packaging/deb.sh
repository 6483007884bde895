#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Packs what is built into DIRECTORY/postern_VERSION_ARCH.deb. Built twice from the same tree, it has the
# same bytes.
#
#	packaging/deb.sh DIRECTORY

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
out=$1
rm -rf "$out"
mkdir -p "$out/postern"
out=$(cd "$out" && pwd)
cp -r "$top/packaging/debian" "$out/postern/"
cd "$out/postern"
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp)
export SOURCE_DATE_EPOCH
# The tree's flags, not those of whoever called make.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
if ! TOP=$top fakeroot debian/rules binary >"$out/log" 2>&1; then
	cat "$out/log" >&2
	exit 1
fi
ls "$out"/postern_*.deb
