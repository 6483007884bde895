#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# HTTP/2 and gRPC through postern-proxy, by curl, nghttp, h2load, nghttpd and grpcio, on the loopback. Needs no root.
cd "$(dirname "$0")/../.." || exit 1
[ -x build/postern-proxy ] || { echo "build/postern-proxy is not built"; exit 1; }
PATH=$PATH:/usr/sbin
for tool in nghttpd nghttp h2load curl; do
	command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
done
# Debian's Python has Debian's modules, whatever else is in the PATH.
/usr/bin/python3 -c 'import grpc' 2>/dev/null || { echo "needs python3-grpcio"; exit 77; }
exec timeout 100 /usr/bin/python3 tests/e2e/http2.py
