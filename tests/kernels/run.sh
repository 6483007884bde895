#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Boots Debian kernels in qemu (software emulation, no KVM) and runs tests/kernels/guest.sh in each: do all programs
# pass the verifier, does the daemon enforce? Kernel packages are downloaded, not installed.
#
#	run.sh [VERSION...]	default: 6.1
#
# Needs build/posternd and build/tools/verifier_stats (make kernels builds them) and root for apt.
set -u
cd "$(dirname "$0")/../.." || exit 1
[ $# -gt 0 ] || set -- 6.1
out=$PWD/build/kernels
failed=0
mkdir -p "$out"
for tool in qemu-system-x86_64 busybox curl cpio; do
	command -v $tool >/dev/null || { echo "$tool is missing: apt-get install qemu-system-x86 busybox-static curl cpio"; exit 77; }
done

# The newest cloud kernel package of VERSION, unpacked below $out/VERSION.
fetch() {
	local version=$1 package
	[ -d "$out/$version/boot" ] && return
	package=$(apt-cache search --names-only "^linux-image-$version\.[0-9.+]*(deb[0-9]+)?-[0-9a-z.+]*-cloud-amd64$" | awk '{ print $1 }' | grep -v unsigned | sort -V | tail -n 1)
	[ -n "$package" ] || { echo "no kernel package for $version"; return 1; }
	(cd "$out" && apt-get -q download "$package" >/dev/null 2>&1 && dpkg-deb -x "$package"_*.deb "$version") || { echo "$package: cannot be downloaded"; return 1; }
}

# NAME...: programs with the libraries that they need.
with_libraries() {
	local program lib
	for program in "$@"; do
		cp "$program" "$root/bin/"
		for lib in $(ldd "$program" | grep -oE '/[^ ]+'); do
			mkdir -p "$root$(dirname "$lib")"
			cp -n "$lib" "$root$lib"
		done
	done
}

image() {
	local root=$out/root kernel=$out/$1 module
	rm -rf "$root"
	mkdir -p "$root"/{bin,bpf,modules,proc,sys,dev}
	cp "$(command -v busybox)" "$root/bin/busybox"
	with_libraries build/posternd build/tools/verifier_stats "$(command -v curl)"
	cp build/bpf/*.bpf.o "$root/bpf/"
	rm -f "$root"/bpf/*.tmp.bpf.o
	for module in inet_diag tcp_diag; do
		find "$kernel/lib/modules" -name $module.ko -exec cp {} "$root/modules/" \;
	done
	[ ! -e "$root/modules/tcp_diag.ko" ] || mv "$root/modules/tcp_diag.ko" "$root/modules/z_tcp_diag.ko"
	cp testdata/policies/good/backend-api.yaml "$root/p.yaml"
	sed 's/10\.77\.0\.2/127.0.0.3/; s/10\.77\.0\.3/127.0.0.4/; s/10\.77\.0\.4/127.0.0.2/' testdata/inventory/demo.yaml >"$root/i.yaml"
	cp tests/kernels/guest.sh "$root/init"
	chmod +x "$root/init"
	(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$out/$1.img"
}

for version in "$@"; do
	fetch "$version" || { failed=$((failed + 1)); continue; }
	image "$version"
	timeout 300 qemu-system-x86_64 -accel tcg -m 1024 -smp 2 -nographic -no-reboot \
		-kernel "$out/$version"/boot/vmlinuz-* -initrd "$out/$version.img" \
		-append "console=ttyS0 quiet panic=-1 rdinit=/init" </dev/null >"$out/$version.log" 2>&1
	tr -d '\r' <"$out/$version.log" | grep -aE '^(ok|FAIL|kernel|bad|posternd|   |processed)' | sed "s/^/$version: /"
	grep -aq '^done' "$out/$version.log" || { echo "$version: did not end by itself: $out/$version.log"; failed=$((failed + 1)); }
	failed=$((failed + $(grep -ac '^FAIL' "$out/$version.log")))
done
passed=$(cat "$out"/*.log | grep -ac '^ok')
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
