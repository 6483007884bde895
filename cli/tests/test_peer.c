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
	static const struct {
		const char *peer, *message;
	} cases[] = {
		{"10.0.0", "\"10.0.0\" is not an address"},
		{"10.0.0.256", "is not an address"},
		{"10.0.0.1/32", "is not an address"},
		{"fd00::1::2", "is not an address"},
		{"reserved:hots", "there is no reserved:hots"},
		{"app=web,reserved:wrold", "there is no reserved:wrold"},
		{"app=a=b", "labels like k8s:app=web, found k8s:app=a=b"},
		{"app.=b", "labels like k8s:app=web"},
		{"k8s:=b", "expected a label like k8s:app=web"},
	};
	char words[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(words, sizeof(words),
			 "explain --policy testdata/semantics/demo.yaml --direction ingress "
			 "--port 80 --to org=empire --from %s",
			 cases[i].peer);
		expect_run(words, 2, NULL, cases[i].message);
	}
	expect_run("explain --policy testdata/semantics/demo.yaml --direction ingress --port 80 "
		   "--to org=empire --from 10.a=x",
		   0, "no-policy", NULL);
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
	char words[1024], at[256];
	const char *pods;

	snprintf(at, sizeof(at), "%s", write_temp("policy.yaml", policy, strlen(policy)));
	pods = write_temp("inv.yaml", inventory, strlen(inventory));
#define ASK(from)                                                                              \
	snprintf(words, sizeof(words),                                                         \
		 "explain --policy %s --inventory %s --direction ingress --to app=web --port " \
		 "80 --from " from,                                                            \
		 at, pods)
	ASK("app=b,io.kubernetes.pod.namespace=shop");
	expect_run(words, 1, "deny-rule", NULL);
	ASK("app=b,io.kubernetes.pod.namespace=empty");
	expect_run(words, 1, "deny-rule", NULL);
	ASK("app=b");
	expect_run(words, 0, "l4-allowed", NULL);
	ASK("app=b,io.kubernetes.pod.namespace=shop,io.cilium.k8s.namespace.labels.team=blue");
	expect_run(words, 0, "l4-allowed", NULL);
#undef ASK
	unlink(at);
	unlink(pods);
}
