// SPDX-License-Identifier: Apache-2.0
#include "policy/selector.h"

#include <criterion/criterion.h>
#include <string.h>

#include "policy/tests/helper.h"

static bool t_matches_one(const char *source, const char *key, enum pst_label_op op,
			  const char *value, const char *labels)
{
	const char *values[] = {value, "other-value"};
	struct pst_requirement req = {
		.source = source,
		.key = key,
		.op = op,
		.values = values,
		.n_values = value ? 2 : 0,
	};
	struct pst_selector sel = {.reqs = &req, .n_reqs = 1};

	return t_matches(&sel, 1, labels);
}

Test(selector, an_empty_selector_matches_every_label_set)
{
	struct pst_selector sel = {0};

	cr_assert(t_matches(&sel, 1, ""));
	cr_assert(t_matches(&sel, 1, "reserved:world"));
}

Test(selector, in_is_true_for_a_listed_value_only)
{
	cr_assert(t_matches_one("k8s", "app", PST_LABEL_IN, "web", "k8s:app=web"));
	cr_assert(t_matches_one("k8s", "app", PST_LABEL_IN, "web", "k8s:app=other-value"));
	cr_assert_not(t_matches_one("k8s", "app", PST_LABEL_IN, "web", "k8s:app=we"));
	cr_assert_not(t_matches_one("k8s", "app", PST_LABEL_IN, "web", "k8s:app=webs"));
	cr_assert_not(t_matches_one("k8s", "app", PST_LABEL_IN, "web", "k8s:app=Web"));
}

Test(selector, in_is_false_when_the_key_is_absent)
{
	cr_assert_not(t_matches_one("k8s", "app", PST_LABEL_IN, "web", "k8s:apps=web"));
	cr_assert_not(t_matches_one("k8s", "app", PST_LABEL_IN, "", "k8s:apps"));
}

Test(selector, in_with_an_empty_value_matches_the_empty_value_only)
{
	cr_assert(t_matches_one("reserved", "host", PST_LABEL_IN, "", "reserved:host"));
	cr_assert_not(t_matches_one("reserved", "host", PST_LABEL_IN, "", "reserved:host=x"));
}

Test(selector, not_in_is_true_when_the_key_is_absent)
{
	cr_assert(t_matches_one("k8s", "app", PST_LABEL_NOT_IN, "web", ""));
	cr_assert(t_matches_one("k8s", "app", PST_LABEL_NOT_IN, "web", "k8s:app=api"));
	cr_assert_not(t_matches_one("k8s", "app", PST_LABEL_NOT_IN, "web", "k8s:app=web"));
}

Test(selector, exists_asks_for_the_key_and_not_for_its_value)
{
	cr_assert(t_matches_one("k8s", "app", PST_LABEL_EXISTS, NULL, "k8s:app"));
	cr_assert(t_matches_one("k8s", "app", PST_LABEL_EXISTS, NULL, "k8s:app=x"));
	cr_assert_not(t_matches_one("k8s", "app", PST_LABEL_EXISTS, NULL, "k8s:ap=x"));
}

Test(selector, does_not_exist_is_the_opposite_of_exists)
{
	cr_assert_not(t_matches_one("k8s", "app", PST_LABEL_DOES_NOT_EXIST, NULL, "k8s:app=x"));
	cr_assert(t_matches_one("k8s", "app", PST_LABEL_DOES_NOT_EXIST, NULL, "k8s:ap=x"));
}

Test(selector, a_source_must_be_the_same_and_any_stands_for_all)
{
	cr_assert_not(t_matches_one("k8s", "host", PST_LABEL_EXISTS, NULL, "reserved:host"));
	cr_assert(t_matches_one("reserved", "host", PST_LABEL_EXISTS, NULL, "reserved:host"));
	cr_assert(t_matches_one("any", "host", PST_LABEL_EXISTS, NULL, "reserved:host"));
	cr_assert(t_matches_one("any", "host", PST_LABEL_EXISTS, NULL, "k8s:host"));
}

Test(selector, any_looks_at_the_values_under_every_source)
{
	static const char labels[] = "container:app=a k8s:app=b";

	cr_assert(t_matches_one("any", "app", PST_LABEL_IN, "b", labels));
	cr_assert_not(t_matches_one("any", "app", PST_LABEL_NOT_IN, "b", labels));
	cr_assert_not(t_matches_one("any", "app", PST_LABEL_IN, "c", labels));
}

Test(selector, all_requirements_must_hold)
{
	const char *web[] = {"web"};
	struct pst_requirement reqs[] = {
		{.source = "any", .key = "app", .op = PST_LABEL_IN, .values = web, .n_values = 1},
		{.source = "any", .key = "tier", .op = PST_LABEL_EXISTS},
	};
	struct pst_selector sel = {.reqs = reqs, .n_reqs = 2};

	cr_assert(t_matches(&sel, 1, "k8s:app=web k8s:tier=1"));
	cr_assert_not(t_matches(&sel, 1, "k8s:app=web"));
	cr_assert_not(t_matches(&sel, 1, "k8s:tier=1"));
}

Test(selector, a_key_is_split_at_the_first_colon_behind_an_alphanumeric_source)
{
	static const struct {
		const char *text, *key;
		size_t source_len;
	} cases[] = {
		{"k8s:app", "app", 3},
		{"any:app", "app", 3},
		{"app", "app", 0},
		{"a:b:c", "b:c", 1},
		{":app", ":app", 0},
		{"my-source:app", "my-source:app", 0},
		{"k8s.app", "k8s.app", 0},
		{"x:", "", 1},
		{"", "", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = 99;

		cr_assert_str_eq(pst_label_key_split(cases[i].text, &len), cases[i].key);
		cr_assert_eq(len, cases[i].source_len, "%s: %zu", cases[i].text, len);
	}
}

Test(selector, sorting_orders_by_source_key_and_value_and_drops_duplicates)
{
	struct pst_label v[] = {
		{"reserved", "host", ""}, {"k8s", "b", "2"}, {"k8s", "a", "1"},
		{"k8s", "b", "1"},	  {"k8s", "a", "1"}, {"reserved", "host", ""},
	};
	struct pst_labels labels = {v, 6};

	pst_labels_sort(&labels);
	cr_assert_eq(labels.n, 4);
	cr_assert_str_eq(v[0].key, "a");
	cr_assert_str_eq(v[1].value, "1");
	cr_assert_str_eq(v[2].value, "2");
	cr_assert_str_eq(v[3].source, "reserved");
}

Test(selector, sorting_nothing_is_fine)
{
	struct pst_labels labels = {0};

	pst_labels_sort(&labels);
	cr_assert_eq(labels.n, 0);
}

Test(selector, label_sets_compare_as_sequences)
{
	struct pst_label one[] = {{"k8s", "a", "1"}},
			 two[] = {{"k8s", "a", "1"}, {"k8s", "b", "1"}};
	struct pst_label three[] = {{"k8s", "a", "2"}};
	struct pst_labels a = {one, 1}, b = {two, 2}, c = {three, 1};

	cr_assert_eq(pst_labels_cmp(&a, &a), 0);
	cr_assert_lt(pst_labels_cmp(&a, &b), 0);
	cr_assert_gt(pst_labels_cmp(&b, &a), 0);
	cr_assert_gt(pst_labels_cmp(&c, &b), 0);
}

Test(selector, get_finds_the_value_or_nothing)
{
	struct pst_label v[] = {{"k8s", "a", "1"}, {"reserved", "host", ""}};
	struct pst_labels labels = {v, 2};

	cr_assert_str_eq(pst_labels_get(&labels, "k8s", "a"), "1");
	cr_assert_str_eq(pst_labels_get(&labels, "any", "host"), "");
	cr_assert_null(pst_labels_get(&labels, "k8s", "host"));
}
