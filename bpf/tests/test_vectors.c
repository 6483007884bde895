// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/core.h"
#include "bpf/tests/vectors.h"

#include "bpf/ruling.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "bpf/tests/stream.h"
#include "compiler/explain.h"
#include "compiler/judge.h"

static const char *const files[] = {"testdata/http/requests.md", "testdata/http/streams.md"};

enum { LEAST_VECTORS = 300, N_FILES = sizeof(files) / sizeof(*files) };

/* The stream after the bytes, fed in pieces: [0, CUT), [CUT, len), or STEP at a time. */
static struct t_stream walk(const unsigned char *bytes, size_t len, size_t cut, size_t step)
{
	struct t_stream s = {.table = NULL};
	const struct pst_src src = {.bytes = bytes};

	s.table = t_core_table(&s.ruleset);
	for (size_t at = 0, end; at < len; at = end) {
		end = step ? at + step : (at < cut ? cut : len);
		end = end < len ? end : len;
		t_stream_feed(&s, &src, (__u32)at, (__u32)end);
	}
	return s;
}

/* The same where paths need not be in normal form. */
static struct t_stream walk_any(const struct t_vector *v, size_t step)
{
	struct t_stream s = {.any_form = true};
	const struct pst_src src = {.bytes = v->bytes};

	s.table = t_core_table(&s.ruleset);
	for (size_t at = 0; at < v->len; at += step)
		t_stream_feed(&s, &src, (__u32)at,
			      (__u32)(at + step < v->len ? at + step : v->len));
	return s;
}

static const char *reason_of(const struct t_stream *s)
{
	return pst_explain_reason_name(s->reason ? s->reason : PST_REASON_RULE);
}

static void same(const struct t_stream *a, const struct t_stream *b, const char *name, size_t cut)
{
	cr_assert_eq(a->reason, b->reason, "%s cut at %zu", name, cut);
	cr_assert_eq(a->passed, b->passed, "%s cut at %zu", name, cut);
	cr_assert_eq(a->inside, b->inside, "%s cut at %zu", name, cut);
	cr_assert_eq(a->skip, b->skip, "%s cut at %zu", name, cut);
	cr_assert_eq(a->http.state, b->http.state, "%s cut at %zu", name, cut);
	cr_assert_eq(a->http.allow, b->http.allow, "%s cut at %zu", name, cut);
	cr_assert_eq(a->http.stop, b->http.stop, "%s cut at %zu", name, cut);
	cr_assert_eq(a->http.flags, b->http.flags, "%s cut at %zu", name, cut);
}

static void try_vector(const struct t_vector *v)
{
	unsigned char *bytes = t_core_guarded(v->bytes, v->len);
	struct t_stream s = walk(bytes, v->len, v->len, 0);

	cr_expect_str_eq(reason_of(&s), v->reason, "%s: expected %s, found %s", v->name, v->reason,
			 reason_of(&s));
	cr_expect_eq(s.passed, v->passed, "%s: expected %u to pass, found %u", v->name, v->passed,
		     s.passed);
	if (v->allow)
		cr_expect_eq(s.inside, v->unfinished, "%s: ends inside a request", v->name);
	t_core_unguard(bytes, v->len);
}

Test(vectors, every_golden_stream_gets_its_verdict_and_reason)
{
	size_t n = 0;

	for (int f = 0; f < N_FILES; f++) {
		struct t_vectors all = t_vectors_load(files[f]);

		for (size_t i = 0; i < all.n; i++)
			try_vector(&all.v[i]);
		n += all.n;
		t_vectors_free(&all);
	}
	cr_assert_geq(n, LEAST_VECTORS);
}

static void try_cuts(const struct t_vector *v)
{
	unsigned char *bytes = t_core_guarded(v->bytes, v->len);
	struct t_stream whole = walk(bytes, v->len, v->len, 0), s;
	/* Long ones at a stride: what is long in them is all alike. */
	size_t stride = v->len > 2000 ? v->len / 997 : 1;

	for (size_t cut = 1; cut < v->len; cut += stride) {
		s = walk(bytes, v->len, cut, 0);
		same(&s, &whole, v->name, cut);
	}
	for (size_t step = 1; step < 70; step += 3) {
		s = walk(bytes, v->len, 0, step);
		same(&s, &whole, v->name, step);
	}
	t_core_unguard(bytes, v->len);
}

Test(vectors, segmentation_changes_nothing)
{
	for (int f = 0; f < N_FILES; f++) {
		struct t_vectors all = t_vectors_load(files[f]);

		for (size_t i = 0; i < all.n; i++)
			try_cuts(&all.v[i]);
		t_vectors_free(&all);
	}
}

/* What the offline judge makes of the bytes, in the words of a vector. */
static void judge_offline(struct pst_judge *j, const struct t_vector *v)
{
	struct pst_l7_result r = {.allowed = true, .reason = PST_REASON_RULE};
	size_t at = 0;
	unsigned int passed = 0;
	__u32 ruleset;

	t_core_table(&ruleset);
	while (at < v->len && r.allowed && !r.last && !r.handshake) {
		at = pst_judge_request(j, ruleset, (const char *)v->bytes, v->len, at, &r);
		passed += r.allowed;
	}
	if (r.allowed && r.last && at < v->len)
		r.reason = PST_REASON_AFTER_CLOSE;
	/* It says "allow" of a body that is cut off, and "deny" of a head. */
	if (v->unfinished) {
		cr_expect(r.allowed || r.reason == PST_REASON_HEAD_SPLIT, "%s", v->name);
		return;
	}
	cr_expect_str_eq(pst_explain_reason_name(r.reason), v->reason, "%s offline", v->name);
	cr_expect_eq(passed, v->passed, "%s offline: %u pass", v->name, passed);
}

Test(vectors, the_offline_judge_says_the_same)
{
	struct pst_judge *j = NULL;

	cr_assert_eq(pst_judge_new(t_core_bundle(), &j), 0);
	for (int f = 0; f < N_FILES; f++) {
		struct t_vectors all = t_vectors_load(files[f]);

		for (size_t i = 0; i < all.n; i++)
			judge_offline(j, &all.v[i]);
		t_vectors_free(&all);
	}
	pst_judge_free(&j);
}

static void try_any(const struct t_vector *v, struct pst_judge *j)
{
	for (size_t step = 1; step <= v->len; step++) {
		struct t_stream s = walk_any(v, step);

		cr_expect_str_eq(reason_of(&s), v->reason, "%s by %zu: expected %s, found %s",
				 v->name, step, v->reason, reason_of(&s));
		cr_expect_eq(s.passed, v->passed, "%s by %zu", v->name, step);
	}
	judge_offline(j, v);
}

Test(vectors, paths_may_be_judged_as_they_stand)
{
	struct t_vectors all = t_vectors_load("testdata/http/paths.md");
	struct pst_judge *j = NULL;

	cr_assert_eq(pst_judge_new(t_core_bundle(), &j), 0);
	pst_judge_set_any_form(j, true);
	for (size_t i = 0; i < all.n; i++)
		try_any(&all.v[i], j);
	t_vectors_free(&all);
	pst_judge_free(&j);
}

/* A matter of the path's form alone. */
static bool is_about_form(const char *reason)
{
	return !strcmp(reason, "target-empty-segment") || !strcmp(reason, "target-dot-segment") ||
	       !strcmp(reason, "target-escape");
}

Test(vectors, whatever_is_no_matter_of_form_is_judged_alike_with_and_without)
{
	size_t formless = 0;

	for (int f = 0; f < N_FILES; f++) {
		struct t_vectors all = t_vectors_load(files[f]);

		for (size_t i = 0; i < all.n; i++) {
			struct t_stream s = walk_any(&all.v[i], 64);

			if (is_about_form(all.v[i].reason))
				formless += strcmp(reason_of(&s), all.v[i].reason) != 0;
			else
				cr_expect_str_eq(reason_of(&s), all.v[i].reason, "%s",
						 all.v[i].name);
		}
		t_vectors_free(&all);
	}
	cr_expect_gt(formless, 20);
}

Test(vectors, a_head_at_the_limit_passes_and_one_byte_more_is_refused)
{
	static unsigned char bytes[PST_MAX_HEAD + 1];
	const char *head = "GET /api/x HTTP/1.1\r\nHost: b\r\nX: ";

	for (size_t len = PST_MAX_HEAD; len <= PST_MAX_HEAD + 1; len++) {
		struct t_stream s;

		memset(bytes, 'v', sizeof(bytes));
		memcpy(bytes, head, strlen(head));
		memcpy(bytes + len - 4, "\r\n\r\n", 4);
		s = walk(bytes, len, len, 0);
		cr_expect_str_eq(reason_of(&s),
				 len == PST_MAX_HEAD ? "rule-matched" : "head-too-long");
	}
}

Test(vectors, an_unfinished_head_passes_nothing)
{
	const char *head = "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n";
	size_t len = strlen(head);

	for (size_t n = 1; n < len; n++) {
		unsigned char *bytes = t_core_guarded(head, n);
		struct t_stream s = walk(bytes, n, n, 0);

		cr_expect(s.inside && !s.passed && !s.reason, "%zu bytes", n);
		t_core_unguard(bytes, n);
	}
}

/* The list of reasons is also the list of what the vectors must show. */
Test(vectors, every_reason_that_a_request_can_have_is_shown)
{
	struct t_vectors all[N_FILES];

	for (int f = 0; f < N_FILES; f++)
		all[f] = t_vectors_load(files[f]);
	for (int reason = PST_REASON_NO_RULE_L7; reason <= PST_REASON_AFTER_CLOSE; reason++) {
		const char *name = pst_explain_reason_name((enum pst_reason)reason);
		size_t found = 0;

		/* These are no matter of the bytes. */
		if (reason == PST_REASON_FALLBACK_GONE || reason == PST_REASON_HEAD_SPLIT ||
		    reason == PST_REASON_PIPELINED)
			continue;
		for (int f = 0; f < N_FILES; f++)
			for (size_t i = 0; i < all[f].n; i++)
				found += !strcmp(all[f].v[i].reason, name);
		cr_expect(found, "no vector for %s", name);
	}
	for (int f = 0; f < N_FILES; f++)
		t_vectors_free(&all[f]);
}

static void expect_distinct(const struct t_vectors *a, const struct t_vectors *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (&a->v[i] != &b->v[k])
				cr_expect_str_neq(a->v[i].name, b->v[k].name);
}

Test(vectors, names_are_distinct)
{
	struct t_vectors requests = t_vectors_load(files[0]), streams = t_vectors_load(files[1]);

	expect_distinct(&requests, &requests);
	expect_distinct(&requests, &streams);
	expect_distinct(&streams, &streams);
	t_vectors_free(&requests);
	t_vectors_free(&streams);
}
