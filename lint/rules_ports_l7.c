// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "secret-name-missing",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a secret without a name",
		.why = "A `secret` needs the name of a Kubernetes Secret; the namespace may be "
		       "left out.\n",
		.remedy = "Add the name.",
		.cilium = "sanitize: \"Secret name missing\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          terminatingTLS:\n"
				"            secret:\n"
				"              namespace: shop\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          terminatingTLS:\n"
				 "            secret:\n"
				 "              name: inspection\n"
				 "              namespace: shop\n",
		.since = "0.1",
	},
	{
		.id = "tls-secret-missing",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a TLS context without a secret",
		.why = "`terminatingTLS` and `originatingTLS` take their keys and certificates "
		       "from a Secret. Names of the parts inside of it are not enough.\n",
		.remedy = "Add `secret`.",
		.cilium = "schema: the field is required",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          originatingTLS:\n"
				"            trustedCA: ca.crt\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          originatingTLS:\n"
				 "            secret:\n"
				 "              name: upstream\n"
				 "            trustedCA: ca.crt\n",
		.since = "0.1",
	},
	{
		.id = "server-names-empty",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "an empty list of server names",
		.why = "An empty list might mean that every name is allowed, or none. Cilium "
		       "refuses it.\n",
		.remedy = "Name the servers, or leave the field out.",
		.cilium = "schema: at least one element is needed",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          serverNames: []\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          serverNames:\n"
				 "            - api.example.com\n",
		.since = "0.1",
	},
	{
		.id = "server-name-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "not a server name",
		.why = "A server name has letters, digits, `-`, `_`, single dots, and since "
		       "1.18 `*`; it is not empty and has at most 255 characters. Schemes, "
		       "ports and paths are no part of what a TLS client sends.\n",
		.remedy = "Write the host name alone.",
		.cilium = "schema or sanitize: \"empty server name is not allowed\", or the name "
			  "does not match",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          serverNames:\n"
				"            - api.example.com:443\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          serverNames:\n"
				 "            - api.example.com\n",
		.since = "0.1",
	},
	{
		.id = "server-name-wildcard",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_PORTS,
		.title = "a wildcard in a server name, before Cilium 1.18",
		.why = "Before 1.18 a server name is compared as it is written: `*` is a "
		       "character like others, which no client sends. The rule allows nothing.\n",
		.remedy = "Write the names out, or upgrade.",
		.cilium = "accepts it; before 1.18 it matches nothing",
		.cilium_minor = 17,
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          serverNames:\n"
				"            - \"*.example.com\"\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          serverNames:\n"
				 "            - api.example.com\n",
		.since = "0.1",
	},
	{
		.id = "server-names-need-tls",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "server names beside L7 rules, without TLS termination",
		.why = "Server names are of TLS, and what runs inside TLS is encrypted: HTTP "
		       "rules beside them can only be judged when the proxy decrypts.\n",
		.remedy = "Add `terminatingTLS`, or keep either the names or the rules.",
		.cilium = "sanitize: \"ServerNames are not allowed with L7 rules without TLS "
			  "termination\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n"
				"          serverNames:\n"
				"            - api.example.com\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /orders\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"443\"\n"
				 "              protocol: TCP\n"
				 "          terminatingTLS:\n"
				 "            secret:\n"
				 "              name: inspection\n"
				 "          serverNames:\n"
				 "            - api.example.com\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n",
		.since = "0.1",
	},
	{
		.id = "listener-on-ingress",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a custom listener in an ingress rule",
		.why = "`listener` hands connections that leave the pod to a listener of "
		       "Cilium's proxy. There is no such thing for connections that come in.\n",
		.remedy = "Move the rule to the egress of the client.",
		.cilium = "sanitize: \"Listener is not allowed on ingress\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              name: filter\n"
				"            name: inbound\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          listener:\n"
				 "            envoyConfig:\n"
				 "              name: filter\n"
				 "            name: outbound\n",
		.since = "0.1",
	},
	{
		.id = "listener-with-l7",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a custom listener beside L7 rules",
		.why = "The listener decides instead of Cilium's own rules: HTTP or DNS rules "
		       "beside it would never be asked.\n",
		.remedy = "Keep the listener or the rules.",
		.cilium = "sanitize: \"Listener is not allowed with L7 rules\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              name: filter\n"
				"            name: outbound\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /orders\n",
		.good = PST_SPEC "  egress:\n"
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
		.id = "listener-kind",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "an envoyConfig of a kind that does not exist",
		.why = "A listener stands in a `CiliumEnvoyConfig` or a "
		       "`CiliumClusterwideEnvoyConfig`. Without a kind it is looked for in the "
		       "one that fits the policy.\n",
		.remedy = "Write one of the two, or leave the kind out.",
		.cilium = "schema: unsupported value",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              kind: EnvoyConfig\n"
				"              name: filter\n"
				"            name: outbound\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          listener:\n"
				 "            envoyConfig:\n"
				 "              kind: CiliumEnvoyConfig\n"
				 "              name: filter\n"
				 "            name: outbound\n",
		.since = "0.1",
	},
	{
		.id = "listener-name-missing",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a listener or its envoyConfig with an empty name",
		.why = "The listener is found by two names: that of the envoyConfig object and "
		       "its own in it. Neither may be empty.\n",
		.remedy = "Add the name.",
		.cilium = "schema: the name is too short",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              name: filter\n"
				"            name: \"\"\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          listener:\n"
				 "            envoyConfig:\n"
				 "              name: filter\n"
				 "            name: outbound\n",
		.since = "0.1",
	},
	{
		.id = "listener-namespaced",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a clusterwide policy with a listener of a namespace",
		.why = "A CiliumClusterwideNetworkPolicy has no namespace in which a "
		       "`CiliumEnvoyConfig` could be looked for.\n",
		.remedy = "Use a `CiliumClusterwideEnvoyConfig`.",
		.cilium = "sanitize or translation: a clusterwide policy may not name a "
			  "namespaced CiliumEnvoyConfig",
		.bad = PST_CCNP "spec:\n"
				"  endpointSelector: {}\n"
				"  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              kind: CiliumEnvoyConfig\n"
				"              name: filter\n"
				"            name: outbound\n",
		.good = PST_CCNP "spec:\n"
				 "  endpointSelector: {}\n"
				 "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          listener:\n"
				 "            envoyConfig:\n"
				 "              kind: CiliumClusterwideEnvoyConfig\n"
				 "              name: filter\n"
				 "            name: outbound\n",
		.since = "0.1",
	},
	{
		.id = "listener-priority",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a listener priority outside of 1 to 100",
		.why = "Where several rules send the same traffic to different listeners, the "
		       "lower number wins. Cilium takes 1 to 100; to have no priority, leave "
		       "the field out.\n",
		.remedy = "Write a number from 1 to 100.",
		.cilium = "schema: the value is out of range",
		.bad = PST_SPEC "  egress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          listener:\n"
				"            envoyConfig:\n"
				"              name: filter\n"
				"            name: outbound\n"
				"            priority: 0\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          listener:\n"
				 "            envoyConfig:\n"
				 "              name: filter\n"
				 "            name: outbound\n"
				 "            priority: 1\n",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_ports_l7 = PST_LINT_RULES(rows);
