#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Boots Debian's kernels in qemu (software emulation, no KVM) and runs tests/kernels/guest.sh in each: do
# all programs pass that kernel's verifier, does posternd find what it needs, does it enforce, and do the
# end-to-end tests of the guards and of the golden requests say there what they say here?
#
#	run.sh [6.1|6.12|all]	default: all, at the same time
#
# Needs build/postern, build/posternd, build/postern-proxy, build/bpf/postern.o and build/tools/verifier_stats (make test-kernels
# builds them), and no root. The guest is made of this machine's own programs: an initramfs with busybox, and a
# disk with the tree and what the end-to-end tests use. The kernel packages are unpacked
# in build/kernels/VERSION and stay there: remove that directory for the newest ones.
#
# Prints the guests' TAP lines, one kernel's after the other's, then "N passed, N failed, N skipped". Exit: 0, 1 when something failed, 2
# usage, 77 when no kernel could be tried; the first line is then the reason.
#
#	KERNELS_TIMEOUT=seconds	per kernel (default 1500; two quiet processors need about 600 for both)
#	KERNELS_E2E='NAME...'	only these end-to-end tests
#	DEBIAN_MIRROR=URL	default http://deb.debian.org

set -u
cd "$(dirname "$0")/../.." || exit 1
work=$PWD/build/kernels
limit=${KERNELS_TIMEOUT:-1500}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org}
passed=0 failed=0 skipped=0
# Each after what it needs.
modules='llc stp bridge veth inet_diag tcp_diag sch_ingress cls_bpf
	virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk'
# What the initramfs has of an installed system, beside busybox.
programs='curl ip nginx'
# What the disk has beside the interpreter and the tree.
disk_programs="$programs bash bpftool find flock grep mawk mount nsenter nstat pgrep pkill ps sed setpriv ss sysctl tc umount
	unshare xargs basename cat chmod cp cut date dd dirname env head id kill ln ls mkdir mktemp mv od realpath rm rmdir seq
	sleep sort stat tail tee timeout touch tr true uname uniq wc"
# The golden requests, the guards against peers with a TCP of their own and pages that change, and pins that the
# next daemon adopts.
e2e=${KERNELS_E2E:-t_http_vectors t_pages_that_change_leave_as_judged
	t_crafted_segments_gain_nothing t_an_urgent_pointer_hides_nothing
	t_what_no_socket_sends_is_decided t_a_kernel_answers_nobody_who_has_not_asked
	t_a_reused_socket_is_judged_anew t_crossing_syns_make_no_server t_enforcement_outlives_the_daemon}

skip_all() {
	echo "$1"
	echo '0 passed, 0 failed, 1 skipped'
	exit 77
}

# Where apt finds a version, one source a line.
sources() {
	case $1 in
	6.1)
		echo "debian bookworm"
		echo "debian-security bookworm-security"
		;;
	6.12) echo "debian bookworm-backports" ;;
	esac
}

# apt_for VERSION COMMAND ARG...: an apt of our own, which knows nothing of this machine's sources.
apt_for() {
	local apt=$work/apt-$1 command=$2
	shift 2
	timeout 120 "$command" -qq -o Acquire::http::Timeout=20 -o APT::Architecture=amd64 -o Dir::Etc::SourceList="$apt/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" "$@"
}

# Unpacks the newest kernel of VERSION into build/kernels/VERSION. Fails when there is none.
fetch() {
	local version=$1 apt=$work/apt-$1 tmp=$work/$1.tmp package
	rm -rf "$tmp"
	mkdir -p "$apt/lists/partial" "$apt/cache" "$tmp"
	sources "$version" | while read -r archive suite; do
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror/$archive $suite main"
	done >"$apt/sources.list"
	apt_for "$version" apt-get update || return
	package=$(apt_for "$version" apt-cache depends linux-image-cloud-amd64 |
		grep -oE "linux-image-${version//./\\.}[.+][^ ]*" | tail -n 1)
	[ -n "$package" ] || return
	(cd "$apt" && apt_for "$version" apt-get download "$package") || return
	dpkg-deb -x "$apt/$package"_*.deb "$tmp" || return
	mv "$tmp" "$work/$version"
	rm -rf "$apt"
}

# add PROGRAM...: with the libraries that it names, at the same paths. What is loaded by name later
# (NSS, for one) is not needed.
add() {
	local program paths=()
	for program in "$@"; do
		paths+=("$(type -P "$program")") || return
	done
	cp "${paths[@]}" "$root/bin/" && add_libraries "${paths[@]}"
}

# add_libraries FILE...: a static program has none, and ldd says so with a failure.
add_libraries() {
	local path
	for path in $(ldd "$@" 2>/dev/null | grep -oE '/[^ ]+\.so[^ :]*' | sort -u); do
		[ -e "$root$path" ] || { mkdir -p "$root${path%/*}" && cp -L "$path" "$root$path"; } || return
	done
}

# users ROOT
users() {
	printf '%s\n' root:x:0:0:root:/:/bin/sh nobody:x:65534:65534:nobody:/:/bin/sh >"$1/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: >"$1/etc/group"
}

# Modules that a kernel has built in are not missing.
add_modules() {
	local tree name path
	tree=$(echo "$work/$1"/lib/modules/*)
	for name in $modules; do
		path=$(find "$tree" -name "$name.ko*")
		case $path in
		*.ko) cp "$path" "$root/modules/" ;;
		*.ko.xz) xz -dc "$path" >"$root/modules/$name.ko" ;;
		*) grep -q "/$name\.ko\$" "$tree/modules.builtin" ;;
		esac || { echo "# the kernel package has no module $name"; return 1; }
		[ -z "$path" ] || echo "$name" >>"$root/modules/order"
	done
}

# The interpreter and its library, where it looks for them.
add_python() {
	local python library
	python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))') || return
	library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') || return
	add "$python" || return
	mkdir -p "$root${python%/*}" "$root$library"
	mv "$root/bin/${python##*/}" "$root$python" && ln -s "$python" "$root/bin/python3" || return
	tar -C "$library" --exclude='config-*' --exclude=test --exclude=tests --exclude=site-packages --exclude=dist-packages \
		--exclude=idlelib --exclude=lib2to3 --exclude='*.a' -c . | tar -C "$root$library" -x || return
	add_libraries "$library"/lib-dynload/*.so
}

# build/kernels/disk.img: the root of the end-to-end tests, the tree in /postern.
make_disk() {
	local root=$work/disk.root
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,etc,proc,run,sys,tmp,var/log/nginx,var/lib/nginx,postern/build,postern/tests}
	ln -s bin "$root/sbin"
	mkdir "$root/usr" && ln -s ../bin "$root/usr/bin" && ln -s ../bin "$root/usr/sbin"
	# shellcheck disable=SC2086 # words
	add $disk_programs && add_python || return
	ln -sf bash "$root/bin/sh" && ln -sf mawk "$root/bin/awk" || return
	users "$root"
	cp build/postern build/posternd build/postern-proxy "$root/postern/build/" || return
	add_libraries build/postern build/posternd build/postern-proxy || return
	cp -r testdata "$root/postern/" && cp -r tests/e2e "$root/postern/tests/" || return
	rm -rf "$root/postern/testdata/corpus"
	rm -f "$work/disk.img"
	mke2fs -qF -t ext4 -d "$root" -E root_owner=0:0 "$work/disk.img" 256M >/dev/null || return
	rm -rf "$root"
}

# build/kernels/VERSION.img: what the guest starts from.
make_image() {
	local root=$work/$1.root
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,etc,modules,proc,sys,tmp,var/log/nginx,var/lib/nginx}
	# shellcheck disable=SC2086 # words
	add busybox $programs build/postern build/posternd build/postern-proxy build/tools/verifier_stats || return
	add_modules "$1" || return
	cp build/bpf/postern.o testdata/policies/good/backend-api.yaml testdata/inventory/demo.yaml \
		"$root/" || return
	users "$root"
	echo "$e2e" | xargs -n 1 >"$root/e2e"
	[ -z "${KERNELS_E2E:-}" ] || : >"$root/e2e-only"
	cp tests/kernels/guest.sh "$root/init" && chmod 755 "$root/init" || return
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/$1.img"
	rm -rf "$root"
}

# The second serial line carries the guest's results and nothing else: the kernel writes to the first.
# cmpxchg16b is switched off: qemu 7.2's emulation of it spoils the flags now and then, and 6.12 then
# dies in its allocator (14 of 60 starts with it, none of 60 without).
boot() {
	timeout -s KILL "$limit" qemu-system-x86_64 -accel tcg -cpu max,-cx16 -m 2048 -smp 2 -nodefaults \
		-drive "file=$work/disk.img,format=raw,if=virtio,snapshot=on" -display none -no-reboot -serial "file:$work/$1.console" -serial stdio \
		-kernel "$work/$1"/boot/vmlinuz-* -initrd "$work/$1.img" \
		-append "console=ttyS0 quiet panic=-1 rdinit=/init" </dev/null 2>&1 |
		tr -d '\r' >"$work/$1.tap"
}

count() {
	grep -acE "$2" "$work/$1.tap"
}

fail() {
	echo "not ok - $1"
	failed=$((failed + 1))
}

# Counts and shows what a guest that has ended has left.
judge() {
	local version=$1 done_checks plan
	echo "# Linux $version"
	[ -e "$work/$version.tap" ] || { fail "$version: the guest's files cannot be put together"; return; }
	cat "$work/$version.tap"
	skipped=$((skipped + $(count "$version" '^ok .*# SKIP')))
	passed=$((passed + $(count "$version" '^ok ') - $(count "$version" '^ok .*# SKIP')))
	failed=$((failed + $(count "$version" '^not ok ')))
	done_checks=$(count "$version" '^(not )?ok ')
	plan=$(grep -aoE '^1\.\.[0-9]+$' "$work/$version.tap")
	[ "$plan" = "1..$done_checks" ] && return
	fail "$version: the guest ended before its plan, or took over $limit s; the console:"
	tail -n 30 "$work/$version.console" | tr -d '\r' | sed 's/^/# /'
}

case ${1:-all} in
6.1 | 6.12) versions=${1:-6.1} ;;
all) versions='6.1 6.12' ;;
*)
	echo "usage: tests/kernels/run.sh [6.1|6.12|all]" >&2
	exit 2
	;;
esac
[ "$(uname -m)" = x86_64 ] || skip_all "the guest runs this machine's programs: needs x86_64"
for tool in qemu-system-x86_64 busybox xz apt-get dpkg-deb mke2fs $disk_programs; do
	command -v "$tool" >/dev/null || skip_all "$tool is missing: tools/deps.sh test kernels"
done
mkdir -p "$work"
available='' missing=''
for version in $versions; do
	if [ -d "$work/$version" ] || fetch "$version" >"$work/$version.fetch" 2>&1; then
		available="$available $version"
	else
		missing="$missing $version"
	fi
done
[ -n "$available" ] || skip_all "apt has no kernel package for$missing, see build/kernels/*.fetch"
for version in $missing; do
	echo "skip $version: apt has no such kernel package, see build/kernels/$version.fetch"
	skipped=$((skipped + 1))
done
trap 'trap "" TERM; kill -TERM 0; exit 130' INT TERM HUP
make_disk || echo "# the disk of the end-to-end tests cannot be put together"
for version in $available; do
	rm -f "$work/$version.tap"
	make_image "$version" && boot "$version" &
done
wait
for version in $available; do
	judge "$version"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
