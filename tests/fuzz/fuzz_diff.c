// SPDX-License-Identifier: Apache-2.0
/*
 * Policies against themselves, and against themselves with one line left out.
 *
 *	same		nothing differs from itself, also when no document is set aside
 *	mirror		what is widened one way is narrowed the other way, as often
 *
 * Which line is left out depends on the input, so that the seeds of the loader's fuzzer will do.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "compiler/diff.h"

enum { MAX_TEXT = 8192, MAX_POLICIES = 16 };

static const struct pst_inventory nobody;

/* The policies of a text without mistakes, or NULL. */
static struct pst_policy_set *parse(const char *text, size_t len)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;

	if (pst_policy_parse("fuzz.yaml", text, len, diags, &set) || pst_diags_errors(diags) ||
	    set->n_policies > MAX_POLICIES)
		pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return set;
}

/* NULL: no answer, because a pattern is bad or something is too much. */
static struct pst_diff *compare(const struct pst_policy_set *a, const struct pst_policy_set *b)
{
	const struct pst_diff_query q = {
		.policies = {a, b},
		.inventory = {&nobody, &nobody},
	};
	struct pst_diags *diags = pst_diags_new();
	struct pst_diff *d = NULL;
	int r = pst_diff_run(&q, diags, &d);

	assert(!r || r == -E2BIG);
	if (pst_diags_errors(diags))
		pst_diff_free(&d);
	pst_diags_free(&diags);
	return d;
}

static void check_self(const struct pst_policy_set *a)
{
	struct pst_diff *d = compare(a, a);

	if (d)
		assert(!d->n_findings);
	pst_diff_free(&d);
}

static void check_mirror(const struct pst_policy_set *a, const struct pst_policy_set *b)
{
	struct pst_diff *there = compare(a, b), *back = compare(b, a);

	if (there && back && !there->count[PST_DIFF_UNKNOWN] && !back->count[PST_DIFF_UNKNOWN]) {
		assert(there->count[PST_DIFF_WIDENED] == back->count[PST_DIFF_NARROWED]);
		assert(there->count[PST_DIFF_NARROWED] == back->count[PST_DIFF_WIDENED]);
	}
	pst_diff_free(&there);
	pst_diff_free(&back);
}

/* TEXT without one of its lines; its length. */
static size_t leave_out(char *text, size_t len)
{
	size_t lines = 1, number, at = 0, end;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	number = crc32_z(0, (const uint8_t *)text, len) % lines;
	for (; number; number--)
		at += strcspn(text + at, "\n") + 1;
	end = at + strcspn(text + at, "\n");
	end += end < len;
	memmove(text + at, text + end, len - end + 1);
	return len - (end - at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_policy_set *a, *b = NULL;
	char *text;

	if (size > MAX_TEXT || memchr(data, 0, size))
		return 0;
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = 0;
	a = parse(text, size);
	if (a) {
		check_self(a);
		size = leave_out(text, size);
		b = parse(text, size);
	}
	if (a && b)
		check_mirror(a, b);
	pst_policy_set_free(&a);
	pst_policy_set_free(&b);
	free(text);
	return 0;
}
