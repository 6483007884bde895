#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# deploy/chart, rendered, has the types of Kubernetes' API and options that posternd knows, and deploy/postern.yaml is
# what it renders to. With --write, it is written.

set -eu
cd "$(dirname "$0")/../.."
command -v go >/dev/null || { echo "needs Go (Debian's golang-go)"; exit 77; }
/usr/bin/python3 -c 'import kubernetes, yaml' 2>/dev/null || { echo "needs python3-kubernetes"; exit 77; }
SCRATCH=${SCRATCH:-$(mktemp -d)}
GOCACHE=$PWD/build/packaging/go GO111MODULE=off GOFLAGS= go build -o "$SCRATCH/render" tests/packaging/render.go
if [ "${1:-}" = --write ]; then
	{
		echo '# SPDX-License-Identifier: Apache-2.0'
		echo '# Written from deploy/chart by tests/packaging/t_the_chart_is_what_kubernetes_takes.sh --write.'
		/usr/bin/python3 -c 'import json, yaml; print(json.dumps(yaml.safe_load(open("deploy/chart/values.yaml"))))' |
			"$SCRATCH/render" postern kube-system deploy/chart/templates/*.yaml
	} >deploy/postern.yaml
fi
/usr/bin/python3 tests/packaging/chart.py "$SCRATCH/render"
# The image is made from the package that there is.
grep -qF 'COPY build/deb/postern_*.deb ' deploy/Containerfile
grep -qF 'ENTRYPOINT ["/usr/sbin/posternd"]' deploy/Containerfile
image=$(sed -n 's/^image: postern:\(.*\)/\1/p' deploy/chart/values.yaml)
[ "postern-proxy $image" = "$(build/postern-proxy --version)" ] || { echo "FAILED: the image is of version $image"; exit 1; }
