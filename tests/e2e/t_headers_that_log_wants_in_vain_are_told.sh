#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# headerMatches with mismatch: LOG: a request passes whatever its headers are, and what was not as it should be is told by
# name, never by value: in the flow of a request, whoever judged it, and in the proxy's line.
. "$(dirname "$0")/lib.sh"
e2e_up
e2e_nginx
cat >"$E2E/p.yaml" <<'P'
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: logs, namespace: default}
spec:
  endpointSelector: {matchLabels: {app: backend}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: frontend}}]
      toPorts:
        - ports: [{port: "8080", protocol: TCP}]
          rules:
            http:
              - path: /api/.*
                headerMatches: [{name: X-Role, value: s3cret, mismatch: LOG}, {name: X-Team, mismatch: LOG}]
        - ports: [{port: "8081", protocol: TCP}]
          rules:
            http:
              - path: /api/.*
                headerMatches: [{name: X-Role, value: s3cret, mismatch: LOG}, {name: X-Team, mismatch: LOG}]
              - path: /b
                headerMatches: [{name: X-Added, value: b, mismatch: ADD}]
P
e2e_posternd --policy "$E2E/p.yaml" --inventory testdata/inventory/demo.yaml --events all

# ask PORT NAME FIELD...: the request is allowed.
ask() {
	local port=$1 name=$2 fields=() field
	shift 2
	for field; do fields+=(-H "$field"); done
	e2e_is "$name passes, port $port" "200 hello from /api/$name" \
		"$(e2e_http frontend "${fields[@]}" "http://$BACKEND:$port/api/$name")"
}
for port in 8080 8081; do
	ask $port neither
	ask $port wrong 'X-Role: t0ken' 'X-Team: a'
	ask $port half 'X-Role: s3cret'
	ask $port right 'X-Role: s3cret' 'X-Team;'
done
e2e_is "HTTP/2 passes as well (this server does not speak it)" 502 \
	"$(e2e_run frontend curl -s -o /dev/null -w '%{http_code}' --http2-prior-knowledge -H 'X-Role: t0ken' "http://$BACKEND:8081/api/two")"

# names FILE [kernel|proxy]: what its objects, of flows those that are so judged, say about each path of /api, as "path: missing / rejected".
names() {
	python3 - "$@" <<-'P'
		import json, sys
		said = {}
		for line in open(sys.argv[1]):
		    o = json.loads(line)
		    if "flow" in o:
		        path, told = o["flow"].get("l7", {}).get("http", {}).get("url", ""), o["flow"]["extensions"]["value"]
		        if o["flow"].get("l7", {}).get("type") != "REQUEST" or o["flow"]["verdict"] != "FORWARDED":
		            continue
		        if (told.get("judged_by", "kernel") == "proxy") != (sys.argv[2] == "proxy"):
		            continue
		    else:
		        path, told = o["path"], o
		    said[path.split("/")[-1]] = [*told.get("missing_headers", []), "/", *told.get("rejected_headers", [])]
		for path in sorted(said):
		    print(path + ":", *said[path], end="; ")
	P
}
flows_are_there() { build/postern observe --all -o jsonpb >"$E2E/flows" && [ "$(grep -c '"REQUEST"' "$E2E/flows")" -ge 9 ]; }
e2e_wait 10 flows_are_there || e2e_fail "there are no flows: $(cat "$E2E/flows")"
grep '"client":"10.77.0.2' "$E2E/events" | grep '"path":"/api' >"$E2E/lines"
each="half: x-team /; neither: x-role x-team /; right: /;"
e2e_is "flows of the kernel" "$each wrong: / x-role; " "$(names "$E2E/flows" kernel)"
e2e_is "flows of the proxy" "$each two: x-team / x-role; wrong: / x-role; " "$(names "$E2E/flows" proxy)"
e2e_is "lines of the proxy" "$each two: x-team / x-role; wrong: / x-role; " "$(names "$E2E/lines")"
e2e_is "for people" 2 "$(build/postern observe --all | grep -c 'api/neither; MISSING x-role, x-team)$')"
e2e_is "and" 1 "$(build/postern observe --all --print-policy-names | grep -c '/api/wrong; ALLOWED BY .*; rule-matched; REJECTED x-role)$')"
! grep -q 's3cret\|t0ken' "$E2E/flows" "$E2E/events" "$E2E/log" || e2e_fail "a value is told"
python3 - "$E2E/flows" testdata/flows/flow.schema.json <<-P || e2e_fail "a line does not fit the schema"
	import json, sys
	try:
	    import jsonschema
	except ImportError:
	    print("no jsonschema here: the schema is left out")
	    sys.exit()
	for line in open(sys.argv[1]):
	    jsonschema.validate(json.loads(line), json.load(open(sys.argv[2])))
	print("ok: each line fits the schema")
P
