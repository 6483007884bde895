#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# lintian has nothing to say against the package, it has the same bytes when it is made again, it is as old as
# the programs in it, and it asks for what they are built with.

set -eu
cd "$TOP"
[ -f /etc/debian_version ] || { echo "needs Debian"; exit 77; }
missing=$(tools/deps.sh --list deb)
[ -z "$missing" ] || { echo "not installed: $missing"; exit 77; }

deb=$(echo build/deb/postern_*.deb)
packaging/deb.sh "$SCRATCH/again" >"$SCRATCH/again.path" &
again=$!
# It does not like to be root.
cp "$deb" "$SCRATCH/"
user=
[ "$(id -u)" -ne 0 ] || user='setpriv --reuid 65534 --regid 65534 --clear-groups'
chmod 755 "$SCRATCH"
$user env TMPDIR=/tmp lintian --fail-on error,warning "$SCRATCH/$(basename "$deb")"
wait $again
cmp "$deb" "$(cat "$SCRATCH/again.path")"

for program in postern posternd postern-proxy; do
	version=$(build/$program --version)
	[ "$version" = "$program $(dpkg-deb -f "$deb" Version)" ] || {
		echo "FAILED: '$version' is in version $(dpkg-deb -f "$deb" Version)"
		exit 1
	}
done
# build-essential, which Debian takes for granted, is left out.
sed -n 's/^\tbuild \([a-z0-9-]*\) [-/].*/\1/p' tools/deps.sh | grep -vxE 'gcc|make|libc6-dev|linux-libc-dev' | sort >"$SCRATCH/deps"
sed -n '/^Build-Depends/,/^[A-Z].*:/s/^ \([a-z0-9-]*\),$/\1/p' packaging/debian/control | sort >"$SCRATCH/control"
diff "$SCRATCH/deps" "$SCRATCH/control"
# What an operator looks for is in it.
dpkg-deb -c "$deb" | awk '{ print $6 }' >"$SCRATCH/files"
for file in ./usr/sbin/posternd ./usr/sbin/postern-proxy ./usr/bin/postern ./etc/postern/posternd.conf ./etc/postern/policies/ \
	./usr/share/man/man8/posternd.8.gz ./usr/share/bash-completion/completions/postern \
	./usr/share/bash-completion/completions/posternd ./usr/share/zsh/vendor-completions/_posternd \
	./usr/share/fish/vendor_completions.d/posternd.fish \
	./usr/share/zsh/vendor-completions/_postern ./usr/share/fish/vendor_completions.d/postern.fish; do
	grep -qxF "$file" "$SCRATCH/files" || { echo "FAILED: $file is not in the package"; exit 1; }
done
