// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

/* Two policies of which one reads names, and one requests, on the same port. */
#define OVERLAP(label_a, label_b)                       \
	PST_CNP "spec:\n"                               \
		"  endpointSelector:\n"                 \
		"    matchLabels:\n"                    \
		"      " label_a "\n"                   \
		"  egress:\n"                           \
		"    - toPorts:\n"                      \
		"        - ports:\n"                    \
		"            - port: \"53\"\n"          \
		"              protocol: TCP\n"         \
		"          rules:\n"                    \
		"            dns:\n"                    \
		"              - matchPattern: \"*\"\n" \
		"---\n"                                 \
		"apiVersion: cilium.io/v2\n"            \
		"kind: CiliumNetworkPolicy\n"           \
		"metadata:\n"                           \
		"  name: second\n"                      \
		"spec:\n"                               \
		"  endpointSelector:\n"                 \
		"    matchLabels:\n"                    \
		"      " label_b "\n"                   \
		"  egress:\n"                           \
		"    - toPorts:\n"                      \
		"        - ports:\n"                    \
		"            - port: \"53\"\n"          \
		"              protocol: TCP\n"         \
		"          rules:\n"                    \
		"            http:\n"                   \
		"              - method: GET\n"

static const struct pst_lint_rule rows[] = {
	{
		.id = "conflict-l7",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "rules that want different readers for one connection",
		.why = "Cilium merges the rules of an endpoint that have the same peers and "
		       "port. HTTP rules, DNS rules, TLS without HTTP rules and a custom "
		       "listener each want the connection read in another way, and only one of "
		       "them can have it. Both policies are accepted; then resolving fails, "
		       "and every endpoint that both select keeps the state it had.\n"
		       "Where the ranges of ports only overlap, the more specific rule wins, "
		       "and the finding is a warning. In postern the flows that both match are "
		       "denied.\n",
		.remedy = "Put the rules on different ports, or on peers that are written "
			  "differently, or drop one.",
		.cilium = "merge: \"cannot merge conflicting L7 parsers\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            dns:\n"
				"              - matchPattern: \"*\"\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - method: GET\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            dns:\n"
				 "              - matchPattern: \"*\"\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - method: GET\n",
		.since = "0.1",
	},
	{
		.id = "conflict-terminating-tls",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "rules that want two terminatingTLS contexts for one port",
		.why = "A connection is decrypted with one certificate. Two rules for the same "
		       "peers and port that name different secrets cannot both be met; Cilium "
		       "finds out when it resolves the policies of an endpoint, and keeps the "
		       "state it had.\n",
		.remedy = "Use one secret, or other ports or peers.",
		.cilium = "merge: \"cannot merge conflicting terminating TLS contexts\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          terminatingTLS:\n"
				"            secret:\n"
				"              name: inspection\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          terminatingTLS:\n"
				"            secret:\n"
				"              name: audit\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          terminatingTLS:\n"
				 "            secret:\n"
				 "              name: inspection\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8443\"\n"
				 "              protocol: TCP\n"
				 "          terminatingTLS:\n"
				 "            secret:\n"
				 "              name: audit\n",
		.since = "0.1",
	},
	{
		.id = "conflict-originating-tls",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "rules that want two originatingTLS contexts for one port",
		.why = "A connection is encrypted again with one set of keys. Two rules for "
		       "the same peers and port that name different ones cannot both be met; "
		       "Cilium finds out when it resolves the policies of an endpoint, and "
		       "keeps the state it had.\n",
		.remedy = "Use one secret, or other ports or peers.",
		.cilium = "merge: \"cannot merge conflicting originating TLS contexts\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          originatingTLS:\n"
				"            secret:\n"
				"              name: upstream\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          originatingTLS:\n"
				"            secret:\n"
				"              name: partner\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          originatingTLS:\n"
				 "            secret:\n"
				 "              name: upstream\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          originatingTLS:\n"
				 "            secret:\n"
				 "              name: upstream\n",
		.since = "0.1",
	},
	{
		.id = "conflict-authentication",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "rules that want two authentication modes for one port",
		.why = "Whether the peers of a port must prove who they are has one answer. "
		       "Two rules for the same peers and port with different modes cannot both "
		       "be met; Cilium finds out when it resolves the policies of an endpoint, "
		       "and keeps the state it had. A rule without the section takes the mode "
		       "of the others.\n",
		.remedy = "Write one mode, or leave the section out of one rule.",
		.cilium = "merge: \"cannot merge conflicting authentication types\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"      authentication:\n"
				"        mode: required\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"      authentication:\n"
				"        mode: disabled\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "      authentication:\n"
				 "        mode: required\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: job\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "      authentication:\n"
				 "        mode: disabled\n",
		.since = "0.1",
	},
	{
		.id = "conflict-listener",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "rules that want two listeners of the same priority for one port",
		.why = "A connection goes to one listener. Where rules for the same peers and "
		       "port name different ones, the priority decides; with equal priorities "
		       "nothing does. Cilium finds out when it resolves the policies of an "
		       "endpoint, and keeps the state it had.\n",
		.remedy = "Give the listeners different priorities; the lower number wins.",
		.cilium = "merge: \"cannot merge conflicting CiliumEnvoyConfig Listeners ... with "
			  "the same priority\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              name: filter\n"
				"            name: outbound\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              name: filter\n"
				"            name: audit\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          listener:\n"
				 "            envoyConfig:\n"
				 "              name: filter\n"
				 "            name: outbound\n"
				 "            priority: 1\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          listener:\n"
				 "            envoyConfig:\n"
				 "              name: filter\n"
				 "            name: audit\n"
				 "            priority: 2\n",
		.since = "0.1",
	},
	{
		.id = "conflict-server-names",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "server names and L7 rules for one port, without TLS termination",
		.why = "One rule allows TLS by the name that the client asks for, another "
		       "judges requests on the same peers and port. Without `terminatingTLS` "
		       "the requests are encrypted and cannot be judged; Cilium finds out when "
		       "it resolves the policies of an endpoint, and keeps the state it had.\n",
		.remedy = "Put them on different ports, or terminate TLS in the rule with the "
			  "names.",
		.cilium = "merge: \"cannot merge L7 rules for cached selector ... with SNI "
			  "filtering without TLS termination\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          serverNames:\n"
				"            - api.example.com\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - method: GET\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          serverNames:\n"
				 "            - api.example.com\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - method: GET\n",
		.since = "0.1",
	},
	{
		.id = "conflict-overlap",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_POLICY,
		.title = "rules that conflict for an endpoint that both select",
		.why = "As the other conflicts, between two rules whose subjects overlap without "
		       "one being a part of the other: nothing keeps an endpoint from having the "
		       "labels of both. Then Cilium cannot resolve its policy, and postern denies "
		       "what both rules mean, also where a third rule allows it.\n"
		       "Files alone cannot tell whether there is such an endpoint. `postern "
		       "compile` with an inventory looks there, and names one for which it "
		       "holds.\n",
		.remedy = "Put the rules on different ports, or on peers that are written "
			  "differently, or make the subjects exclude each other.",
		.cilium = "merge: \"cannot merge conflicting ...\", for such an endpoint",
		.bad = OVERLAP("app: api", "tier: backend"),
		.good = OVERLAP("app: api", "app: backend"),
		.since = "0.1",
	},
	{
		.id = "conflict-limit",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_POLICY,
		.title = "not all rules were searched for conflicts",
		.why = "Conflicts are between two rules, and the work of comparing is bounded, "
		       "so that no set of files can keep a reader busy. Here the bound was "
		       "reached: there may be conflicts that are not reported.\n",
		.remedy = "Check fewer files at once, namespace by namespace.",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_conflicts = PST_LINT_RULES(rows);
