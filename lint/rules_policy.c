// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "name-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "a name that Kubernetes does not take",
		.why = "Names of policies are DNS names: lower-case letters, digits, `-` and "
		       "`.`, at most 253 characters; namespaces have no dots and at most 63. "
		       "The API server refuses every other name, so such a policy never comes "
		       "into force.\n",
		.remedy = "Write the name in lower case, with `-` in place of other signs.",
		.cilium = "schema: the API server refuses the object",
		.bad = "apiVersion: cilium.io/v2\n"
		       "kind: CiliumNetworkPolicy\n"
		       "metadata:\n"
		       "  name: API_policy\n"
		       "spec:\n"
		       "  endpointSelector: {}\n"
		       "  ingress:\n"
		       "    - {}\n",
		.good = "apiVersion: cilium.io/v2\n"
			"kind: CiliumNetworkPolicy\n"
			"metadata:\n"
			"  name: api-policy\n"
			"spec:\n"
			"  endpointSelector: {}\n"
			"  ingress:\n"
			"    - {}\n",
		.since = "0.1",
	},
	{
		.id = "no-spec",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "a policy without spec and specs",
		.why = "A policy says what it means in `spec`, in a list `specs`, or in both. "
		       "With neither it has no rule at all, and Cilium refuses it.\n",
		.remedy = "Write `spec`.",
		.cilium = "sanitize: the policy is empty (ErrEmptyCNP, ErrEmptyCCNP)",
		.bad = PST_CNP,
		.good = PST_CNP "spec:\n"
				"  endpointSelector: {}\n"
				"  ingress:\n"
				"    - {}\n",
		.since = "0.1",
	},
	{
		.id = "no-sections",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "a policy without any rule in its sections",
		.why = "Since 1.18 Cilium wants at least one of `ingress`, `ingressDeny`, "
		       "`egress` and `egressDeny` to have an element. `ingress: []` looks like "
		       "\"allow nothing\" and is refused; `egress:` with nothing behind it is "
		       "the same as no section.\n"
		       "A list with an empty rule, `[{}]`, is how default deny is written: it "
		       "allows nobody and turns the direction on.\n",
		.remedy = "Write `ingress: [{}]` to let nobody in, `egress: [{}]` to let nothing "
			  "out.",
		.cilium = "sanitize (1.18 and later): \"rule must have at least one of Ingress, "
			  "IngressDeny, Egress, EgressDeny\"",
		.bad = PST_SPEC "  ingress: []\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - {}\n",
		.since = "0.1",
	},
	{
		.id = "node-selector",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "nodeSelector in a CiliumNetworkPolicy",
		.why = "`nodeSelector` selects nodes, which belong to no namespace. Only a "
		       "CiliumClusterwideNetworkPolicy can have one.\n",
		.remedy = "Write `endpointSelector` for pods, or make it a "
			  "CiliumClusterwideNetworkPolicy.",
		.cilium = "sanitize: \"rule cannot have NodeSelector\"",
		.bad = PST_CNP "spec:\n"
			       "  nodeSelector:\n"
			       "    matchLabels:\n"
			       "      role: gateway\n"
			       "  ingress:\n"
			       "    - fromEntities:\n"
			       "        - cluster\n",
		.good = PST_CCNP "spec:\n"
				 "  nodeSelector:\n"
				 "    matchLabels:\n"
				 "      role: gateway\n"
				 "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - cluster\n",
		.since = "0.1",
	},
	{
		.id = "same-name",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_POLICY,
		.title = "two policies with the same name in one namespace",
		.why = "A cluster keeps one object of a kind, namespace and name: the one that "
		       "is applied later replaces the other. postern holds both in force, "
		       "because it cannot know which one is meant.\n",
		.remedy = "Give one of them another name, or remove what is not meant any more.",
		.cilium = "accepts it; the later one replaces the earlier one",
		.bad = PST_SPEC "  ingress:\n"
				"    - {}\n"
				"---\n" PST_SPEC "  egress:\n"
				"    - {}\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - {}\n"
				 "  egress:\n"
				 "    - {}\n",
		.since = "0.1",
	},
	{
		.id = "subject-namespace",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_POLICY,
		.title = "an endpointSelector that names another namespace",
		.why = "A CiliumNetworkPolicy selects endpoints of its own namespace only. A "
		       "requirement on the namespace label in `endpointSelector` is overruled: "
		       "the policy applies to pods with the other labels in its own namespace, "
		       "which may be nobody, or the wrong ones.\n",
		.remedy = "Set `metadata.namespace`, or write a CiliumClusterwideNetworkPolicy.",
		.cilium = "accepts it; the policy's namespace is put in its place, with a warning "
			  "in the agent's log",
		.bad = PST_CNP "spec:\n"
			       "  endpointSelector:\n"
			       "    matchLabels:\n"
			       "      app: api\n"
			       "      k8s:io.kubernetes.pod.namespace: shop\n"
			       "  ingress:\n"
			       "    - {}\n",
		.good = "apiVersion: cilium.io/v2\n"
			"kind: CiliumNetworkPolicy\n"
			"metadata:\n"
			"  name: api\n"
			"  namespace: shop\n"
			"spec:\n"
			"  endpointSelector:\n"
			"    matchLabels:\n"
			"      app: api\n"
			"  ingress:\n"
			"    - {}\n",
		.since = "0.1",
	},
	{
		.id = "subject-missing",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "a policy that selects nobody because it has no selector",
		.why = "Every rule says whom it is about: `endpointSelector`, or "
		       "`nodeSelector` in a CiliumClusterwideNetworkPolicy. `{}` selects all "
		       "endpoints; no selector at all is refused, since it might mean all or "
		       "nobody.\n",
		.remedy = "Write `endpointSelector`; `{}` for all endpoints of the namespace.",
		.cilium = "sanitize: \"rule must have one of EndpointSelector or NodeSelector\"",
		.bad = PST_CNP "spec:\n"
			       "  ingress:\n"
			       "    - fromEntities:\n"
			       "        - cluster\n",
		.good = PST_CNP "spec:\n"
				"  endpointSelector: {}\n"
				"  ingress:\n"
				"    - fromEntities:\n"
				"        - cluster\n",
		.since = "0.1",
	},
	{
		.id = "subject-both",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "endpointSelector and nodeSelector in one policy",
		.why = "A rule is about pods or about nodes, never about both.\n",
		.remedy = "Write two policies, or two elements of `specs`.",
		.cilium = "sanitize: \"rule cannot have both EndpointSelector and NodeSelector\"",
		.bad = PST_CCNP "spec:\n"
				"  endpointSelector: {}\n"
				"  nodeSelector: {}\n"
				"  ingress:\n"
				"    - fromEntities:\n"
				"        - cluster\n",
		.good = PST_CCNP "specs:\n"
				 "  - endpointSelector: {}\n"
				 "    ingress:\n"
				 "      - fromEntities:\n"
				 "          - cluster\n"
				 "  - nodeSelector: {}\n"
				 "    ingress:\n"
				 "      - fromEntities:\n"
				 "          - cluster\n",
		.since = "0.1",
	},
	{
		.id = "host-policy-l7",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "HTTP rules in a policy for nodes",
		.why = "Cilium judges requests of pods. A rule for nodes (`nodeSelector`) can "
		       "allow or deny ports; with HTTP rules the whole policy is refused, and "
		       "the host has less protection than its author believes.\n",
		.remedy = "Leave the rules out, or select the pods that serve the port.",
		.cilium = "sanitize: \"L7 policy is not supported on host ingress yet\"; \"L7 "
			  "protocol HTTP is not supported on host egress yet\"",
		.bad = PST_CCNP "spec:\n"
				"  nodeSelector: {}\n"
				"  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - method: GET\n",
		.good = PST_CCNP "spec:\n"
				 "  nodeSelector: {}\n"
				 "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "clusterwide-namespace",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_POLICY,
		.title = "a clusterwide policy with a namespace",
		.why = "A CiliumClusterwideNetworkPolicy belongs to no namespace: the API "
		       "server clears the field, and the policy applies to pods of all "
		       "namespaces. The author may have meant a CiliumNetworkPolicy.\n",
		.remedy = "Take the namespace out, or make it a CiliumNetworkPolicy.",
		.cilium = "accepts it and ignores the namespace",
		.bad = "apiVersion: cilium.io/v2\n"
		       "kind: CiliumClusterwideNetworkPolicy\n"
		       "metadata:\n"
		       "  name: api\n"
		       "  namespace: shop\n"
		       "spec:\n"
		       "  endpointSelector: {}\n"
		       "  ingress:\n"
		       "    - fromEntities:\n"
		       "        - cluster\n",
		.good = "apiVersion: cilium.io/v2\n"
			"kind: CiliumNetworkPolicy\n"
			"metadata:\n"
			"  name: api\n"
			"  namespace: shop\n"
			"spec:\n"
			"  endpointSelector: {}\n"
			"  ingress:\n"
			"    - fromEntities:\n"
			"        - cluster\n",
		.since = "0.1",
	},
	{
		.id = "log-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_POLICY,
		.title = "a log value that Cilium does not take",
		.why = "`log.value` is shown beside the flows that the rule decides: at most "
		       "32 characters, all of them printable.\n",
		.remedy = "Shorten it; `description` has no such limit.",
		.cilium = "schema: the value is too long, or does not match",
		.bad = PST_SPEC
		"  log:\n"
		"    value: all traffic of the shop's api, as agreed with its team\n"
		"  ingress:\n"
		"    - fromEntities:\n"
		"        - cluster\n",
		.good = PST_SPEC
		"  description: all traffic of the shop's api, as agreed with its team\n"
		"  log:\n"
		"    value: shop api\n"
		"  ingress:\n"
		"    - fromEntities:\n"
		"        - cluster\n",
		.since = "0.1",
	},
	{
		.id = "requires-deprecated",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_POLICY,
		.title = "fromRequires or toRequires, which Cilium gave up",
		.why = "The field is deprecated in this version of Cilium and gone in 1.19, "
		       "where the whole policy is refused.\n",
		.remedy = "Add the labels to each selector of the rules that they should "
			  "restrict.",
		.cilium = "accepts it up to 1.18; deprecated since 1.17",
		.cilium_minor = 17,
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

const struct pst_lint_rules pst_lint_rules_policy = PST_LINT_RULES(rows);
