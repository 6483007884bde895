// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

#include "policy/policy.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "port-missing",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a port without a number or name",
		.why = "An element of `ports` needs `port`. Every port of a protocol is "
		       "written `\"0\"`; only protocols without ports (1.20, "
		       "`enable-extended-ip-protocols`) may leave it out.\n",
		.remedy = "Write the port, in quotes.",
		.cilium = "sanitize: \"port must be specified\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"0\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "port-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "not a port",
		.why = "A port is a decimal number in quotes, or the name of a container port: "
		       "at most 15 letters, digits and hyphens with at least one letter. A "
		       "range is written with `endPort`. A number with a leading zero is "
		       "octal, and 8 and 9 are no octal digits.\n",
		.remedy = "Write one number; for a range, `port` and `endPort`.",
		.cilium = "sanitize: \"unable to parse port\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"8000-8080\"\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8000\"\n"
				 "              endPort: 8080\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "port-range",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a port over 65535",
		.why = "Ports have 16 bits. A larger number is refused, not cut off.\n",
		.remedy = "Write a number from 1 to 65535; `\"0\"` is every port.",
		.cilium = "sanitize: \"unable to parse port\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80800\"\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8080\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "port-octal",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_PORTS,
		.title = "a port with a leading zero, which is octal",
		.why = "Cilium reads the number as Go does: with a leading zero it is octal. "
		       "`\"010\"` is port 8, not port 10.\n",
		.remedy = "Write the number without leading zeros.",
		.cilium = "accepts it as an octal number",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"0700\"\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"700\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "end-port-without-port",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a range that starts at port 0",
		.why = "Port 0 stands for every port, so it cannot begin a range: `port: \"0\"` "
		       "with `endPort: 1023` looks like a restriction to the low ports. What "
		       "is accepted there is every port or the range, depending on the reader.\n",
		.remedy = "Begin the range at 1, or leave `endPort` out.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"0\"\n"
				"              endPort: 1023\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"1\"\n"
				 "              endPort: 1023\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "end-port-ignored",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_PORTS,
		.title = "an endPort that has no effect",
		.why = "An `endPort` that is below its port, or stands behind a name, is "
		       "ignored: the rule is about the single port. Traffic of the range that "
		       "was meant is not allowed, or not denied.\n",
		.remedy = "Swap the two numbers, or leave `endPort` out.",
		.cilium = "accepts it and ignores endPort",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"8080\"\n"
				"              endPort: 8000\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8000\"\n"
				 "              endPort: 8080\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "ports-missing",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_PORTS,
		.title = "an entry of toPorts without ports",
		.why = "The entry is about no port at all: an allow rule with it allows "
		       "nothing, a deny rule denies nothing, and nobody says so. The HTTP "
		       "rules beside it are never asked.\n",
		.remedy = "Add the ports; leave `toPorts` out if all ports are meant.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - rules:\n"
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
		.id = "too-many-ports",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "more than 40 ports in one entry",
		.why = "Cilium takes at most 40 elements in one list of ports.\n",
		.remedy = "Use ranges, or write several entries of `toPorts`.",
		.cilium = "schema or sanitize: \"too many ports, the max is 40\"",
		.bad = PST_SPEC
		"  ingress:\n"
		"    - toPorts:\n"
		"        - ports: [{port: \"1\"}, {port: \"2\"}, {port: \"3\"}, {port: \"4\"}, {port: \"5\"}, {port: \"6\"},\n"
		"            {port: \"7\"}, {port: \"8\"}, {port: \"9\"}, {port: \"10\"}, {port: \"11\"}, {port: \"12\"},\n"
		"            {port: \"13\"}, {port: \"14\"}, {port: \"15\"}, {port: \"16\"}, {port: \"17\"}, {port: \"18\"},\n"
		"            {port: \"19\"}, {port: \"20\"}, {port: \"21\"}, {port: \"22\"}, {port: \"23\"}, {port: \"24\"},\n"
		"            {port: \"25\"}, {port: \"26\"}, {port: \"27\"}, {port: \"28\"}, {port: \"29\"}, {port: \"30\"},\n"
		"            {port: \"31\"}, {port: \"32\"}, {port: \"33\"}, {port: \"34\"}, {port: \"35\"}, {port: \"36\"},\n"
		"            {port: \"37\"}, {port: \"38\"}, {port: \"39\"}, {port: \"40\"}, {port: \"41\"}]\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports: [{port: \"1\", endPort: 41}]\n",
		.since = "0.1",
	},
	{
		.id = "unknown-protocol",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a protocol that does not exist",
		.why = "Protocols are `TCP`, `UDP`, `SCTP` and `ANY` (all three), in capitals; "
		       "Cilium 1.20 adds some without ports. ICMP has a member of its own, "
		       "`icmps`.\n",
		.remedy = "Write one of them.",
		.cilium = "schema or sanitize: \"invalid protocol\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: HTTP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "extended-protocol",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a protocol without ports, without the option that it needs",
		.why = "Cilium takes VRRP, IGMP, GRE, IPIP, IPV6, ESP and AH only when its "
		       "agents run with `enable-extended-ip-protocols`, which is off by "
		       "default. Without it the policy is stored and not enforced.\n",
		.remedy = "Turn the option on and tell the linter so, or leave the protocol out.",
		.cilium = "sanitize: the protocol is not enabled",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"0\"\n"
				"              protocol: GRE\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "protocol-with-port",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "a port beside a protocol that has none",
		.why = "VRRP, IGMP, GRE, IPIP, IPV6, ESP and AH have no ports. A number beside "
		       "them would look like a restriction.\n",
		.remedy = "Leave the port out, or write `\"0\"`.",
		.cilium = "sanitize: \"port must be empty or 0\"",
		.features = PST_FEATURE_EXTENDED_IP_PROTOCOLS,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"47\"\n"
				"              protocol: GRE\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"0\"\n"
				 "              protocol: GRE\n",
		.since = "0.1",
	},
	{
		.id = "icmp-with-ports",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "ICMP types and ports in one rule",
		.why = "ICMP has no ports. A rule is about ICMP types or about ports; both in "
		       "one rule are refused.\n",
		.remedy = "Write two rules.",
		.cilium = "sanitize: \"the ICMPs block may only be present without ToPorts\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - icmps:\n"
				"        - fields:\n"
				"            - type: 8\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - icmps:\n"
				 "        - fields:\n"
				 "            - type: 8\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "icmp-family",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "an ICMP family that does not exist",
		.why = "The family is `IPv4` (the default) or `IPv6`. It decides what the "
		       "type's number means: 8 is an echo request in one, nothing in the "
		       "other.\n",
		.remedy = "Write `IPv4` or `IPv6`.",
		.cilium = "schema or sanitize: \"wrong family\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - icmps:\n"
				"        - fields:\n"
				"            - family: ICMPv6\n"
				"              type: 128\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - icmps:\n"
				 "        - fields:\n"
				 "            - family: IPv6\n"
				 "              type: 128\n",
		.since = "0.1",
	},
	{
		.id = "icmp-type",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "an ICMP type that does not exist",
		.why = "The type is a number from 0 to 255, or one of Cilium's names in "
		       "CamelCase, such as `EchoRequest`, in the right family. One name, "
		       "`ExtendedEchoReply`, is refused by a mistake in Cilium's schema; its "
		       "number works.\n",
		.remedy = "Write the number, or the name as Cilium spells it.",
		.cilium = "schema or sanitize: \"ICMP type ... not found in ...\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - icmps:\n"
				"        - fields:\n"
				"            - type: Ping\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - icmps:\n"
				 "        - fields:\n"
				 "            - type: EchoRequest\n",
		.since = "0.1",
	},
	{
		.id = "icmp-too-many",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "more than 40 ICMP types in one list",
		.why = "Cilium takes at most 40 elements in one list of `fields`.\n",
		.remedy = "Write several elements of `icmps`.",
		.cilium = "schema or sanitize: too many fields",
		.bad = PST_SPEC
		"  ingress:\n"
		"    - icmps:\n"
		"        - fields: [{type: 0}, {type: 1}, {type: 2}, {type: 3}, {type: 4}, {type: 5}, {type: 6},\n"
		"            {type: 7}, {type: 8}, {type: 9}, {type: 10}, {type: 11}, {type: 12}, {type: 13},\n"
		"            {type: 14}, {type: 15}, {type: 16}, {type: 17}, {type: 18}, {type: 19}, {type: 20},\n"
		"            {type: 21}, {type: 22}, {type: 23}, {type: 24}, {type: 25}, {type: 26}, {type: 27},\n"
		"            {type: 28}, {type: 29}, {type: 30}, {type: 31}, {type: 32}, {type: 33}, {type: 34},\n"
		"            {type: 35}, {type: 36}, {type: 37}, {type: 38}, {type: 39}, {type: 40}]\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - icmps:\n"
				 "        - fields: [{type: 0}, {type: 8}]\n",
		.since = "0.1",
	},
	{
		.id = "auth-mode",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PORTS,
		.title = "an authentication mode that does not exist",
		.why = "The modes are `disabled`, `required` and `test-always-fail`. Another "
		       "word cannot be guessed to be one of them: the difference is whether "
		       "anybody must prove who they are.\n",
		.remedy = "Write one of the three.",
		.cilium = "schema: unsupported value",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"      authentication:\n"
				"        mode: enabled\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "      authentication:\n"
				 "        mode: required\n",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_ports = PST_LINT_RULES(rows);
