// SPDX-License-Identifier: Apache-2.0
#include "compiler/labelindex.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct model m;
static struct pst_labelindex *x;

static void setup(void)
{
	struct pst_labels labels;

	model_init(&m);
	x = pst_labelindex_new();
	labels = model_labels(&m, "k8s:app=web k8s:tier=a");
	cr_assert_eq(pst_labelindex_add(x, 0, &labels), 0);
	labels = model_labels(&m, "k8s:app=db k8s:tier=a");
	cr_assert_eq(pst_labelindex_add(x, 1, &labels), 0);
	labels = model_labels(&m, "reserved:world");
	cr_assert_eq(pst_labelindex_add(x, 2, &labels), 0);
}

static void teardown(void)
{
	pst_labelindex_free(&x);
	model_fini(&m);
}

TestSuite(labelindex, .init = setup, .fini = teardown);

static void note(void *ctx, uint32_t slot)
{
	*(uint32_t *)ctx |= UINT32_C(1) << slot;
}

/* The candidates as bits. */
static uint32_t ask(const char *text)
{
	struct pst_selector sel = model_selector(&m, text);
	uint32_t found = 0;

	cr_assert(pst_labelindex_ask(x, &sel, note, &found), "%s", text);
	return found;
}

Test(labelindex, the_rarest_requirement_offers_the_candidates)
{
	cr_expect_eq(ask("k8s:app=web"), 1);
	cr_expect_eq(ask("k8s:tier=a"), 3);
	cr_expect_eq(ask("k8s:app=db k8s:tier=a"), 2);
	cr_expect_eq(ask("k8s:app=we"), 0);
	cr_expect_eq(ask("k8s:app=web k8s:none=x"), 0);
	cr_expect_eq(ask("any:app=web"), 1);
}

Test(labelindex, existence_is_asked_by_key_and_absence_helps_nobody)
{
	struct pst_requirement reqs[] = {
		{.source = "any", .key = "app", .op = PST_LABEL_EXISTS},
		{.source = "any", .key = "tier", .op = PST_LABEL_DOES_NOT_EXIST},
	};
	const struct pst_selector both = {.reqs = reqs, .n_reqs = 2};
	const struct pst_selector absent = {.reqs = reqs + 1, .n_reqs = 1};
	const struct pst_selector everybody = {0};
	uint32_t found = 0;

	cr_expect(pst_labelindex_ask(x, &both, note, &found));
	cr_expect_eq(found, 3);
	cr_expect_not(pst_labelindex_ask(x, &absent, note, &found));
	cr_expect_not(pst_labelindex_ask(x, &everybody, note, &found));
}

Test(labelindex, it_finds_each_of_many_labels)
{
	char text[64];

	for (uint32_t i = 0; i < 1000; i++) {
		struct pst_labels labels;

		snprintf(text, sizeof(text), "k8s:n=%u", i);
		labels = model_labels(&m, text);
		cr_assert_eq(pst_labelindex_add(x, i % 32, &labels), 0);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "k8s:n=%u", i);
		cr_assert_eq(ask(text), UINT32_C(1) << i % 32, "%s", text);
	}
	cr_assert_eq(ask("k8s:n=1000"), 0);
}
