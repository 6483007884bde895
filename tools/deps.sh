#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian 12 packages that are missing for building, for testing and measuring, for
# a package, or for booting other kernels.
#
#	tools/deps.sh build|test|deb|kernels...	install what is missing (root), or name it and fail
#	tools/deps.sh --list build|test|deb|kernels...	print what is missing, one line, nothing when complete
#
# Debian starts a daemon when it is installed. The tests start their own nginx, so for the duration of
# the installation service starts are refused, unless the machine has its own rule for that.

set -eu

policy=/usr/sbin/policy-rc.d

# A line: group, package, and the path whose presence makes the package unnecessary ("-": ask dpkg).
packages() {
	cat <<-EOF
	build gcc /usr/bin/gcc
	build make /usr/bin/make
	build libc6-dev -
	build clang /usr/bin/clang
	build llvm /usr/bin/llvm-strip
	build bpftool /usr/sbin/bpftool
	build libbpf-dev -
	build libelf-dev -
	build zlib1g-dev -
	build linux-libc-dev -
	build libyaml-dev -
	build libjansson-dev -
	build libmicrohttpd-dev -
	build unicode-data /usr/share/unicode/UnicodeData.txt
	test g++ /usr/bin/g++
	test pkg-config /usr/bin/pkg-config
	test libcriterion-dev -
	test libre2-dev -
	build libpcre2-dev -
	build libnghttp2-dev -
	build libseccomp-dev -
	test libclang-rt-dev -
	build node-llhttp /usr/share/llhttp/llhttp.c
	test clang-format /usr/bin/clang-format
	test clang-tidy /usr/bin/clang-tidy
	test python3 /usr/bin/python3
	test iproute2 /sbin/ip
	test procps /usr/bin/pgrep
	test curl /usr/bin/curl
	test ethtool /sbin/ethtool
	test nginx-light /usr/sbin/nginx
	test iputils-ping /bin/ping
	test wrk /usr/bin/wrk
	test nghttp2-client /usr/bin/h2load
	test nghttp2-server /usr/sbin/nghttpd
	test nghttp2-proxy /usr/sbin/nghttpx
	test python3-hpack -
	test python3-grpcio -
	test haproxy /usr/sbin/haproxy
	test python3-jsonschema -
	test pre-commit /usr/bin/pre-commit
	test npm /usr/bin/npm
	test nodejs /usr/bin/node
	test golang-go /usr/bin/go
	test python3-kubernetes -
	test zsh /usr/bin/zsh
	test fish /usr/bin/fish
	deb debhelper -
	deb fakeroot /usr/bin/fakeroot
	deb lintian /usr/bin/lintian
	kernels qemu-system-x86 /usr/bin/qemu-system-x86_64
	kernels busybox /bin/busybox
	kernels xz-utils /usr/bin/xz
	EOF
}

is_installed() {
	[ "$2" != - ] && [ -e "$2" ] && return 0
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing() {
	packages | while read -r group package path; do
		case " $* " in
		*" $group "*) is_installed "$package" "$path" || printf '%s ' "$package" ;;
		esac
	done
}

refuse_service_starts() {
	[ ! -e "$policy" ] || return 0
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
}

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	echo "installing: $*"
	apt-get -q update </dev/null
	refuse_service_starts
	apt-get -q -y --no-install-recommends install "$@" </dev/null
	for daemon in nginx haproxy; do
		case " $* " in
		*" $daemon"*) systemctl disable --now $daemon </dev/null >/dev/null 2>&1 || true ;;
		esac
	done
}

list_only=
if [ "${1:-}" = --list ]; then
	list_only=1
	shift
fi
if [ $# -eq 0 ]; then
	echo "usage: tools/deps.sh [--list] build|test|deb|kernels..." >&2
	exit 2
fi
for group in "$@"; do
	case $group in
	build | test | deb | kernels) ;;
	*)
		echo "tools/deps.sh: unknown group '$group', expected build, test, deb or kernels" >&2
		exit 2
		;;
	esac
done
wanted=$(missing "$@")
if [ -n "$list_only" ]; then
	[ -z "$wanted" ] || echo "$wanted"
elif [ -z "$wanted" ]; then
	:
elif ! command -v apt-get >/dev/null; then
	echo "missing (names of Debian 12): $wanted" >&2
	exit 1
elif [ "$(id -u)" -ne 0 ]; then
	echo "missing packages; as root run: apt-get install $wanted" >&2
	exit 1
else
	# shellcheck disable=SC2086 # a list of words
	install_packages $wanted
fi
