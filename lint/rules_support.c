// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

#include "policy/policy.h"

/* What becomes of a rule with such a part when policies are compiled (policy/fields.h). */
#define CLOSED                                                                                     \
	"postern reads and checks it, but does not enforce it yet: `postern compile` refuses the " \
	"policy. With `--accept` and this id it goes on with the rule closed: an allow rule "      \
	"allows nothing, a deny rule denies all that its readable parts could mean. "              \
	"`postern lint` mentions it as info, because Cilium accepts the policy.\n"

static const struct pst_lint_rule rows[] = {
	{
		.id = "unsupported-kind",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "a kind of policy that postern does not enforce yet",
		.why = "The document is a policy of Cilium's, of a kind that postern does not "
		       "enforce yet. `postern compile` refuses it as a whole, because "
		       "enforcing the other documents alone would leave its subjects with less "
		       "policy than was written for them.\n"
		       "`postern lint` mentions it as info: Cilium enforces it.\n",
		.remedy = "Write one CiliumNetworkPolicy for each namespace that is meant, or "
			  "leave the document out of what postern compiles.",
		.cilium = "accepts it",
		.bad = PST_CCNP "spec:\n"
				"  endpointSelector: {}\n"
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
		.id = "unsupported-cidr",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "peers by CIDR are not enforced yet",
		.why = "`fromCIDR`, `toCIDR`, `fromCIDRSet` and `toCIDRSet` name peers by "
		       "address. In Cilium they select only what is outside of the cluster: a "
		       "pod or a node is never selected by its address.\n" CLOSED,
		.remedy = "Name the peers by labels or by an entity, such as world with the ports "
			  "that are needed.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toCIDR:\n"
				"        - 203.0.113.0/24\n"
				"      toPorts:\n"
				"        - ports:\n"
				"            - port: \"443\"\n"
				"              protocol: TCP\n",
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
		.id = "unsupported-nodes",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "peers by node label are not enforced yet",
		.why = "`fromNodes` and `toNodes` select other nodes of the cluster by the "
		       "labels of their Node objects; Cilium takes them only with its option "
		       "`enable-node-selector-labels`.\n" CLOSED,
		.remedy = "Name nodes by the entities `host` and `remote-node`, if all nodes are "
			  "meant alike.",
		.cilium = "accepts it when `enable-node-selector-labels` is on",
		.features = PST_FEATURE_NODE_SELECTOR_LABELS,
		.bad = PST_SPEC "  ingress:\n"
				"    - fromNodes:\n"
				"        - matchLabels:\n"
				"            node-role.kubernetes.io/control-plane: \"\"\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - remote-node\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-groups",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "peers by cloud group are not enforced yet",
		.why = "`fromGroups` and `toGroups` name instances of AWS by their labels, "
		       "region or security groups. Cilium's operator asks AWS for their "
		       "addresses; what it finds changes without a change of the policy.\n" CLOSED,
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
		.id = "unsupported-services",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "peers by Service are not enforced yet",
		.why = "`toServices` stands for what a Kubernetes Service leads to: the pods "
		       "of its selector, or the addresses of its endpoints when it has none.\n" CLOSED,
		.remedy = "Select the pods behind the service by `toEndpoints`, and use their "
			  "port, not the port of the service.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  egress:\n"
				"    - toServices:\n"
				"        - k8sService:\n"
				"            serviceName: orders\n"
				"            namespace: shop\n",
		.good = PST_SPEC "  egress:\n"
				 "    - toEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: orders\n"
				 "            k8s:io.kubernetes.pod.namespace: shop\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-fqdn",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "peers by DNS name are not enforced yet",
		.why = "`toFQDNs` allows the addresses that Cilium's DNS proxy has seen in "
		       "answers for a name. It is a rule about addresses: two names with the "
		       "same address cannot be told apart.\n" CLOSED,
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
		       "objects. postern knows the identities of pods only, so such a "
		       "requirement would match nothing.\n" CLOSED,
		.remedy = "Select pods by their own labels, or use the entity that is meant.",
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
		.id = "unsupported-icmp",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "ICMP rules are not enforced yet",
		.why = "`icmps` allows or denies ICMP messages by family and type. Without it, "
		       "a subject that is in default deny gets no ping through in Cilium.\n" CLOSED,
		.remedy = "Leave `icmps` to Cilium: put it into a rule of its own, in a file that "
			  "postern does not compile.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEntities:\n"
				"        - cluster\n"
				"      icmps:\n"
				"        - fields:\n"
				"            - family: IPv4\n"
				"              type: 8\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - cluster\n"
				 "      toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-authentication",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "mutual authentication is not enforced yet",
		.why = "`authentication` asks Cilium to have both sides prove who they are "
		       "before the first packet passes. postern has no such proof: allowing "
		       "the traffic without it would mean more than the rule says.\n" CLOSED,
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
		.id = "unsupported-named-port",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "named ports are not enforced yet",
		.why = "A port name stands for a number that the pods give: on ingress the "
		       "subject's own container ports, on egress those of each peer, which may "
		       "differ.\n" CLOSED,
		.remedy = "Write the number of the container port.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: http-api\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8080\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-protocol",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "protocols other than TCP, UDP and SCTP are not enforced yet",
		.why = "VRRP, IGMP, GRE, IPIP, IPV6, ESP and AH are protocols without ports; "
		       "Cilium 1.20 takes them with its option `enable-extended-ip-protocols`.\n" CLOSED,
		.remedy = "Leave such rules to Cilium: put them into a file that postern does not "
			  "compile.",
		.cilium = "accepts it when `enable-extended-ip-protocols` is on",
		.features = PST_FEATURE_EXTENDED_IP_PROTOCOLS,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - protocol: VRRP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-dns",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "DNS rules are not enforced yet",
		.why = "`rules.dns` sends name lookups through Cilium's DNS proxy, which lets "
		       "the named queries pass and learns addresses for `toFQDNs`. postern "
		       "judges HTTP, not DNS.\n" CLOSED,
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
		.id = "unsupported-headers",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "HTTP rules on headers are not enforced yet",
		.why = "`headers` and `headerMatches` make an HTTP rule depend on request "
		       "headers. Judging such a rule without them would allow more than it "
		       "says.\n"
		       "`postern compile` refuses the policy. With `--accept` and this id that "
		       "HTTP rule is left out and its neighbours stay in force; an entry that "
		       "has no HTTP rule left allows nothing. `postern lint` mentions it as "
		       "info, because Cilium accepts the policy.\n",
		.remedy = "Tell the requests apart by method, path or host.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            http:\n"
				"              - path: /orders\n"
				"                headers:\n"
				"                  - \"X-Team: shop\"\n",
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
		.id = "unsupported-header-action",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "header rules that change the request are not enforced yet",
		.why = "`mismatch: ADD`, `DELETE` and `REPLACE` make Cilium's proxy rewrite "
		       "the request and let it pass. The kernel judges requests and does not "
		       "rewrite them.\n"
		       "`postern compile` refuses the policy. With `--accept` and this id that "
		       "HTTP rule is left out and its neighbours stay in force; an entry that "
		       "has no HTTP rule left allows nothing. `postern lint` mentions it as "
		       "info, because Cilium accepts the policy.\n",
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
		.id = "unsupported-secret",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "header values from a Secret are not enforced yet",
		.why = "A `headerMatches` element with a secret compares the header with what "
		       "a Kubernetes Secret holds. postern does not read Secrets, so it cannot "
		       "tell a right value from a wrong one.\n"
		       "`postern compile` refuses the policy. With `--accept` and this id that "
		       "HTTP rule is left out and its neighbours stay in force; an entry that "
		       "has no HTTP rule left allows nothing. `postern lint` mentions it as "
		       "info, because Cilium accepts the policy.\n",
		.remedy = "Leave such rules to Cilium; do not write the secret into the policy as "
			  "a value.",
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
				"                  - name: X-Token\n"
				"                    secret:\n"
				"                      name: shop-token\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n"
				 "                headerMatches:\n"
				 "                  - name: X-Token\n",
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
		       "cannot read.\n" CLOSED,
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
		       "for (SNI). postern does not look into the TLS handshake.\n" CLOSED,
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
		       "know those rules.\n" CLOSED,
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
		.id = "unsupported-labels",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "labels of a rule are not carried anywhere yet",
		.why = "`spec.labels` names where a rule comes from; in Cilium the labels turn "
		       "up in endpoint status and flow logs. They change no verdict.\n"
		       "`postern compile` refuses the policy, so that nobody misses them "
		       "later; with `--accept` and this id the policy is compiled as if they "
		       "were not written.\n",
		.remedy = "Leave the labels out, or accept the rule.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  labels:\n"
				"    - key: team\n"
				"      value: shop\n"
				"  ingress:\n"
				"    - fromEntities:\n"
				"        - cluster\n",
		.good = PST_SPEC "  description: of team shop\n"
				 "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - cluster\n",
		.since = "0.1",
	},
	{
		.id = "unsupported-log",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_SUPPORT,
		.title = "log values are not carried anywhere yet",
		.why = "`spec.log.value` is a text that Cilium shows beside the flows that the "
		       "rule has decided. It changes no verdict.\n"
		       "`postern compile` refuses the policy, so that nobody misses it later; "
		       "with `--accept` and this id the policy is compiled as if it were not "
		       "written.\n",
		.remedy = "Leave the value out, or accept the rule.",
		.cilium = "accepts it",
		.bad = PST_SPEC "  log:\n"
				"    value: shop\n"
				"  ingress:\n"
				"    - fromEntities:\n"
				"        - cluster\n",
		.good = PST_SPEC "  description: shop\n"
				 "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - cluster\n",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_support = PST_LINT_RULES(rows);
