// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

struct output {
	char *text;
	size_t len;
	FILE *file;
	struct pst_json json;
};

static void output_init(struct output *o)
{
	*o = (struct output){0};
	o->file = open_memstream(&o->text, &o->len);
	cr_assert_not_null(o->file);
	pst_json_init(&o->json, o->file);
}

/* Ends the document, which must be EXPECTED and a line end. */
static void output_expect(struct output *o, const char *expected)
{
	cr_assert_eq(pst_json_finish(&o->json), 0);
	fclose(o->file);
	cr_assert_gt(o->len, 0);
	cr_assert_eq(o->text[o->len - 1], '\n');
	o->text[o->len - 1] = '\0';
	cr_assert_str_eq(o->text, expected);
	free(o->text);
}

Test(json, an_object_has_commas_between_its_members_only)
{
	struct output o;

	output_init(&o);
	pst_json_object(&o.json, NULL);
	pst_json_str(&o.json, "a", "x");
	pst_json_u64(&o.json, "b", UINT64_MAX);
	pst_json_i64(&o.json, "c", INT64_MIN);
	pst_json_bool(&o.json, "d", true);
	pst_json_bool(&o.json, "e", false);
	pst_json_null(&o.json, "f");
	pst_json_str(&o.json, "g", NULL);
	pst_json_end(&o.json);
	output_expect(&o, "{\"a\":\"x\",\"b\":18446744073709551615,\"c\":-9223372036854775808,"
			  "\"d\":true,\"e\":false,\"f\":null,\"g\":null}");
}

Test(json, levels_nest_and_are_told_apart)
{
	struct output o;

	output_init(&o);
	pst_json_object(&o.json, NULL);
	pst_json_array(&o.json, "empty");
	pst_json_end(&o.json);
	pst_json_array(&o.json, "list");
	pst_json_u64(&o.json, NULL, 1);
	pst_json_object(&o.json, NULL);
	pst_json_object(&o.json, "empty");
	pst_json_end(&o.json);
	pst_json_u64(&o.json, "n", 2);
	pst_json_end(&o.json);
	pst_json_array(&o.json, NULL);
	pst_json_end(&o.json);
	pst_json_u64(&o.json, NULL, 3);
	pst_json_end(&o.json);
	pst_json_u64(&o.json, "last", 4);
	pst_json_end(&o.json);
	output_expect(&o, "{\"empty\":[],\"list\":[1,{\"empty\":{},\"n\":2},[],3],\"last\":4}");
}

Test(json, a_level_forgets_the_one_before_it)
{
	struct output o;

	output_init(&o);
	pst_json_array(&o.json, NULL);
	for (unsigned int i = 1; i <= 2; i++) {
		pst_json_array(&o.json, NULL);
		pst_json_u64(&o.json, NULL, i);
		pst_json_end(&o.json);
	}
	pst_json_end(&o.json);
	output_expect(&o, "[[1],[2]]");
}

Test(json, a_scalar_is_a_document)
{
	struct output o;

	output_init(&o);
	pst_json_str(&o.json, NULL, "x");
	output_expect(&o, "\"x\"");
}

Test(json, several_documents_are_several_lines)
{
	struct output o;

	output_init(&o);
	pst_json_object(&o.json, NULL);
	pst_json_end(&o.json);
	cr_assert_eq(pst_json_finish(&o.json), 0);
	pst_json_object(&o.json, NULL);
	pst_json_end(&o.json);
	output_expect(&o, "{}\n{}");
}

Test(json, keys_are_escaped_too)
{
	struct output o;

	output_init(&o);
	pst_json_object(&o.json, NULL);
	pst_json_u64(&o.json, "a\"b\n", 1);
	pst_json_end(&o.json);
	output_expect(&o, "{\"a\\\"b\\u000a\":1}");
}

struct bytes {
	const char *title;
	char in[8];
	size_t len;
	char out[64];
};

/* What RFC 8259 demands, and each way in which bytes fail to be UTF-8 (RFC 3629). */
static struct bytes bytes_cases[] = {
	{"nothing", "", 0, ""},
	{"quote and backslash", "\"\\", 2, "\\\"\\\\"},
	{"NUL", "a\0b", 3, "a\\u0000b"},
	{"line ends and tab", "\r\n\t", 3, "\\u000d\\u000a\\u0009"},
	{"escape", "\x1b[2J", 4, "\\u001b[2J"},
	{"last control byte", "\x1f ", 2, "\\u001f "},
	{"delete", "~\x7f", 2, "~\\u007f"},
	{"slash stays", "/", 1, "/"},
	{"controls beyond ASCII", "\xc2\x80\xc2\x9f", 4, "\\u0080\\u009f"},
	{"behind those controls", "\xc2\xa0", 2, "\xc2\xa0"},
	{"two bytes, last", "\xdf\xbf", 2, "\xdf\xbf"},
	{"three bytes, first", "\xe0\xa0\x80", 3, "\xe0\xa0\x80"},
	{"before the surrogates", "\xed\x9f\xbf", 3, "\xed\x9f\xbf"},
	{"after the surrogates", "\xee\x80\x80", 3, "\xee\x80\x80"},
	{"three bytes, last", "\xef\xbf\xbf", 3, "\xef\xbf\xbf"},
	{"four bytes, first", "\xf0\x90\x80\x80", 4, "\xf0\x90\x80\x80"},
	{"four bytes, last", "\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf"},
	{"beyond the last", "\xf4\x90\x80\x80", 4, "\\ufffd\\ufffd\\ufffd\\ufffd"},
	{"first surrogate", "\xed\xa0\x80", 3, "\\ufffd\\ufffd\\ufffd"},
	{"last surrogate", "\xed\xbf\xbf", 3, "\\ufffd\\ufffd\\ufffd"},
	{"overlong NUL", "\xc0\x80", 2, "\\ufffd\\ufffd"},
	{"overlong delete", "\xc1\xbf", 2, "\\ufffd\\ufffd"},
	{"overlong quote", "\xc0\xa2", 2, "\\ufffd\\ufffd"},
	{"overlong, three bytes", "\xe0\x9f\xbf", 3, "\\ufffd\\ufffd\\ufffd"},
	{"overlong, four bytes", "\xf0\x8f\xbf\xbf", 4, "\\ufffd\\ufffd\\ufffd\\ufffd"},
	{"continuation alone", "a\x80z", 3, "a\\ufffdz"},
	{"no such lead", "\xf8\x88\x80\x80\x80", 5, "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"},
	{"0xfe and 0xff", "\xfe\xff", 2, "\\ufffd\\ufffd"},
	{"cut after the lead", "\xc3", 1, "\\ufffd"},
	{"cut in three bytes", "\xe2\x82", 2, "\\ufffd\\ufffd"},
	{"cut in four bytes", "\xf0\x9f\x92", 3, "\\ufffd\\ufffd\\ufffd"},
	{"a quote eaten by a lead", "\xc3\"", 2, "\\ufffd\\\""},
	{"a control byte in a sequence", "\xe2\x82\n", 3, "\\ufffd\\ufffd\\u000a"},
};

ParameterizedTestParameters(json, hostile_bytes_become_valid_json)
{
	return cr_make_param_array(struct bytes, bytes_cases,
				   sizeof(bytes_cases) / sizeof(*bytes_cases), NULL);
}

ParameterizedTest(struct bytes *c, json, hostile_bytes_become_valid_json)
{
	struct output o;
	char expected[sizeof(c->out) + 2];

	snprintf(expected, sizeof(expected), "\"%s\"", c->out);
	output_init(&o);
	pst_json_strn(&o.json, NULL, c->in, c->len);
	output_expect(&o, expected);
}

/* A sequence that is cut must not be completed from the bytes behind it: they are not ours. */
Test(json, nothing_is_read_behind_the_length)
{
	struct output o;
	pst_auto_free char *cut = pst_mem_calloc(1, 1);

	*cut = '\xf0';
	output_init(&o);
	pst_json_strn(&o.json, NULL, cut, 1);
	output_expect(&o, "\"\\ufffd\"");
}

static void open_arrays(struct pst_json *j, int n)
{
	for (int i = 0; i < n; i++)
		pst_json_array(j, NULL);
}

/* 31 levels below the outermost value: as deep as the header promises. */
Test(json, the_deepest_level_knows_its_commas)
{
	struct output o;
	char expected[80] = "";
	size_t n = 0;

	output_init(&o);
	open_arrays(&o.json, 31);
	pst_json_u64(&o.json, NULL, 1);
	pst_json_u64(&o.json, NULL, 2);
	for (int i = 0; i < 31; i++)
		pst_json_end(&o.json);
	n = (size_t)snprintf(expected, sizeof(expected), "%.*s1,2", 31,
			     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
	snprintf(expected + n, sizeof(expected) - n, "%.*s", 31, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	output_expect(&o, expected);
}

Test(json, deeper_is_a_programming_error, .signal = SIGABRT)
{
	struct output o;

	output_init(&o);
	open_arrays(&o.json, 32);
}

Test(json, an_end_too_many_is_a_programming_error, .signal = SIGABRT)
{
	struct output o;

	output_init(&o);
	pst_json_end(&o.json);
}

Test(json, a_write_error_is_reported_at_the_end)
{
	pst_auto_file FILE *full = fopen("/dev/full", "w");
	struct pst_json j;

	cr_assert_not_null(full);
	pst_json_init(&j, full);
	pst_json_str(&j, NULL, "x");
	cr_assert_eq(pst_json_finish(&j), -EIO);
}

/* Nothing is left to flush then; the error happened on the way. */
Test(json, an_early_write_error_is_not_forgotten)
{
	pst_auto_file FILE *full = fopen("/dev/full", "w");
	struct pst_json j;

	cr_assert_not_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	pst_json_init(&j, full);
	pst_json_str(&j, NULL, "x");
	cr_assert_eq(pst_json_finish(&j), -EIO);
}
