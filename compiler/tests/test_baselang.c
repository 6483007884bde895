// SPDX-License-Identifier: Apache-2.0
/*
 * The base languages against the core itself: each text is put into a head, the recogniser runs
 * over it, and the automaton must say what the recogniser did.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpf/http.h"
#include "compiler/baselang.h"
#include "compiler/tests/re_random.h"

enum { MAX_TEXT = 40, MAX_HEAD = 128 };

/* A table without automata: nothing is ever allowed, but the grammar runs. Field names need theirs,
 * for "Host". */
struct core {
	struct pst_table *table;
};

/* An automaton for the four letters of "Host", tag PST_HEADER_HOST. Its rows lie far apart. */
static void core_init(struct core *c)
{
	enum { ROW = 1000 };
	static const char name[] = "Host";

	c->table = calloc(1, sizeof(*c->table));
	for (unsigned int b = 0; b < 256; b++)
		c->table->classes[b] = PST_COLUMN_CLASS;
	for (uint32_t i = 0; i < 4; i++) {
		const uint32_t column = PST_COLUMN_CLASS + 1 + i;

		c->table->classes[(unsigned char)name[i]] = (uint8_t)column;
		c->table->cells[(1 + i) * ROW + column] =
			(2 + i) * ROW | column << PST_COLUMN_SHIFT;
	}
	c->table->cells[5 * ROW + PST_COLUMN_TAGS] = 1 | PST_COLUMN_TAGS << PST_COLUMN_SHIFT;
	c->table->tags[1] = PST_HEADER_HOST;
	c->table->rulesets[0].name_start = ROW;
}

static void core_fini(struct core *c)
{
	free(c->table);
}

/* Feeds HEAD and says where the recogniser stands. */
static struct pst_http run(const struct core *c, const char *head, size_t len)
{
	struct pst_http h;

	pst_http_request(&h, c->table, 0);
	for (size_t at = 0; at < len && !pst_http_stopped(&h); at += PST_HTTP_CHUNK) {
		struct pst_http_bytes bytes = {0};
		size_t n = len - at < PST_HTTP_CHUNK ? len - at : PST_HTTP_CHUNK;

		memcpy(bytes.words, head + at, n);
		pst_http_feed(&h, c->table, &bytes, (uint32_t)n);
	}
	return h;
}

/* What stands before and behind the text of each field in an otherwise good head. */
static const struct {
	const char *before, *after;
} frames[PST_FIELD_MAX] = {
	[PST_FIELD_METHOD] = {"", " / HTTP/1.1\r\nHost: a\r\n\r\n"},
	[PST_FIELD_PATH] = {"GET ", " HTTP/1.1\r\nHost: a\r\n\r\n"},
	[PST_FIELD_HOST] = {"GET / HTTP/1.1\r\nHost: ", "\r\n\r\n"},
};

/* Would the text be taken for something else: a blank ends it, a line end begins a new line? */
static bool leaves_its_field(const char *text, size_t len)
{
	return memchr(text, ' ', len) || memchr(text, '\t', len) || memchr(text, '\r', len) ||
	       memchr(text, '\n', len);
}

static bool core_accepts(const struct core *c, enum pst_field field, const char *text, size_t len)
{
	char head[MAX_HEAD + MAX_TEXT];
	const size_t before = strlen(frames[field].before), after = strlen(frames[field].after);

	memcpy(head, frames[field].before, before);
	memcpy(head + before, text, len);
	memcpy(head + before + len, frames[field].after, after);
	return run(c, head, before + len + after).state == PST_HTTP_DONE;
}

static bool base_accepts(const struct pst_baselang *b, enum pst_field field, const char *text,
			 size_t len)
{
	const struct pst_lang_base *base = pst_baselang_of(b, field);

	return len <= base->max_len && pst_automaton_match(base->automaton, text, len);
}

struct fixture {
	struct core core;
	struct pst_baselang *base;
	size_t accepted, refused;
};

static void fixture_init(struct fixture *x)
{
	*x = (struct fixture){.accepted = 0};
	core_init(&x->core);
	cr_assert_eq(pst_baselang_new(&x->base), 0);
}

static void fixture_fini(struct fixture *x)
{
	pst_baselang_free(&x->base);
	core_fini(&x->core);
}

static void compare(struct fixture *x, enum pst_field field, const char *text, size_t len)
{
	const bool ours = base_accepts(x->base, field, text, len);

	if (leaves_its_field(text, len))
		cr_assert(!ours, "field %d: '%.*s' holds a blank or a line end", field, (int)len,
			  text);
	else
		cr_assert_eq(ours, core_accepts(&x->core, field, text, len),
			     "field %d: '%.*s': the base language says %d", field, (int)len, text,
			     ours);
	if (ours)
		x->accepted++;
	else
		x->refused++;
}

/* One byte of each class of the recogniser's table: no other byte behaves differently there. */
static size_t representatives(char *ret_bytes)
{
	bool seen[256] = {false};
	size_t n = 0;

	for (unsigned int b = 0; b < 256; b++) {
		if (seen[pst_http_class[b]])
			continue;
		seen[pst_http_class[b]] = true;
		ret_bytes[n++] = (char)b;
	}
	return n;
}

static void all_texts(struct fixture *x, enum pst_field field, size_t max_len)
{
	char letters[256], text[MAX_TEXT];
	const size_t k = representatives(letters);
	size_t count = 1;

	for (size_t len = 0; len <= max_len; len++, count *= k) {
		for (size_t i = 0; i < count; i++) {
			for (size_t at = 0, rest = i; at < len; at++, rest /= k)
				text[at] = letters[rest % k];
			compare(x, field, text, len);
		}
	}
}

Test(baselang, holds_exactly_the_short_texts_that_the_core_lets_through)
{
	struct fixture x;

	fixture_init(&x);
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		x.accepted = x.refused = 0;
		all_texts(&x, f, 3);
		cr_assert_gt(x.accepted, 100, "field %d", f);
		cr_assert_gt(x.refused, 100, "field %d", f);
	}
	fixture_fini(&x);
}

static const char *const pieces[PST_FIELD_MAX][12] = {
	[PST_FIELD_METHOD] = {"C", "CO", "NN", "CONNEC", "T", "CONNECT", "GET", "!", "x", "\x7f",
			      "(", "1"},
	[PST_FIELD_PATH] = {"/", "/", "a", ".", "..", "%2", "%4", "?", "E", "0", ";", "\\"},
	[PST_FIELD_HOST] = {"a", "[", "]", ":", "8", "::1", ".", "-", "f", "g", "_", "[::1]:80"},
};

static size_t random_text(struct re_random *r, enum pst_field field, char *text)
{
	size_t len = 0, n = 1 + re_random_below(r, 7);

	for (size_t i = 0; i < n; i++) {
		const char *piece = pieces[field][re_random_below(r, 12)];

		if (len + strlen(piece) >= MAX_TEXT)
			break;
		memcpy(text + len, piece, strlen(piece));
		len += strlen(piece);
	}
	if (len && !re_random_below(r, 8))
		text[re_random_below(r, (uint32_t)len)] = (char)re_random_below(r, 256);
	return len;
}

Test(baselang, agrees_with_the_core_about_random_texts)
{
	enum { SEED = 7, ROUNDS = 300000 };
	struct re_random random = {SEED};
	struct fixture x;

	fixture_init(&x);
	for (int i = 0; i < ROUNDS; i++) {
		char text[MAX_TEXT];
		enum pst_field field = re_random_below(&random, PST_FIELD_MAX);

		compare(&x, field, text, random_text(&random, field, text));
	}
	cr_assert_gt(x.accepted, ROUNDS / 10);
	cr_assert_gt(x.refused, ROUNDS / 10);
	fixture_fini(&x);
}

/* A head whose FIELD is FIRST and then FILL, LEN bytes in all; the length of the head. */
static size_t long_head(enum pst_field field, const char *letters, uint32_t len, char *head)
{
	const size_t before = strlen(frames[field].before), after = strlen(frames[field].after);

	memcpy(head, frames[field].before, before);
	memset(head + before, letters[1], len);
	head[before] = letters[0];
	memcpy(head + before + len, frames[field].after, after);
	return before + len + after;
}

Test(baselang, ends_where_the_core_finds_a_method_or_a_target_too_long)
{
	static const char *const letters[PST_FIELD_MAX] = {"AA", "/a", "aa"};
	struct fixture x;

	fixture_init(&x);
	for (int f = PST_FIELD_METHOD; f <= PST_FIELD_PATH; f++) {
		const uint32_t max = pst_baselang_of(x.base, f)->max_len;

		for (uint32_t len = max; len <= max + 1; len++) {
			char *head = calloc(1, MAX_HEAD + len);
			const size_t n = long_head(f, letters[f], len, head);

			cr_assert_eq(run(&x.core, head, n).state == PST_HTTP_DONE, len == max,
				     "field %d, %u bytes", f, len);
			free(head);
		}
	}
	fixture_fini(&x);
}

/* The longest method, target and Host together are a head that the core still takes. */
Test(baselang, the_longest_texts_of_all_three_fit_one_head)
{
	struct fixture x;
	uint32_t max[PST_FIELD_MAX];
	char *head = calloc(1, PST_MAX_HEAD + 2);
	size_t n;

	fixture_init(&x);
	for (int f = 0; f < PST_FIELD_MAX; f++)
		max[f] = pst_baselang_of(x.base, f)->max_len;
	for (uint32_t more = 0; more <= 1; more++) {
		memset(head, 'a', PST_MAX_HEAD + 1);
		memset(head, 'A', max[0]);
		memcpy(head + max[0], " /", 2);
		memcpy(head + max[0] + 1 + max[1], " HTTP/1.1\r\nHost: ", 17);
		n = max[0] + 1 + max[1] + 17 + max[2] + more;
		memcpy(head + n, "\r\n\r\n", 4);
		cr_assert_eq(run(&x.core, head, n + 4).state == PST_HTTP_DONE, !more);
	}
	free(head);
	fixture_fini(&x);
}

Test(baselang, survives_the_failure_of_any_allocation)
{
	bool done = false;

	for (long n = 0; !done; n++) {
		struct pst_baselang *b = NULL;
		int r;

		pst_mem_fail_after(n);
		r = pst_baselang_new(&b);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(r, done ? 0 : -ENOMEM, "allocation %ld", n);
		cr_assert_eq(!b, !done);
		pst_baselang_free(&b);
	}
}
