// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/core.h"
#include "bpf/tests/vectors.h"

#include "bpf/judge.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "compiler/explain.h"

/* The recogniser's state after the bytes, fed in pieces: [0, CUT), [CUT, len), or STEP at a time.
 */
static struct pst_http walk(const unsigned char *bytes, size_t len, size_t cut, size_t step)
{
	__u32 ruleset;
	const struct pst_table *t = t_core_table(&ruleset);
	const struct pst_src src = {.bytes = bytes};
	struct pst_http h;
	struct pst_walk w = {.http = &h, .table = t, .src = &src};

	pst_http_request(&h, t, ruleset);
	while (w.off < len && !pst_http_stopped(&h)) {
		size_t end = step ? w.off + step : (w.off < cut ? cut : len);

		w.end = (__u32)(end < len ? end : len);
		pst_walk_head(&w);
	}
	return h;
}

static const char *reason_of(const struct pst_http *h)
{
	return pst_explain_reason_name(pst_judge_head_ruling(h, 0) & 0xff);
}

static void same(const struct pst_http *a, const struct pst_http *b, const char *name, size_t cut)
{
	cr_assert_eq(a->state, b->state, "%s cut at %zu", name, cut);
	cr_assert_eq(a->reason, b->reason, "%s cut at %zu", name, cut);
	cr_assert_eq(a->allow, b->allow, "%s cut at %zu", name, cut);
	cr_assert_eq(a->length, b->length, "%s cut at %zu", name, cut);
	cr_assert_eq(a->stop, b->stop, "%s cut at %zu", name, cut);
	cr_assert_eq(a->method, b->method, "%s cut at %zu", name, cut);
}

Test(vectors, every_golden_request_gets_its_verdict_and_reason)
{
	struct t_vectors all = t_vectors_load("testdata/http/requests.md");

	cr_assert_gt(all.n, 100);
	for (size_t i = 0; i < all.n; i++) {
		struct t_vector *v = &all.v[i];
		unsigned char *bytes = t_core_guarded(v->bytes, v->len);
		struct pst_http h = walk(bytes, v->len, v->len, 0);

		cr_expect_str_eq(reason_of(&h), v->reason, "%s: expected %s, found %s", v->name,
				 v->reason, reason_of(&h));
		t_core_unguard(bytes, v->len);
	}
	t_vectors_free(&all);
}

Test(vectors, segmentation_changes_nothing)
{
	struct t_vectors all = t_vectors_load("testdata/http/requests.md");

	for (size_t i = 0; i < all.n; i++) {
		struct t_vector *v = &all.v[i];
		unsigned char *bytes = t_core_guarded(v->bytes, v->len);
		struct pst_http whole = walk(bytes, v->len, v->len, 0), h;
		/* Long ones at a stride: what is long in them is all alike. */
		size_t stride = v->len > 2000 ? v->len / 997 : 1;

		for (size_t cut = 1; cut < v->len; cut += stride) {
			h = walk(bytes, v->len, cut, 0);
			same(&h, &whole, v->name, cut);
		}
		for (size_t step = 1; step < 70; step += 3) {
			h = walk(bytes, v->len, 0, step);
			same(&h, &whole, v->name, step);
		}
		t_core_unguard(bytes, v->len);
	}
	t_vectors_free(&all);
}

Test(vectors, a_head_at_the_limit_passes_and_one_byte_more_is_refused)
{
	static unsigned char bytes[PST_MAX_HEAD + 1];
	const char *head = "GET /api/x HTTP/1.1\r\nHost: b\r\nX: ";

	for (size_t len = PST_MAX_HEAD; len <= PST_MAX_HEAD + 1; len++) {
		struct pst_http h;

		memset(bytes, 'v', sizeof(bytes));
		memcpy(bytes, head, strlen(head));
		memcpy(bytes + len - 4, "\r\n\r\n", 4);
		h = walk(bytes, len, len, 0);
		cr_expect_str_eq(reason_of(&h),
				 len == PST_MAX_HEAD ? "rule-matched" : "head-too-long");
	}
}

Test(vectors, an_unfinished_head_is_a_split_head)
{
	const char *head = "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n";
	size_t len = strlen(head);

	for (size_t n = 1; n < len; n++) {
		unsigned char *bytes = t_core_guarded(head, n);
		struct pst_http h = walk(bytes, n, n, 0);

		cr_expect_str_eq(reason_of(&h), "head-split", "%zu bytes", n);
		t_core_unguard(bytes, n);
	}
}

/* The list of reasons is also the list of what the vectors must show. */
Test(vectors, every_reason_that_a_head_can_have_is_shown)
{
	struct t_vectors all = t_vectors_load("testdata/http/requests.md");

	for (int reason = PST_REASON_NO_RULE_L7; reason <= PST_REASON_HEAD_SPLIT; reason++) {
		const char *name = pst_explain_reason_name((enum pst_reason)reason);
		size_t i = 0;

		/* The first is no matter of the head; the second has a test of its own. */
		if (reason == PST_REASON_FALLBACK_GONE || reason == PST_REASON_HEAD_LONG)
			continue;
		while (i < all.n && strcmp(all.v[i].reason, name))
			i++;
		cr_expect_lt(i, all.n, "no vector for %s", name);
	}
	t_vectors_free(&all);
}

Test(vectors, names_are_distinct)
{
	struct t_vectors all = t_vectors_load("testdata/http/requests.md");

	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(all.v[i].name, all.v[k].name);
	t_vectors_free(&all);
}
