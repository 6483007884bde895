// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

#include "policy/policy.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "unsupported-version",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_SUPPORT,
		.title = "an apiVersion of a policy that postern does not read",
		.why = "CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy are read as "
		       "cilium.io/v2, which is the version that Cilium 1.16 to 1.20 serves. "
		       "What fields of another version mean is not known here, so the document "
		       "is refused as a whole.\n",
		.remedy = "Write `apiVersion: cilium.io/v2`.",
		.cilium = "schema: the API server knows no such resource, unless another version "
			  "of Cilium's CRDs is installed",
		.bad = "apiVersion: cilium.io/v3\n"
		       "kind: CiliumNetworkPolicy\n"
		       "metadata:\n"
		       "  name: api\n"
		       "spec:\n"
		       "  endpointSelector: {}\n"
		       "  ingress:\n"
		       "    - {}\n",
		.good = PST_CNP "spec:\n"
				"  endpointSelector: {}\n"
				"  ingress:\n"
				"    - {}\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-host-policy",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "nodeSelector: a policy for nodes is not enforced yet",
		.why = "With `nodeSelector` a CiliumClusterwideNetworkPolicy is about the "
		       "nodes themselves (Cilium's host firewall), not about pods.\n"
		       "postern judges the traffic of pods only. `postern compile` refuses the "
		       "policy; `postern lint` mentions it as info, because Cilium accepts it.\n",
		.remedy = "Leave host policies to Cilium, or select the pods that are meant by "
			  "`endpointSelector`.",
		.cilium = "accepts it in a CiliumClusterwideNetworkPolicy",
		.bad = PST_CCNP "spec:\n"
				"  nodeSelector:\n"
				"    matchLabels:\n"
				"      role: gateway\n"
				"  ingress:\n"
				"    - fromEntities:\n"
				"        - cluster\n",
		.good = PST_CCNP "spec:\n"
				 "  endpointSelector:\n"
				 "    matchLabels:\n"
				 "      role: gateway\n"
				 "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - cluster\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-groups",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "peers by cloud group are not enforced yet",
		.why = "`fromGroups` and `toGroups` name instances of AWS by their labels, "
		       "region or security groups. Cilium's operator asks AWS for their "
		       "addresses; what it finds changes without a change of the policy.\n" PST_LINT_CLOSED,
		.remedy = "Name the peers by an entity, such as world, with the ports that are "
			  "needed.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toGroups:\n"
				"        - aws:\n"
				"            securityGroupsIds:\n"
				"              - sg-0123456789abcdef0\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"5432\"\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - world\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"5432\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-fqdn",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "peers by DNS name have the addresses that the inventory gives them",
		.why = "`toFQDNs` allows the addresses that Cilium's DNS proxy has seen in "
		       "answers for a name. It is a rule about addresses: two names with the "
		       "same address cannot be told apart.\n\n"
		       "postern does not see DNS answers. A name has the addresses of the "
		       "DNSEndpoint objects (`externaldns.k8s.io`) of the inventory; a name "
		       "without any is nobody, and the compiler says so (`name-unknown`).\n",
		.remedy = "Allow the entity `world` on the port that is needed and restrict the "
			  "host by an HTTP rule, where the traffic is HTTP.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toFQDNs:\n"
				"        - matchName: api.example.com\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - world\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - method: GET\n"
				 "                host: api\\.example\\.com\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-label-source",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "a selector on labels that stand for addresses, names or nodes",
		.why = "Labels of the sources `cidr`, `cidrgroup`, `fqdn` and `node` belong to "
		       "identities that Cilium makes from prefixes, DNS names and Node "
		       "objects. postern tells addresses apart by `toCIDR`, `toCIDRSet`, "
		       "`toFQDNs` and `toNodes` only, so such a requirement on an endpoint "
		       "would match nothing.\n" PST_LINT_CLOSED,
		.remedy = "Select pods by their own labels, addresses by `fromCIDRSet`, or use the "
			  "entity that is meant.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            cidr:203.0.113.0/24: \"\"\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - world\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-authentication",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "mutual authentication is not enforced yet",
		.why = "`authentication` asks Cilium to have both sides prove who they are "
		       "before the first packet passes. postern has no such proof: what the "
		       "rule allows is denied, also where another rule would allow it, since "
		       "Cilium asks for the proof there as well. `compile` and `posternd` "
		       "report it as an error unless `--accept` names it.\n",
		.remedy = "Leave the section out where `mode` is `disabled`; else leave such "
			  "policies to Cilium.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"      authentication:\n"
				"        mode: required\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-requires",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "fromRequires and toRequires are not enforced",
		.why = "They add labels that the peers of all other rules of the policy must "
		       "have as well. Cilium had them up to 1.18; without them the other rules "
		       "would allow more than was meant.\n" PST_LINT_CLOSED,
		.remedy = "Add the labels to each selector.",
		.cilium = "accepts it up to 1.18; removed in 1.19",
		.cilium_minor = 18,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromRequires:\n"
				"        - matchLabels:\n"
				"            env: prod\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "            env: prod\n",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_support = PST_LINT_RULES(rows);
