// SPDX-License-Identifier: Apache-2.0
#include "cli/peer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/tests/run.h"

/* What is misspelt is nobody, whom nothing or everything may be allowed to. */
Test(peer, a_peer_that_cannot_be_is_a_mistake)
{
	static const struct expected cases[] = {
		{"10.0.0", 2, NULL, "\"10.0.0\" is not an address"},
		{"10.0.0.256", 2, NULL, "is not an address"},
		{"10.0.0.1/32", 2, NULL, "is not an address"},
		{"fd00::1::2", 2, NULL, "is not an address"},
		{"reserved:hots", 2, NULL, "there is no reserved:hots"},
		{"app=web,reserved:wrold", 2, NULL, "there is no reserved:wrold"},
		{"app=a=b", 2, NULL, "labels like k8s:app=web, found k8s:app=a=b"},
		{"app.=b", 2, NULL, "labels like k8s:app=web"},
		{"k8s:=b", 2, NULL, "expected a label like k8s:app=web"},
		{"10.a=x", 0, "no-policy", NULL},
	};

	expect_each("explain --policy testdata/semantics/demo.yaml --direction ingress --port 80 "
		    "--to org=empire --from ",
		    cases, sizeof(cases) / sizeof(*cases));
}

/* Whoever asks about a pod of a namespace that the inventory describes asks about its labels as
 * well, also when no pod is there yet. */
Test(peer, labels_have_those_of_the_namespace_that_the_inventory_knows)
{
	static const char policy[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec:\n  endpointSelector: {matchLabels: {app: web}}\n"
		"  ingress: [{fromEntities: [all]}]\n  ingressDeny:\n  - fromEndpoints:\n"
		"    - matchLabels: {io.cilium.k8s.namespace.labels.team: red}\n";
	static const char inventory[] =
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: red}}\n"
		"---\napiVersion: v1\nkind: Namespace\n"
		"metadata: {name: empty, labels: {team: red}}\n"
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\n"
		"status: {podIP: 10.0.0.1}\n";
	static const struct expected cases[] = {
		{"app=b,io.kubernetes.pod.namespace=shop", 1, "deny-rule", NULL},
		{"app=b,io.kubernetes.pod.namespace=empty", 1, "deny-rule", NULL},
		{"app=b", 0, "l4-allowed", NULL},
		{"app=b,io.kubernetes.pod.namespace=shop,"
		 "io.cilium.k8s.namespace.labels.team=blue",
		 0, "l4-allowed", NULL},
	};
	char words[1024], at[256];
	const char *pods;

	snprintf(at, sizeof(at), "%s", write_temp("policy.yaml", policy, strlen(policy)));
	pods = write_temp("inv.yaml", inventory, strlen(inventory));
	snprintf(words, sizeof(words),
		 "explain --policy %s --inventory %s --direction ingress --to app=web --port 80 "
		 "--from ",
		 at, pods);
	expect_each(words, cases, sizeof(cases) / sizeof(*cases));
	unlink(at);
	unlink(pods);
}

/* From the inventory such a label never comes: an answer that looks at it is about no pod. */
Test(peer, labels_that_no_identity_has_are_left_out)
{
	static const char policy[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec:\n  endpointSelector: {matchLabels: {app: web}}\n"
		"  ingress:\n  - fromEndpoints:\n    - matchLabels: {pod-template-hash: x}\n"
		"    - matchLabels: {io.cilium.k8s.policy.serviceaccount: bot}\n";
	static const struct expected cases[] = {
		{"app=b,pod-template-hash=x", 1, "no-rule-l4",
		 "the label pod-template-hash of a pod is not looked at"},
		{"app=b,io.cilium.k8s.policy.serviceaccount=bot", 0, "l4-allowed", NULL},
	};
	char words[1024];
	const char *at = write_temp("policy.yaml", policy, strlen(policy));

	snprintf(words, sizeof(words),
		 "explain --policy %s --direction ingress --to app=web --port 80 --from ", at);
	expect_each(words, cases, sizeof(cases) / sizeof(*cases));
	unlink(at);
}
