#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# posternd.service gives the capabilities, system calls, families of addresses and namespaces that the processes keep
# (enforcer/confine.[ch], proxy/confine.c), and no others but those that a start needs. That the DaemonSet gives the same
# capabilities: t_the_chart_is_what_kubernetes_takes.sh.

set -eu
cd "$(dirname "$0")/../.."
command -v systemd-analyze >/dev/null || { echo "needs systemd-analyze (Debian's systemd)"; exit 77; }
/usr/bin/python3 tests/packaging/rights.py
