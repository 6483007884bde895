#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The package, installed over a copy of this system (an overlay) and run by a systemd of its own as its unit says,
# with all that the unit forbids. What the manager sees of READY and the watchdog is asked of the manager.

[ -z "${TRACE:-}" ] || set -x
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/e2e/lib.sh
. tests/e2e/lib.sh

[ -x /lib/systemd/systemd ] || { echo "needs systemd"; exit 77; }
[ -f /etc/debian_version ] || { echo "needs Debian"; exit 77; }
deb=$(echo build/deb/postern_*.deb)
[ -f "$deb" ] || { echo "needs the package: make deb"; exit 77; }
e2e_up

root=$E2E/root
mkdir "$E2E/over" "$root"
mount -t tmpfs tmpfs "$E2E/over"
mkdir "$E2E/over/upper" "$E2E/over/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$E2E/over/upper,workdir=$E2E/over/work" "$root" ||
	{ echo "needs overlayfs"; exit 77; }
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
mkdir "$root/run/netns"
mount --rbind /run/netns "$root/run/netns"
# The cgroups: those of the manager, and beside them that of the pods.
E2E_CGROUP_TOP=$E2E_CGROUP
E2E_CGROUP=$E2E_CGROUP/pods
mkdir "$E2E_CGROOT/$E2E_CGROUP" "$E2E_CGROOT/$E2E_CGROUP_TOP/init.scope"
e2e_nginx
cat /proc/sys/kernel/random/uuid | tr -d - >"$root/etc/machine-id"

rm -f "$root/usr/sbin/policy-rc.d" # here, services may be started

# What a manager needs before it is one. It is PID 1 of its own namespace and sees its part of the cgroups alone.
# shellcheck disable=SC2016
manager='
set -e
echo $$ >"$cgroup/init.scope/cgroup.procs"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t bpf bpf "$root/sys/fs/bpf"
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	chroot "$root" /lib/systemd/systemd --system --unit=basic.target --show-status=0 --log-target=console'
echo $BASHPID >"$E2E_CGROOT/$E2E_CGROUP_TOP/cgroup.procs"
cgroup=$E2E_CGROOT/$E2E_CGROUP_TOP root=$root unshare --cgroup --pid --mount --fork --kill-child=KILL \
	bash -c "$manager" >"$E2E/systemd.log" 2>&1 &
e2e_wait 20 test -S "$root/run/systemd/private" || { cat "$E2E/systemd.log"; e2e_fail "systemd does not start"; }
pid=$(pgrep -P $!)
# there CMD...: where the manager is.
there() {
	nsenter -t "$pid" -p -C -m chroot "$root" "$@"
}
fail() {
	there systemctl --no-pager --full status posternd
	there journalctl --no-pager -n 30 -u posternd
	e2e_fail "$@"
}
prop() {
	there systemctl show posternd --value -p "$1"
}
is_status() {
	case $(prop StatusText) in *"$1"*) ;; *) return 1 ;; esac
}

cp "$deb" "$root/run/postern.deb"
there dpkg -i /run/postern.deb >"$E2E/dpkg" 2>&1 || { cat "$E2E/dpkg"; e2e_fail "it cannot be installed"; }
e2e_is "it is not started because it is installed" inactive "$(prop ActiveState)"
e2e_is "nor enabled" disabled "$(prop UnitFileState)"
e2e_is "there is no policy" 0 "$(find "$root/etc/postern/policies" -type f | wc -l)"
there systemctl start posternd 2>/dev/null && fail "it starts without a policy"
there systemctl reset-failed posternd

cp testdata/policies/good/backend-api.yaml "$root/etc/postern/policies/"
cp testdata/inventory/demo.yaml "$root/etc/postern/inventory.yaml"
mkdir -p "$root/etc/systemd/system/posternd.service.d"
# A watchdog that barks within the test.
printf '[Service]\nWatchdogSec=6\n' >"$root/etc/systemd/system/posternd.service.d/test.conf"
echo 'POSTERND_OPTIONS=--policy /etc/postern/policies --inventory /etc/postern/inventory.yaml --cgroup pods' \
	>"$root/etc/postern/posternd.conf"
there systemctl daemon-reload
there systemctl start posternd || fail "it does not start"
e2e_is "it is active when it says so" active/running "$(prop ActiveState)/$(prop SubState)"
is_status 'generation 1 is in force' || fail "its status is '$(prop StatusText)'"
first=$(prop MainPID)

e2e_is "what the policy allows passes" "200 hello from /api/v1/users" \
	"$(e2e_http frontend http://$BACKEND:8080/api/v1/users)"
e2e_is "what it does not is answered" "403 Access denied" \
	"$(e2e_http frontend -X DELETE http://$BACKEND:8080/api/v1/users)"
e2e_is "others are dropped" none "$(e2e_http other --max-time 1 http://$BACKEND:8080/api/v1/users)"
e2e_is "status is told at the socket" OK "$(there postern status | awk '$1 == "health" { print $2 }')"
e2e_is "the socket is the group's" "srw-rw---- postern" "$(there stat -c '%A %G' /run/postern/posternd.sock)"

echo nonsense >"$root/etc/postern/policies/bad.yaml"
there systemctl reload posternd
e2e_wait 10 is_status refused || fail "a bad policy is not in its status: '$(prop StatusText)'"
rm "$root/etc/postern/policies/bad.yaml"
there systemctl reload posternd
e2e_is "it is active after a reload" active/running "$(prop ActiveState)/$(prop SubState)"

told=$(prop WatchdogTimestampMonotonic)
is_told_again() {
	[ "$told" != "$(prop WatchdogTimestampMonotonic)" ]
}
e2e_wait 10 is_told_again || fail "the watchdog is not told"
e2e_is "the watchdog has not bitten" "$first 0" "$(prop MainPID) $(prop NRestarts)"

# What dies beside the daemon is replaced, and the service has not failed.
pid_of() { there pgrep -x "$1"; }
put() { cp "$1" "$root/etc/postern/policy.new" && mv "$root/etc/postern/policy.new" "$root/etc/postern/policies/backend-api.yaml"; }
answers() { [ "$(e2e_http frontend http://$BACKEND:8080/api/v1/users)" = "200 hello from /api/v1/users" ]; }
is_proxied() { pid_of postern-proxy >/dev/null && answers; }
is_another() { # NAME OLD
	local new
	new=$(pid_of "$1") && [ "$new" != "$2" ] && answers
}
sed 's|path: .*|path: "/api/.*"\n                headerMatches: [{name: X-A, mismatch: ADD, value: b}]|' \
	testdata/policies/good/backend-api.yaml >"$E2E/proxied.yaml"
put "$E2E/proxied.yaml"
e2e_wait 30 is_proxied || fail "the proxy is not started"
for name in postern-reader postern-proxy postern-helper; do
	old=$(pid_of $name)
	there kill -KILL "$old"
	e2e_wait 30 is_another $name "$old" || fail "$name is not started again"
done
e2e_is "the service has not noticed" "$first 0 active" "$(prop MainPID) $(prop NRestarts) $(prop ActiveState)"
reader() { there postern status --format json | /usr/bin/python3 -c "import json,sys; print(json.load(sys.stdin)['reader']['$1'])"; }
e2e_is "the status has" 1 "$(reader ends)"
# Where the kernel has Landlock, the unit lets it be used.
has_landlock=$(/usr/bin/python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1) > 0)')
e2e_is "it reads its own files only" "$has_landlock" "$(reader files_confined)"

# The manager knows that files are being read, and does not wait for a reader that has gone.
there kill -STOP "$(pid_of postern-reader)"
there systemctl reload --no-block posternd
is_state() { [ "$(prop ActiveState)" = "$1" ]; }
e2e_wait 10 is_state reloading || fail "it does not say that it reloads: $(prop ActiveState)"
answers || fail "while files are being read, other things stop"
there kill -KILL "$(pid_of postern-reader)"
e2e_wait 30 is_state active || fail "the manager waits for a reader that is gone: $(prop ActiveState)"
put testdata/policies/good/backend-api.yaml
e2e_is "the watchdog still has not bitten" "$first 0" "$(prop MainPID) $(prop NRestarts)"

# A daemon that hangs is started again, and what it has pinned goes on.
there kill -STOP "$first"
started_again() {
	[ "$(prop NRestarts)" -gt 0 ] && [ "$(prop ActiveState)" = active ]
}
e2e_wait 30 started_again || fail "a daemon that hangs is not started again"
e2e_is "the next one answers" "403 Access denied" "$(e2e_http frontend -X DELETE http://$BACKEND:8080/api/v1/users)"

# Stopping ends no enforcement, and neither does an upgrade: here, to itself.
second=$(prop MainPID)
there dpkg -i /run/postern.deb >"$E2E/dpkg" 2>&1 || { cat "$E2E/dpkg"; e2e_fail "it cannot be upgraded"; }
[ "$(prop ActiveState)" = active ] || { cat "$E2E/dpkg"; fail "it does not run after an upgrade"; }
[ "$(prop MainPID)" != "$second" ] || fail "after an upgrade the old daemon runs"
there systemctl stop posternd
e2e_is "what is pinned goes on" none "$(e2e_http other --max-time 1 http://$BACKEND:8080/api/v1/users)"
there test -d /sys/fs/bpf/postern || fail "nothing is pinned"

there systemctl start posternd || fail "it does not start again"
there dpkg --purge postern >"$E2E/dpkg" 2>&1 || { cat "$E2E/dpkg"; e2e_fail "it cannot be purged"; }
e2e_is "removed, it enforces no more" "200 hello from /" "$(e2e_http other http://$BACKEND:8080/)"
e2e_is "nothing is pinned" '' "$(there find /sys/fs/bpf -mindepth 1 -name '*pst*')"
e2e_is "the administrator's policies stay" backend-api.yaml "$(ls "$root/etc/postern/policies")"
e2e_is "the rest is gone" '' "$(there find /usr /lib/systemd -name '*postern*' -not -path '/usr/src/*' 2>/dev/null)"
