// SPDX-License-Identifier: Apache-2.0
#include "policy/labels.h"

#include <criterion/criterion.h>
#include <string.h>

#include "policy/nearest.h"

Test(labels, keys_have_an_optional_dns_prefix_and_a_name)
{
	static const char *const good[] = {
		"app",
		"a",
		"A-b_c.d",
		"kubernetes.io/name",
		"io.cilium.k8s.namespace.labels.team",
		"x/y_z",
		"k8s-app",
		"a.b/c",
		"7",
	};
	static const char *const bad[] = {
		"",    "-a",	"a-",	"a b",	     "/a",  "a/",      "a/b/c",
		"A/b", "a../b", "-a/b", "a\xc3\xa9", "a:b", "k8s:app",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		cr_assert(pst_label_key_is_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_not(pst_label_key_is_valid(bad[i]), "%s", bad[i]);
}

Test(labels, values_hold_up_to_63_characters_or_none)
{
	char text[65];

	memset(text, 'a', sizeof(text));
	text[63] = 0;
	cr_assert(pst_label_value_is_valid(text));
	cr_assert(pst_label_value_is_valid(""));
	text[63] = 'a';
	text[64] = 0;
	cr_assert_not(pst_label_value_is_valid(text));
	cr_assert_not(pst_label_value_is_valid("a b"));
	cr_assert_not(pst_label_value_is_valid("."));
}

Test(labels, namespaces_are_single_dns_labels_and_policies_may_have_dots)
{
	cr_assert(pst_namespace_is_valid("kube-system"));
	cr_assert_not(pst_namespace_is_valid("kube.system"));
	cr_assert_not(pst_namespace_is_valid("Kube"));
	cr_assert_not(pst_namespace_is_valid(""));
	cr_assert(pst_name_is_valid("a.b-c.d1"));
	cr_assert_not(pst_name_is_valid("a..b"));
	cr_assert_not(pst_name_is_valid(".a"));
	cr_assert_not(pst_name_is_valid("a."));
	cr_assert_not(pst_name_is_valid("a-.b"));
	cr_assert_not(pst_name_is_valid("a/b"));
}

Test(labels, the_default_filter_keeps_what_people_write_and_drops_what_controllers_add)
{
	static const char *const kept[] = {
		"app",
		"app.kubernetes.io/name",
		"k8s-app",
		"role",
		"node.kubernetes.io/x",
		"apps.kubernetes.io/pod-inde",
		"team.io/annotation",
	};
	static const char *const dropped[] = {
		"io.kubernetes.pod.name",
		"kubernetes.io/arch",
		"k8s.io/x",
		"pod-template-hash",
		"pod-template-generation",
		"controller-revision-hash",
		"controller-uid",
		"annotation.x",
		"etcd_node",
		"topology.kubernetes.io/zone",
		"statefulset.kubernetes.io/pod-name",
		"apps.kubernetes.io/pod-index",
		"batch.kubernetes.io/job-completion-index",
		"batch.kubernetes.io/controller-uid",
		"failure-domain.beta.kubernetes.io/zone",
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		cr_assert(pst_label_is_identity(kept[i]), "%s", kept[i]);
	for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++)
		cr_assert_not(pst_label_is_identity(dropped[i]), "%s", dropped[i]);
}

Test(labels, a_pod_cannot_give_itself_the_labels_that_the_system_gives)
{
	cr_assert_not(pst_label_is_identity(PST_LABEL_NAMESPACE));
	cr_assert_not(pst_label_is_identity(PST_LABEL_CLUSTER));
	cr_assert_not(pst_label_is_identity(PST_LABEL_SERVICE_ACCOUNT));
	cr_assert_not(pst_label_is_identity(PST_LABEL_NAMESPACE_PREFIX "team"));
}

Test(labels, what_an_identity_can_have_is_what_passes_the_filter_and_what_the_system_gives)
{
	cr_assert(pst_label_can_be_had("app"));
	cr_assert(pst_label_can_be_had(PST_LABEL_NAMESPACE));
	cr_assert(pst_label_can_be_had(PST_LABEL_CLUSTER));
	cr_assert(pst_label_can_be_had(PST_LABEL_SERVICE_ACCOUNT));
	cr_assert(pst_label_can_be_had(PST_LABEL_NAMESPACE_PREFIX "team"));
	cr_assert_not(pst_label_can_be_had("pod-template-hash"));
	cr_assert_not(pst_label_can_be_had("io.kubernetes.pod.name"));
	cr_assert_not(pst_label_can_be_had("io.cilium.k8s.policy.other"));
}

static const char *t_nearest(const char *wanted)
{
	static const char *const names[] = {"fromEndpoints", "fromEntities", "toPorts", "http"};
	struct pst_nearest near;

	pst_nearest_init(&near, wanted);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		pst_nearest_offer(&near, names[i]);
	return near.best ? near.best : "";
}

Test(nearest, a_misspelt_name_finds_its_original)
{
	cr_assert_str_eq(t_nearest("fromEndpoint"), "fromEndpoints");
	cr_assert_str_eq(t_nearest("fromEntites"), "fromEntities");
	cr_assert_str_eq(t_nearest("fromEndpiontss"), "fromEndpoints");
	cr_assert_str_eq(t_nearest("toports"), "toPorts");
	cr_assert_str_eq(t_nearest("HTTP"), "http");
}

Test(nearest, a_name_that_is_far_from_all_finds_nothing)
{
	cr_assert_str_eq(t_nearest("x"), "");
	cr_assert_str_eq(t_nearest(""), "");
	cr_assert_str_eq(t_nearest("description"), "");
	cr_assert_str_eq(t_nearest("fromEndpointsfromEndpointsfromEndpointsfromEndpoints"), "");
}

Test(nearest, the_hint_is_a_question_or_nothing)
{
	char buf[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;

	pst_nearest_init(&near, "htpt");
	cr_assert_str_eq(pst_nearest_hint(&near, buf), "");
	pst_nearest_offer(&near, "http");
	cr_assert_str_eq(pst_nearest_hint(&near, buf), "; did you mean \"http\"?");
}
