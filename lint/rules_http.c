// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "http-needs-tcp",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "L7 rules on a port that is not TCP",
		.why = "HTTP is judged on TCP connections. Without `protocol` a port means "
		       "`ANY`, that is TCP, UDP and SCTP, and Cilium refuses that as well: of "
		       "all mistakes with HTTP rules this is the most common.\n",
		.remedy = "Write `protocol: TCP` on each port of the entry.",
		.cilium = "sanitize: \"L7 rules can only apply to TCP (not ...) except for DNS "
			  "rules\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /orders\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n",
		.since = "0.1",
	},
	{
		.id = "http-port-zero",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "L7 rules on port 0",
		.why = "Port 0 stands for every port, and not every port speaks HTTP. Cilium "
		       "wants the ports of L7 rules to be named.\n",
		.remedy = "Name the ports, or write a range.",
		.cilium = "sanitize: \"L7 rules can not be used when a port is 0\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"0\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /orders\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"1\"\n"
				 "              endPort: 65535\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n",
		.since = "0.1",
	},
	{
		.id = "l7-port-range",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "L7 rules on a range of ports, in a version that refuses it",
		.why = "Cilium 1.16 has ranges of ports, and refuses them together with L7 "
		       "rules; 1.17 and later take both. The first patch releases of 1.16 that "
		       "took it could let requests pass unjudged (CVE-2024-52529).\n",
		.remedy = "List the ports one by one.",
		.cilium = "sanitize (1.16): L7 rules do not support port ranges",
		.cilium_minor = 16,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"8000\"\n"
				"              endPort: 8080\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /orders\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8000\"\n"
				 "              protocol: TCP\n"
				 "            - port: \"8080\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n",
		.since = "0.1",
	},
	{
		.id = "http-in-deny",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "L7 rules in a deny rule",
		.why = "A deny is decided with the first packet, before there is a request. "
		       "Read without its L7 part, the rule would deny the whole port.\n",
		.remedy = "Allow the requests that may pass; what no rule allows is denied with "
			  "403.",
		.cilium = "decode: deny rules have no field \"rules\"",
		.bad = PST_SPEC "  ingressDeny:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /admin\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n",
		.since = "0.1",
	},
	{
		.id = "two-l7-kinds",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "L7 rules of two protocols in one entry",
		.why = "One port speaks one protocol. Cilium counts the families that are "
		       "written, also as an empty list, and refuses two of them in one entry.\n",
		.remedy = "Write an entry of `toPorts` for each protocol.",
		.cilium = "sanitize: \"multiple L7 protocol rule types specified in single rule\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /orders\n"
				"            dns:\n"
				"              - matchName: api.example.com\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            dns:\n"
				 "              - matchName: api.example.com\n",
		.since = "0.1",
	},
	{
		.id = "l7-without-l7proto",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "l7 without l7proto",
		.why = "`l7` has the rules of a generic protocol, `l7proto` its name. Rules "
		       "without a protocol cannot be read by anybody.\n",
		.remedy = "Add `l7proto`. Both are gone in Cilium 1.20.",
		.cilium = "schema or sanitize: \"'l7' may only be specified when a 'l7proto' is "
			  "also specified\"",
		.cilium_minor = 19,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"9042\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            l7:\n"
				"              - query_action: select\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"9042\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            l7proto: cassandra\n"
				 "            l7:\n"
				 "              - query_action: select\n",
		.since = "0.1",
	},
	{
		.id = "http-empty",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_HTTP,
		.title = "an empty list of HTTP rules",
		.why = "`http: []` looks as if no request was allowed; it means that there are "
		       "no L7 rules, and every request passes. Denying all requests is done by "
		       "leaving the port out.\n",
		.remedy = "Write the rules, or leave `rules` out. `http: [{}]` allows every "
			  "request and has them judged.",
		.cilium = "accepts it as if there were no rules",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http: []\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - {}\n",
		.since = "0.1",
	},
	{
		.id = "http-empty-field",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_HTTP,
		.title = "an HTTP rule with an empty pattern",
		.why = "An empty `path`, `method` or `host` is the same as an absent one: it "
		       "restricts nothing. It does not mean \"the empty path\".\n",
		.remedy = "Write the pattern, or leave the field out.",
		.cilium = "accepts it as an absent field",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - method: GET\n"
				"                path: \"\"\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - method: GET\n"
				 "                path: /\n",
		.since = "0.1",
	},
	{
		.id = "header-name-missing",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "a header match without the name of a header",
		.why = "An element of `headerMatches` compares one header, and must name it.\n",
		.remedy = "Add `name`.",
		.cilium = "sanitize: \"Header name missing\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - headerMatches:\n"
				"                  - value: shop\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - headerMatches:\n"
				 "                  - name: X-Team\n"
				 "                    value: shop\n",
		.since = "0.1",
	},
	{
		.id = "unknown-header-action",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "a mismatch action that does not exist",
		.why = "`mismatch` is `LOG`, `ADD`, `DELETE` or `REPLACE`, in capitals; left "
		       "out, a request whose header differs does not match. The other actions "
		       "let the request pass, so a guess could open the door.\n",
		.remedy = "Write one of the four, or leave the field out.",
		.cilium = "schema or sanitize: \"Invalid header action\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - headerMatches:\n"
				"                  - name: X-Team\n"
				"                    value: shop\n"
				"                    mismatch: FAIL\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - headerMatches:\n"
				 "                  - name: X-Team\n"
				 "                    value: shop\n",
		.since = "0.1",
	},
	{
		.id = "regex-syntax",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "a pattern that is not in the dialect",
		.why = "`path`, `method` and `host` are regular expressions in RE2's syntax. "
		       "It has no back-references and no look-around, and `*` needs something "
		       "to repeat: `*.html` is a glob. Cilium compiles path and method when it "
		       "reads the policy; a bad host is only found by its proxy, which then "
		       "drops every policy of the endpoint.\n"
		       "The message names the place inside the pattern.\n",
		.remedy = "Write the pattern in RE2's syntax: `.*` for anything, `\\.` for a dot.",
		.cilium = "sanitize for path and method; for host, the proxy refuses the "
			  "endpoint's policy",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /static/(?!private).*\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /static/public/.*\n",
		.since = "0.1",
	},
	{
		.id = "regex-budget",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "a pattern that is too large",
		.why = "Counted repetitions multiply: `(a{100}){100}` stands for ten thousand "
		       "pieces. RE2 takes a product of 1000 at most, and no nesting over 1000 "
		       "levels is read. A pattern that Cilium's agent takes and its proxy "
		       "refuses costs the endpoint all of its policies.\n",
		.remedy = "Repeat without a count (`*`, `+`), or split the rule.",
		.cilium = "sanitize, or the proxy refuses the endpoint's policy",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /([a-z]{100}){100}\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /[a-z]{1,100}\n",
		.since = "0.1",
	},
	{
		.id = "dns-on-ingress",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "DNS rules on ingress",
		.why = "DNS rules are about the lookups that a pod makes, so they belong to "
		       "its egress. Cilium has no DNS proxy on the way in.\n",
		.remedy = "Move the rule to the egress of the client.",
		.cilium = "sanitize: \"DNS rules are not allowed on ingress\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n"
				"              protocol: UDP\n"
				"          rules:\n"
				"            dns:\n"
				"              - matchPattern: \"*\"\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "              protocol: UDP\n"
				 "          rules:\n"
				 "            dns:\n"
				 "              - matchPattern: \"*\"\n",
		.since = "0.1",
	},
	{
		.id = "dns-without-ports",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "DNS rules without a port",
		.why = "DNS rules need the port on which names are looked up. Without one the "
		       "entry is about no port at all, and Cilium refuses it.\n",
		.remedy = "Add port 53, for UDP and TCP.",
		.cilium = "sanitize: \"port 53 must be specified for DNS rules\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - rules:\n"
				"            dns:\n"
				"              - matchPattern: \"*\"\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "              protocol: ANY\n"
				 "          rules:\n"
				 "            dns:\n"
				 "              - matchPattern: \"*\"\n",
		.since = "0.1",
	},
	{
		.id = "dns-port-range",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_HTTP,
		.title = "DNS rules on a range of ports",
		.why = "DNS rules need single ports: Cilium's DNS proxy takes over one port at "
		       "a time.\n",
		.remedy = "List the ports one by one; it is nearly always 53.",
		.cilium = "sanitize: \"DNS rules do not support port ranges\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n"
				"              endPort: 54\n"
				"              protocol: UDP\n"
				"          rules:\n"
				"            dns:\n"
				"              - matchPattern: \"*\"\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "              protocol: UDP\n"
				 "          rules:\n"
				 "            dns:\n"
				 "              - matchPattern: \"*\"\n",
		.since = "0.1",
	},
	{
		.id = "dns-empty",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_HTTP,
		.title = "an empty list of DNS rules",
		.why = "`dns: []` looks as if no name could be looked up; it means that there "
		       "are no L7 rules, and every query passes without Cilium's DNS proxy "
		       "seeing it. Rules with `toFQDNs` then learn no addresses.\n",
		.remedy = "Write the names; every name is `matchPattern: \"*\"`.",
		.cilium = "accepts it as if there were no rules",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n"
				"              protocol: UDP\n"
				"          rules:\n"
				"            dns: []\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "              protocol: UDP\n"
				 "          rules:\n"
				 "            dns:\n"
				 "              - matchPattern: \"*\"\n",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_http = PST_LINT_RULES(rows);
