// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "label-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "a label key or value that Kubernetes does not take",
		.why = "A key is `[source:][dns.name/]name`; names and values have letters, "
		       "digits, `-`, `_` and `.`, at most 63 of them, and begin and end with a "
		       "letter or digit. No pod can carry another label, so a selector with it "
		       "is a mistake and not a selector of nobody.\n",
		.remedy = "Correct the spelling; patterns are not possible in labels.",
		.cilium = "sanitize: \"invalid label selector\"; for metadata, the API server "
			  "refuses it",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: \"web*\"\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n",
		.since = "0.1",
	},
	{
		.id = "label-operator",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an operator of matchExpressions that does not exist",
		.why = "The operators are `In`, `NotIn`, `Exists` and `DoesNotExist`, spelt "
		       "exactly so. There are no comparisons and no patterns.\n",
		.remedy = "Write one of the four operators.",
		.cilium = "sanitize: \"invalid label selector\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchExpressions:\n"
				"            - key: app\n"
				"              operator: in\n"
				"              values:\n"
				"                - web\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchExpressions:\n"
				 "            - key: app\n"
				 "              operator: In\n"
				 "              values:\n"
				 "                - web\n",
		.since = "0.1",
	},
	{
		.id = "label-values",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an operator with values it does not take, or without those it needs",
		.why = "`In` and `NotIn` compare with a list of values, which must not be "
		       "empty; `Exists` and `DoesNotExist` ask for the key alone and take "
		       "none. Either mistake would turn the requirement into another one.\n",
		.remedy = "Add the values, or take them away.",
		.cilium = "sanitize: \"invalid label selector\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchExpressions:\n"
				"            - key: app\n"
				"              operator: In\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchExpressions:\n"
				 "            - key: app\n"
				 "              operator: Exists\n",
		.since = "0.1",
	},
	{
		.id = "unknown-entity",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an entity that does not exist",
		.why = "Entities are a fixed list: `all`, `world`, `cluster`, `cluster-mesh`, "
		       "`host`, `remote-node`, `kube-apiserver`, `ingress`, `health`, `init`, "
		       "`unmanaged` and `none`. `world-ipv4` and `world-ipv6` are known to the "
		       "agent and refused by the schema.\n",
		.remedy = "Write one of the entities, or a selector.",
		.cilium = "schema or sanitize: \"unsupported entity\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEntities:\n"
				"        - internet\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - world\n",
		.since = "0.1",
	},
	{
		.id = "two-peer-kinds",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "two kinds of peers in one rule",
		.why = "A rule names its peers in one way: by endpoints, entities, CIDRs, "
		       "nodes, groups, services or DNS names. Two members with elements might "
		       "be meant as \"both\" or as \"either\"; Cilium knows neither.\n",
		.remedy = "Write two rules. A rule is an element of the list: it begins with `-`.",
		.cilium = "sanitize: \"combining X and Y is not supported yet\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"      fromEntities:\n"
				"        - host\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "    - fromEntities:\n"
				 "        - host\n",
		.since = "0.1",
	},
	{
		.id = "cidr-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "not a prefix",
		.why = "A CIDR is an address and a length: `10.0.0.0/8`, `2001:db8::/32`. "
		       "Masks such as `/255.0.0.0`, ranges and names are none, and each number "
		       "of an IPv4 address is decimal.\n",
		.remedy = "Write the prefix with its length.",
		.cilium = "schema or sanitize: \"unable to parse CIDR\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDR:\n"
				"        - 10.0.0.0/255.0.0.0\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDR:\n"
				 "        - 10.0.0.0/8\n",
		.since = "0.1",
	},
	{
		.id = "cidr-bare-ip",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an address where a prefix is needed",
		.why = "Cilium 1.20 wants the length in every CIDR. A bare address was taken "
		       "by older versions in some places; after an upgrade the whole rule is "
		       "refused.\n",
		.remedy = "Add `/32` (IPv4) or `/128` (IPv6).",
		.cilium = "sanitize: \"unable to parse CIDR\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDR:\n"
				"        - 192.0.2.7\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDR:\n"
				 "        - 192.0.2.7/32\n",
		.since = "0.1",
	},
	{
		.id = "cidr-host-bits",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_PEERS,
		.title = "a prefix with bits behind its length",
		.why = "The length says how many bits count; the others are cut off without a "
		       "word. `10.1.2.3/8` is `10.0.0.0/8`: the author may have meant a single "
		       "host.\n",
		.remedy = "Write the bits behind the length as 0, or correct the length.",
		.cilium = "accepts it and masks the address",
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDR:\n"
				"        - 10.1.2.3/8\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDR:\n"
				 "        - 10.0.0.0/8\n",
		.since = "0.1",
	},
	{
		.id = "cidr-set-none",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an element of a CIDR set that names nothing",
		.why = "An element of `fromCIDRSet` or `toCIDRSet` names one thing: a `cidr`, "
		       "a `cidrGroupRef` or a `cidrGroupSelector`. Exceptions alone are "
		       "exceptions from nothing.\n",
		.remedy = "Add the prefix or the group.",
		.cilium = "sanitize: \"one of cidr, cidrGroupRef, or cidrGroupSelector is "
			  "required\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDRSet:\n"
				"        - except:\n"
				"            - 10.96.0.0/12\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDRSet:\n"
				 "        - cidr: 10.0.0.0/8\n"
				 "          except:\n"
				 "            - 10.96.0.0/12\n",
		.since = "0.1",
	},
	{
		.id = "cidr-set-two",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an element of a CIDR set that names several things",
		.why = "An element of `fromCIDRSet` or `toCIDRSet` is a `cidr`, a "
		       "`cidrGroupRef` or a `cidrGroupSelector`, not several of them: it would "
		       "not be clear to which the exceptions belong.\n",
		.remedy = "Write one element for each.",
		.cilium = "sanitize: \"more than one of cidr, cidrGroupRef, or cidrGroupSelector "
			  "may not be set\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDRSet:\n"
				"        - cidr: 10.0.0.0/8\n"
				"          cidrGroupRef: partners\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDRSet:\n"
				 "        - cidr: 10.0.0.0/8\n"
				 "        - cidrGroupRef: partners\n",
		.since = "0.1",
	},
	{
		.id = "cidr-except-outside",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an exception outside of its prefix",
		.why = "Each exception must lie inside the prefix that it narrows and be of "
		       "the same family. One that does not changes nothing, and the author "
		       "believes that it does.\n",
		.remedy = "Correct the exception or the prefix.",
		.cilium = "sanitize: \"allow CIDR prefix ... does not contain exclude CIDR prefix "
			  "...\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDRSet:\n"
				"        - cidr: 10.0.0.0/8\n"
				"          except:\n"
				"            - 192.168.0.0/16\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDRSet:\n"
				 "        - cidr: 10.0.0.0/8\n"
				 "          except:\n"
				 "            - 10.96.0.0/12\n",
		.since = "0.1",
	},
	{
		.id = "cidr-except-all",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_PEERS,
		.title = "an exception that leaves nothing of its prefix",
		.why = "The exception is as wide as the prefix, so the element stands for no "
		       "address at all. In an allow rule that allows nothing, in a deny rule "
		       "it denies nothing.\n",
		.remedy = "Narrow the exception, or take the element out.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDRSet:\n"
				"        - cidr: 10.0.0.0/8\n"
				"          except:\n"
				"            - 10.0.0.0/8\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDRSet:\n"
				 "        - cidr: 10.0.0.0/8\n"
				 "          except:\n"
				 "            - 10.0.0.0/9\n",
		.since = "0.1",
	},
	{
		.id = "nodes-need-flag",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "peers by node label without the option that they need",
		.why = "Cilium takes `fromNodes` and `toNodes` only when its agents run with "
		       "`enable-node-selector-labels`, which is off by default. Without it the "
		       "policy is stored and not enforced.\n",
		.remedy = "Turn the option on and tell the linter so, or use the entities `host` "
			  "and `remote-node`.",
		.cilium = "sanitize: \"FromNodes/ToNodes rules can only be applied when the ... "
			  "flag is set\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromNodes:\n"
				"        - matchLabels:\n"
				"            role: gateway\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - remote-node\n",
		.since = "0.1",
	},
	{
		.id = "service-none",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an element of toServices that names no service",
		.why = "An element of `toServices` has `k8sService` (a name) or "
		       "`k8sServiceSelector` (labels of Services). With neither it is not "
		       "known who is meant.\n",
		.remedy = "Add one of the two.",
		.cilium = "accepts it; it selects nobody",
		.bad = PST_SPEC "  egress:\n"
				"    - toServices:\n"
				"        - {}\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toServices:\n"
				 "        - k8sService:\n"
				 "            serviceName: orders\n",
		.since = "0.1",
	},
	{
		.id = "service-both",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an element of toServices by name and by selector",
		.why = "An element of `toServices` has `k8sService` or `k8sServiceSelector`. "
		       "With both it is not clear whether the service must fit both or either.\n",
		.remedy = "Write two elements.",
		.cilium = "accepts it in some versions; what it selects depends on the version",
		.bad = PST_SPEC "  egress:\n"
				"    - toServices:\n"
				"        - k8sService:\n"
				"            serviceName: orders\n"
				"          k8sServiceSelector:\n"
				"            selector:\n"
				"              matchLabels:\n"
				"                tier: back\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toServices:\n"
				 "        - k8sService:\n"
				 "            serviceName: orders\n"
				 "        - k8sServiceSelector:\n"
				 "            selector:\n"
				 "              matchLabels:\n"
				 "                tier: back\n",
		.since = "0.1",
	},
	{
		.id = "services-with-ports",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "toServices with toPorts, in a version that refuses it",
		.why = "Older versions of Cilium refuse a rule that has `toServices` and "
		       "`toPorts`: they allow a service on all its ports or not at all.\n",
		.remedy = "Select the pods of the service by `toEndpoints`, with the port of the "
			  "pods.",
		.cilium = "sanitize: \"combining ToServices and ToPorts is not supported yet\"",
		.cilium_minor = 16,
		.bad = PST_SPEC "  egress:\n"
				"    - toServices:\n"
				"        - k8sService:\n"
				"            serviceName: orders\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"8080\"\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: orders\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8080\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "group-empty",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_PEERS,
		.title = "a cloud group without any condition",
		.why = "Nothing tells which instances are meant. A group that resolves to "
		       "nothing has once been taken for \"everybody\" (CVE-2025-64715); in "
		       "postern an empty set is nobody.\n",
		.remedy = "Add labels, a region or security groups, or take the element out.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toGroups:\n"
				"        - aws: {}\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toGroups:\n"
				 "        - aws:\n"
				 "            region: eu-central-1\n",
		.since = "0.1",
	},
	{
		.id = "fqdn-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "not a DNS name or pattern",
		.why = "A name has letters, digits, `-`, `_` and single dots; a pattern has "
		       "`*` besides, for any characters but a dot. At most 255 characters. A "
		       "URL, a port or a blank is no part of a name.\n",
		.remedy = "Write the name alone: no scheme, no port, no path.",
		.cilium = "schema or sanitize: invalid characters in matchName or matchPattern",
		.bad = PST_SPEC "  egress:\n"
				"    - toFQDNs:\n"
				"        - matchName: https://api.example.com\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toFQDNs:\n"
				 "        - matchName: api.example.com\n",
		.since = "0.1",
	},
	{
		.id = "fqdn-both",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "a DNS name and a pattern in one element",
		.why = "An element is a `matchName` or a `matchPattern`. With both it is not "
		       "clear whether a name must fit both or either.\n",
		.remedy = "Write two elements.",
		.cilium = "sanitize: \"only one of MatchName or MatchPattern is allowed in an "
			  "FQDNSelector\"",
		.bad = PST_SPEC "  egress:\n"
				"    - toFQDNs:\n"
				"        - matchName: api.example.com\n"
				"          matchPattern: \"*.example.com\"\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toFQDNs:\n"
				 "        - matchName: api.example.com\n"
				 "        - matchPattern: \"*.example.com\"\n",
		.since = "0.1",
	},
	{
		.id = "fqdn-empty",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "an element of DNS names that names nothing",
		.why = "An element is a `matchName` or a `matchPattern`. With neither it might "
		       "be read as no name or as every name.\n",
		.remedy = "Name what is meant; every name is `matchPattern: \"*\"`.",
		.cilium = "schema or sanitize: one of the two is needed",
		.bad = PST_SPEC "  egress:\n"
				"    - toFQDNs:\n"
				"        - {}\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toFQDNs:\n"
				 "        - matchPattern: \"*\"\n",
		.since = "0.1",
	},
	{
		.id = "not-in-deny",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "a field that deny rules do not have",
		.why = "Deny rules know peers, ports and ICMP types. DNS names, "
		       "authentication, TLS, server names and listeners are for allow rules: a "
		       "deny that depends on them could not be decided when the first packet "
		       "comes.\n",
		.remedy = "Deny by addresses, labels or ports; or allow what may pass, and leave "
			  "the rest to default deny.",
		.cilium = "decode: deny rules have no such field",
		.bad = PST_SPEC "  egressDeny:\n"
				"    - toFQDNs:\n"
				"        - matchName: ads.example.com\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toFQDNs:\n"
				 "        - matchName: api.example.com\n",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_peers = PST_LINT_RULES(rows);
