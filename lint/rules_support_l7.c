// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

#include "policy/policy.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "unsupported-dns",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "DNS rules are not enforced yet",
		.why = "`rules.dns` sends name lookups through Cilium's DNS proxy, which lets "
		       "the named queries pass and learns addresses for `toFQDNs`. postern "
		       "judges HTTP, not DNS.\n" PST_LINT_CLOSED,
		.remedy = "Allow the port of the name server without rules, if it may be asked "
			  "for every name.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toEntities:\n"
				"        - cluster\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n"
				"              protocol: UDP\n"
				"          rules:\n"
				"            dns:\n"
				"              - matchPattern: \"*.example.com\"\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - cluster\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "              protocol: UDP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-header-action",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "header rules that change requests are for postern-proxy",
		.why = "`mismatch: ADD`, `DELETE` and `REPLACE` make Cilium's proxy rewrite "
		       "the request and let it pass. The kernel judges requests and does not "
		       "rewrite them.\n"
		       "`postern compile` marks the rule set, which holds all rules of that "
		       "port and peer, for the fallback: `postern-proxy` judges its requests. "
		       "With `posternd --proxy off` they are denied. `postern lint` mentions it "
		       "as info, because it puts a proxy in their path.\n",
		.remedy = "Leave `mismatch` out, so that a request whose header differs does not "
			  "match, or write `LOG`.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /orders\n"
				"                headerMatches:\n"
				"                  - name: X-Team\n"
				"                    value: shop\n"
				"                    mismatch: REPLACE\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n"
				 "                headerMatches:\n"
				 "                  - name: X-Team\n"
				 "                    value: shop\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-tls",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "TLS termination is not enforced yet",
		.why = "`terminatingTLS` and `originatingTLS` make Cilium's proxy decrypt the "
		       "connection with a certificate of its own, judge the requests, and "
		       "encrypt again. postern does not decrypt: it would judge bytes that it "
		       "cannot read.\n" PST_LINT_CLOSED,
		.remedy = "Judge the requests where they are in clear text, or allow the port "
			  "without HTTP rules.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toEntities:\n"
				"        - world\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          terminatingTLS:\n"
				"            secret:\n"
				"              name: inspection\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - world\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-server-names",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "serverNames is not enforced yet",
		.why = "`serverNames` allows TLS connections by the name that the client asks "
		       "for (SNI). postern does not look into the TLS handshake.\n" PST_LINT_CLOSED,
		.remedy = "Restrict the peers in another way, or leave such rules to Cilium.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toEntities:\n"
				"        - world\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          serverNames:\n"
				"            - api.example.com\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - world\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-listener",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "custom listeners are not enforced yet",
		.why = "`listener` hands the connection to an Envoy listener of a "
		       "CiliumEnvoyConfig, which decides by rules of its own. postern does not "
		       "know those rules.\n" PST_LINT_CLOSED,
		.remedy = "Leave such rules to Cilium: put them into a file that postern does not "
			  "compile.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toEntities:\n"
				"        - world\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              name: filter\n"
				"            name: outbound\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - world\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-kafka",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "Kafka rules are not enforced",
		.why = "`rules.kafka` judges Kafka messages by role, topic and key. Cilium had "
		       "it up to 1.19. postern judges HTTP.\n" PST_LINT_CLOSED,
		.remedy = "Allow the port without rules, and leave topics to the broker's own "
			  "access lists.",
		.cilium = "accepts it up to 1.19; removed in 1.20",
		.cilium_minor = 19,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"9092\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            kafka:\n"
				"              - role: produce\n"
				"                topic: orders\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"9092\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-l7proto",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "generic L7 rules are not enforced",
		.why = "`l7proto` and `l7` hand the traffic to a parser that is built into "
		       "Cilium's proxy. Cilium had them up to 1.19. postern judges HTTP.\n" PST_LINT_CLOSED,
		.remedy = "Allow the port without rules, or use HTTP rules where it is HTTP.",
		.cilium = "accepts it up to 1.19; removed in 1.20",
		.cilium_minor = 19,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"9042\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            l7proto: cassandra\n"
				"            l7:\n"
				"              - query_action: select\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"9042\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_support_l7 = PST_LINT_RULES(rows);
