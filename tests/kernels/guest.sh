#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# PID 1 of the guest: do the programs load, does the daemon enforce? Client and server are two endpoints on loopback.
# Prints a line "ok ..." or "FAIL ..." per check and powers off.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t bpf bpf /sys/fs/bpf
mkdir -p /cg /tmp /www/api /var
mount -t cgroup2 none /cg
ip link set lo up
echo "kernel $(uname -r)"
for m in /modules/*.ko; do [ ! -e "$m" ] || insmod "$m"; done

check() { # NAME WANT GOT
	if [ "$2" = "$3" ]; then echo "ok $1: $3"; else echo "FAIL $1: expected '$2', found '$3'"; fi
}
for o in /bpf/*.bpf.o; do
	if /bin/verifier_stats "$o" >/tmp/stats 2>/tmp/err; then
		sed 's/^/ok loads: /' /tmp/stats
	else
		echo "FAIL $o does not load"
		tail -n 12 /tmp/err
	fi
done
/bin/posternd --probe >/tmp/probe
check "posternd --probe" 0 $?
grep -v '^ok' /tmp/probe

echo hello >/www/api/x
echo secret >/www/admin
httpd -p 127.0.0.2:8080 -h /www
ask() { curl -sS -m 4 --interface 127.0.0.3 -o /tmp/body -w '%{http_code}' "$@" 2>/dev/null; }
/bin/posternd --policy /p.yaml --inventory /i.yaml --cgroup /cg --events-file /tmp/events --courtesy off 2>/tmp/log &
for _ in $(seq 200); do grep -q 'enforcing below' /tmp/log && break; sleep 0.1; done
cat /tmp/log
check "allowed" 200 "$(ask http://127.0.0.2:8080/api/x)"
check "denied" 403 "$(ask http://127.0.0.2:8080/admin)"
check "its body" "Access denied" "$(tr -d '\r' </tmp/body)"
check "another peer" 000 "$(curl -sS -m 2 --interface 127.0.0.4 -o /dev/null -w '%{http_code}' http://127.0.0.2:8080/api/x 2>/dev/null)"
check "events" 1 "$(grep -c no-rule-l7 /tmp/events)"
echo "done"
poweroff -f
