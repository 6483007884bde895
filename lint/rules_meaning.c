// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

#define ROW(id_, severity_) \
	.id = (id_), .severity = PST_SEVERITY_##severity_, .group = PST_LINT_MEANING, .since = "0.1"

#define ACCEPTS "accepts it"

/* Lookups of everything below spec.egress, through the DNS proxy. */
#define DNS_RULE                                                     \
	"    - toEndpoints:\n"                                       \
	"        - matchLabels:\n"                                   \
	"            k8s:io.kubernetes.pod.namespace: kube-system\n" \
	"            k8s-app: kube-dns\n"                            \
	"      toPorts:\n"                                           \
	"        - ports:\n"                                         \
	"            - port: \"53\"\n"                               \
	"          rules:\n"                                         \
	"            dns:\n"                                         \
	"              - matchPattern: '*.example'\n"

static const struct pst_lint_rule rows[] = {
	{
		ROW("http-shadowed", WARNING),
		.title = "HTTP rules that restrict nothing beside a rule without them",
		.why = "Allows unite. When one rule allows a peer on a port and does not "
		       "look at requests, every request of that peer passes there, "
		       "whatever HTTP rules other rules have. Cilium's documentation says "
		       "so, and it is the most frequent surprise with HTTP rules "
		       "(cilium/cilium#3509, #3697).\n"
		       "The finding names both places. It is only made where one rule "
		       "alone covers the peers and a port of the HTTP rules, for all of "
		       "their subjects: rules that do so only together, or for some of the "
		       "peers, are not found. Traffic from a pod's own node always passes "
		       "and is not considered, and pods are taken for pods of the own "
		       "cluster.\n",
		.remedy = "Give the other rule HTTP rules as well, take these peers or this "
			  "port out of it, or drop the HTTP rules.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /public\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /public\n",
	},
	{
		ROW("dns-shadowed", WARNING),
		.title = "DNS rules that restrict nothing beside a rule without them",
		.why = "Allows unite. When another rule allows the same servers on the "
		       "same port without DNS rules, every name may be looked up. Names "
		       "are still learned for toFQDNs.\n",
		.remedy = "Take the port out of the other rule, or drop the DNS rules.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n" DNS_RULE "    - toEntities:\n"
				"        - all\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n",
		.good = PST_SPEC "  egress:\n" DNS_RULE,
	},
	{
		ROW("allow-denied", WARNING),
		.title = "an allow rule that a deny rule cancels",
		.why = "Deny comes first, however specific an allow is. A deny rule of "
		       "this set reaches all peers and ports of this rule for all of its "
		       "subjects, so the rule allows nothing.\n",
		.remedy = "Narrow the deny rule, or drop the allow rule.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"  ingressDeny:\n"
				"    - fromEntities:\n"
				"        - all\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "  ingressDeny:\n"
				 "    - fromEntities:\n"
				 "        - world\n",
	},
	{
		ROW("two-entries-or", WARNING),
		.title = "peers and HTTP rules in two elements of a list, where one was meant",
		.why = "Elements of `ingress` and `egress` are alternatives. The first one "
		       "allows its peers on every port, without HTTP rules. The second has "
		       "no peers, so it allows its requests from everybody. An example of "
		       "Cilium's own had this mistake for years.\n",
		.remedy = "Leave out the `-` before `toPorts`.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /public\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /public\n",
	},
	{
		ROW("default-deny-off", WARNING),
		.title = "HTTP rules in a policy that does not enforce",
		.why = "With `enableDefaultDeny: false` a policy only adds to what others "
		       "enforce. When no policy puts the subject into default deny, "
		       "everything is allowed, and requests are seen but not refused. Up "
		       "to Cilium 1.17 requests that match no rule got 403 all the same "
		       "(cilium/cilium#38676).\n",
		.remedy = "Leave out enableDefaultDeny, or say with an ignore that the rules "
			  "are there to make requests visible.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  enableDefaultDeny:\n"
				"    ingress: false\n"
				"  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /public\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /public\n",
	},
	{
		ROW("fqdn-without-dns", WARNING),
		.title = "names in toFQDNs that never get addresses",
		.why = "toFQDNs selects the addresses that Cilium's DNS proxy has seen in "
		       "answers. Only lookups that a `dns` rule sends through the proxy "
		       "are seen. No policy of this set has such a rule for any of the "
		       "same endpoints: the names have no addresses, and the traffic is "
		       "dropped.\n",
		.remedy = "Add an egress rule to the cluster's DNS on port 53 with "
			  "`rules.dns`, or lint the policy that has it as well.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n"
				"    - toFQDNs:\n"
				"        - matchName: api.example\n",
		.good = PST_SPEC "  egress:\n" DNS_RULE "    - toFQDNs:\n"
				 "        - matchName: api.example\n",
	},
	{
		ROW("dns-port", INFO),
		.title = "DNS rules on another port than 53",
		.why = "DNS servers listen on port 53, in OpenShift on 5353. Lookups on "
		       "another port may not be DNS, and then they are dropped. Policy "
		       "sees the port of the backend, not that of the Service.\n",
		.remedy = "Check the port that the DNS pods listen on.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n"
				"    - toEntities:\n"
				"        - cluster\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"1053\"\n"
				"          rules:\n"
				"            dns:\n"
				"              - matchPattern: '*.example'\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - cluster\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "          rules:\n"
				 "            dns:\n"
				 "              - matchPattern: '*.example'\n",
	},
	{
		ROW("dns-any-name", INFO),
		.off = true,
		.title = "DNS rules that allow every name",
		.why = "Lookups of any name leave the cluster. Data can be smuggled out in "
		       "names, and the list of names in toFQDNs does not prevent that. For "
		       "toFQDNs alone it is enough to allow the names that it lists.\n",
		.remedy = "List the names that are looked up.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n"
				"    - toEntities:\n"
				"        - cluster\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"53\"\n"
				"          rules:\n"
				"            dns:\n"
				"              - matchPattern: '*'\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - cluster\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"53\"\n"
				 "          rules:\n"
				 "            dns:\n"
				 "              - matchPattern: '*.example'\n",
	},
	{
		ROW("range-over-http", WARNING),
		.title = "an open range of ports over a port with HTTP rules",
		.why = "Cilium 1.16 before 1.16.4 does not apply HTTP rules of a port when "
		       "another rule allows certain peers on a range that includes it "
		       "(CVE-2024-52529).\n",
		.remedy = "Update Cilium, or leave the port out of the range.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /public\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"70\"\n"
				"              endPort: 90\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /public\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8080\"\n"
				 "              protocol: TCP\n",
		.cilium_minor = 16,
	},
	{
		ROW("cidr-in-denied-cidr", WARNING),
		.title = "an allowed prefix within a denied one",
		.why = "Deny comes first, so the smaller prefix stays denied. Old versions "
		       "of Cilium let it through (CVE-2024-47825), and some policies rely "
		       "on that without knowing.\n",
		.remedy = "If the smaller prefix is to be allowed, write it as `except` where "
			  "the larger one is denied.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDR:\n"
				"        - 192.0.2.0/28\n"
				"  egressDeny:\n"
				"    - toCIDR:\n"
				"        - 192.0.2.0/24\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDR:\n"
				 "        - 192.0.2.0/28\n"
				 "  egressDeny:\n"
				 "    - toCIDRSet:\n"
				 "        - cidr: 192.0.2.0/24\n"
				 "          except:\n"
				 "            - 192.0.2.0/28\n",
	},
	{
		ROW("peers-empty", WARNING),
		.title = "an empty list of peers",
		.why = "An empty list means nobody, and an absent one with ports means "
		       "everybody: the opposite. Tools that leave out empty lists when "
		       "they write YAML turn one into the other.\n",
		.remedy = "Name the peers, or drop the rule. For default deny alone write "
			  "`ingress: [{}]`.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints: []\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n",
	},
	{
		ROW("peers-empty-open", ERROR),
		.title = "an empty list of names or groups, which Cilium takes for everybody",
		.why = "Where Cilium looks for empty lists of peers, it forgets toFQDNs, "
		       "fromGroups and toGroups: with ports, an empty one allows everybody "
		       "(CVE-2025-64715 was of this kind). Here it allows nobody. A policy "
		       "that means two things is refused.\n",
		.remedy = "Name the peers, or drop the rule.",
		.cilium = "accepts it, and allows every peer",
		.bad = PST_SPEC "  egress:\n"
				"    - toFQDNs: []\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - world\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n",
	},
	{
		ROW("rule-empty", WARNING),
		.title = "an empty rule beside others",
		.why = "In a NetworkPolicy of Kubernetes an empty rule allows everything. "
		       "Here it allows nothing: alone it is how default deny is written, "
		       "and beside other rules it has no effect.\n",
		.remedy = "Drop it. To allow everything write `fromEntities: [all]`.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"    - {}\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n",
	},
	{
		ROW("peer-redundant", INFO),
		.title = "a peer that another one of the same list covers",
		.why = "Elements of the list unite, so the narrower one changes nothing. "
		       "Perhaps another value was meant.\n",
		.remedy = "Drop one of them.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDR:\n"
				"        - 192.0.2.0/24\n"
				"        - 192.0.2.128/25\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toCIDR:\n"
				 "        - 192.0.2.0/24\n",
	},
	{
		ROW("cidr-of-services", INFO),
		.title = "a prefix that is usually the range of ClusterIPs",
		.why = "Addresses of Services are translated to those of pods before "
		       "policy is applied, and a CIDR selects no pods. Unless the range is "
		       "used otherwise in this network, the rule does nothing.\n",
		.remedy = "Select the pods with toEndpoints, or the Service with toServices.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDR:\n"
				"        - 10.96.0.1/32\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - kube-apiserver\n",
	},
	{
		ROW("cidr-everything", INFO),
		.off = true,
		.title = "all addresses as a CIDR",
		.why = "0.0.0.0/0 and ::/0 mean everything outside of the cluster, as the "
		       "entity world does. Pods and nodes are not in them.\n",
		.remedy = "Write `toEntities: [world]`, or `[all]` if pods and nodes are "
			  "meant as well.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDR:\n"
				"        - 0.0.0.0/0\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEntities:\n"
				 "        - world\n",
	},
	{
		ROW("label-dotted-source", WARNING),
		.title = "a label source that ends with a dot",
		.why = "A source is separated by a colon. With a dot the whole is a key "
		       "that no endpoint has, so nothing is selected. A page of Cilium's "
		       "documentation had it so.\n",
		.remedy = "Write `k8s:io.kubernetes.pod.namespace`.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            k8s.io.kubernetes.pod.namespace: shop\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            k8s:io.kubernetes.pod.namespace: shop\n",
	},
	{
		ROW("label-not-identity", WARNING),
		.title = "a selector on a label that is not part of identities",
		.why = "Policies see the labels of an identity only. Cilium's default "
		       "filter leaves out labels that differ from pod to pod, such as pod- "
		       "template-hash and the name of a StatefulSet's pod: a selector on "
		       "one is accepted and matches nothing (or, with NotIn and "
		       "DoesNotExist, everything).\n",
		.remedy = "Use a label that all pods of the workload share, or change the "
			  "agent's label filter.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            statefulset.kubernetes.io/pod-name: web-0\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n",
	},
	{
		ROW("subject-reserved", WARNING),
		.title = "an endpointSelector on a reserved label",
		.why = "Pods have no reserved labels. Only host policies (nodeSelector) "
		       "have nodes as subjects, and only clusterwide policies can have the "
		       "endpoints init, health and ingress. The policy applies to nothing.\n",
		.remedy = "Use nodeSelector in a CiliumClusterwideNetworkPolicy for nodes.",
		.cilium = ACCEPTS,
		.bad = PST_CCNP "spec:\n"
				"  endpointSelector:\n"
				"    matchLabels:\n"
				"      reserved:host: \"\"\n"
				"  ingress:\n"
				"    - fromEntities:\n"
				"        - cluster\n",
		.good = PST_CCNP "spec:\n"
				 "  endpointSelector:\n"
				 "    matchLabels:\n"
				 "      reserved:ingress: \"\"\n"
				 "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - cluster\n",
	},
	{
		ROW("selector-impossible", ERROR),
		.title = "a selector whose requirements contradict each other",
		.why = "All requirements of a selector must hold. These cannot hold "
		       "together for any endpoint, so the selector matches nothing. "
		       "Elements of a list are alternatives; requirements of one selector "
		       "are not.\n",
		.remedy = "Write alternatives as values of `In`, or as two elements of the "
			  "list.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: web\n"
				"          matchExpressions:\n"
				"            - key: app\n"
				"              operator: In\n"
				"              values:\n"
				"                - shop\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchExpressions:\n"
				 "            - key: app\n"
				 "              operator: In\n"
				 "              values:\n"
				 "                - shop\n"
				 "                - web\n",
	},
	{
		ROW("peer-namespace", WARNING),
		.title = "the cluster's DNS selected without its namespace",
		.why = "In a CiliumNetworkPolicy a peer without a namespace is in the "
		       "policy's own. The DNS servers are in kube-system, so this selects "
		       "nothing, and lookups are dropped.\n",
		.remedy = "Add `k8s:io.kubernetes.pod.namespace: kube-system`.",
		.cilium = ACCEPTS,
		.bad = PST_SPEC "  egress:\n"
				"    - toEndpoints:\n"
				"        - matchLabels:\n"
				"            k8s-app: kube-dns\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEndpoints:\n"
				 "        - matchLabels:\n"
				 "            k8s:io.kubernetes.pod.namespace: kube-system\n"
				 "            k8s-app: kube-dns\n",
	},
	{
		ROW("lint-budget", INFO),
		.title = "not all rules were compared with each other",
		.why = "Some findings need a comparison of rules. The work for that is "
		       "limited, so that no set of files can keep the linter busy. Here "
		       "the limit was reached: findings of the kind that the message names "
		       "may be missing.\n",
		.remedy = "Lint fewer files at once, namespace by namespace.",
		.cilium = NULL,
		.bad = NULL,
		.good = NULL,
	},
};

const struct pst_lint_rules pst_lint_rules_meaning = PST_LINT_RULES(rows);
