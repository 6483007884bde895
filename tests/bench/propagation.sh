#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# How long a change takes: from the rename of one policy file among 10,000, with 5,000 pods, to the first request that
# is judged by it. A client asks without a pause; each round the policy allows another path. Also the processor time and
# the memory of the daemon and of its processes.
#
#	ROUNDS=100 tests/bench/propagation.sh
. "$(dirname "$0")/../e2e/lib.sh"

rounds=${ROUNDS:-100}
e2e_up
e2e_nginx
sed -i 's/access_log .*/access_log off;/' "$E2E/nginx.conf"
kill -HUP "$(cat "$E2E/nginx.pid")"
tests/bench/gen_cluster.py "$E2E/cluster"
cp testdata/policies/good/backend-api.yaml "$E2E/cluster/policies/demo.yaml"
for path in a b; do
	sed "s,/api/,/$path/," testdata/policies/good/backend-api.yaml >"$E2E/$path.yaml"
done
cat >"$E2E/ask.py" <<'P'
import http.client, os, sys, time

host, target, directory, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def allowed(path):
    c = http.client.HTTPConnection(host, 8080, timeout=10)
    c.request("GET", path)
    status = c.getresponse().status
    c.close()
    return status == 200


took = []
for n in range(rounds):
    name = "ab"[n % 2]
    with open(f"{directory}/{name}.yaml") as f, open(f"{directory}/new", "w") as new:
        new.write(f.read())
    time.sleep(1)  # so that each round is a change of its own
    begin = time.monotonic()
    os.rename(f"{directory}/new", target)
    while not allowed(f"/{name}/x"):
        assert time.monotonic() - begin < 60
        time.sleep(0.001)
    took.append(1000 * (time.monotonic() - begin))
took.sort()
print(f"{rounds} changes:", ", ".join(f"{p}% within {took[min(rounds - 1, rounds * p // 100)]:.0f} ms" for p in (50, 90, 99)),
      f"(least {took[0]:.0f}, most {took[-1]:.0f})")
P
e2e_posternd --policy "$E2E/cluster/policies" --inventory "$E2E/cluster/pods.yaml" \
	--inventory testdata/inventory/demo.yaml --events none
grep -h 'in force' "$E2E/log" | head -1
# Nanoseconds of a processor that the processes have had.
spent() { cut -d' ' -f1 "/proc/$1/schedstat"; }
reader=$(pgrep -P "$E2E_DAEMON" -f -- --reader)
before=("$(spent "$E2E_DAEMON")" "$(spent "$reader")")
e2e_run frontend python3 "$E2E/ask.py" $BACKEND "$E2E/cluster/policies/demo.yaml" "$E2E" "$rounds" || e2e_fail "no change"
# On a machine that is not quiet this is what can be compared.
printf 'processor time of a change: %d us in the daemon, %d us in the reader\n' \
	$((($(spent "$E2E_DAEMON") - before[0]) / rounds / 1000)) $((($(spent "$reader") - before[1]) / rounds / 1000))
# Anonymous memory is what a process holds; of files, the maps of the kernel that it has mapped are the most.
for pid in "$E2E_DAEMON" $(pgrep -P "$E2E_DAEMON"); do
	awk -v who="$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -d' ' -f1,2 | sed 's,[^ ]*/,,g')" '
		/RssAnon|RssFile/ { printf "%s: %s %.1f MiB\n", who, $1, $2 / 1024 }' "/proc/$pid/status"
done
echo "load average: $(cut -d' ' -f1-3 /proc/loadavg), Linux $(uname -r), $(nproc) processors"
e2e_stop
