// SPDX-License-Identifier: Apache-2.0
#include "base/diag.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const struct pst_pos place = {"a.yaml", 3, 7, 3, 9};
static const struct pst_pos whole_file = {.file = "a.yaml"};
static const struct pst_pos nowhere = {0};

/* Prints D into a string, which the caller frees. */
static char *printed(const struct pst_diags *d)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	pst_diags_print(d, out);
	fclose(out);
	cr_assert_eq(strlen(text), len, "no NUL reaches the output");
	return text;
}

static void expect_printed(struct pst_diags *d, const char *expected)
{
	pst_auto_free char *text = printed(d);

	cr_assert_str_eq(text, expected);
}

Test(diag, an_empty_list_has_nothing_to_say)
{
	struct pst_diags *d = pst_diags_new();

	cr_assert_eq(pst_diags_count(d), 0);
	cr_assert_eq(pst_diags_errors(d), 0);
	expect_printed(d, "");
	pst_diags_free(&d);
	cr_assert_null(d);
	pst_diags_free(&d);
}

Test(diag, the_text_form_is_that_of_compilers)
{
	struct pst_diags *d = pst_diags_new();

	cr_assert_eq(pst_diags_error(d, "bad-port", &place, "expected a port, found '%s'", "x"),
		     -EINVAL);
	pst_diags_add(d, PST_SEVERITY_WARNING, "dead-rule", &place, "never matches");
	pst_diags_add(d, PST_SEVERITY_INFO, "empty", &whole_file, "no policies");
	pst_diags_add(d, PST_SEVERITY_INFO, "hint", &nowhere, "from the command line");
	expect_printed(d, "a.yaml:3:7: error: expected a port, found 'x' [bad-port]\n"
			  "a.yaml:3:7: warning: never matches [dead-rule]\n"
			  "a.yaml: info: no policies [empty]\n"
			  "info: from the command line [hint]\n");
	pst_diags_free(&d);
}

Test(diag, only_errors_count_as_errors)
{
	struct pst_diags *d = pst_diags_new();

	pst_diags_add(d, PST_SEVERITY_WARNING, "w", &place, "w");
	pst_diags_add(d, PST_SEVERITY_INFO, "i", &place, "i");
	cr_assert_eq(pst_diags_errors(d), 0);
	pst_diags_add(d, PST_SEVERITY_ERROR, "e", &place, "e");
	pst_diags_error(d, "e", &place, "e");
	cr_assert_eq(pst_diags_errors(d), 2);
	cr_assert_eq(pst_diags_count(d), 4);
	pst_diags_free(&d);
}

Test(diag, a_diagnostic_keeps_its_place_and_owns_its_texts)
{
	struct pst_diags *d = pst_diags_new();
	char file[] = "b.yaml";
	struct pst_pos pos = {file, 1, 2, 4, 5};
	const struct pst_diag *diag;

	pst_diags_error(d, "id", &pos, "message");
	memset(file, 'x', sizeof(file) - 1);
	diag = pst_diags_at(d, 0);
	cr_assert_str_eq(diag->pos.file, "b.yaml");
	cr_assert_eq(diag->pos.line, 1);
	cr_assert_eq(diag->pos.col, 2);
	cr_assert_eq(diag->pos.end_line, 4);
	cr_assert_eq(diag->pos.end_col, 5);
	cr_assert_str_eq(diag->message, "message");
	cr_assert_str_eq(diag->id, "id");
	pst_diags_free(&d);
}

/* A policy file must not be able to move the cursor or forge a line in somebody's CI log. */
Test(diag, control_bytes_are_shown_and_not_obeyed)
{
	struct pst_diags *d = pst_diags_new();
	struct pst_pos pos = {"a\nb.yaml", 1, 1, 1, 2};

	pst_diags_error(d, "id", &pos, "found '%s'", "\x1b[2J\r\n\x01\x1f\x7f\t");
	expect_printed(d, "a\\x0ab.yaml:1:1: error: "
			  "found '\\x1b[2J\\x0d\\x0a\\x01\\x1f\\x7f\\x09' [id]\n");
	pst_diags_free(&d);
}

Test(diag, text_in_utf8_stays_readable)
{
	struct pst_diags *d = pst_diags_new();

	pst_diags_error(d, "id", &nowhere, "found '%s'", "gr\xc3\xbc\xc3\x9f");
	expect_printed(d, "error: found 'gr\xc3\xbc\xc3\x9f' [id]\n");
	pst_diags_free(&d);
}

/* Terminals obey U+0080 to U+009F like escape sequences, and some the bare bytes as well. */
Test(diag, control_characters_beyond_ascii_are_shown_as_well)
{
	struct pst_diags *d = pst_diags_new();

	pst_diags_error(d, "id", &nowhere, "%s",
			"\xc2\x9b"
			"2J \x9b \xff \xc2");
	expect_printed(d, "error: \\xc2\\x9b2J \\x9b \\xff \\xc2 [id]\n");
	pst_diags_free(&d);
}

Test(diag, a_message_that_is_too_long_is_cut_and_counted)
{
	struct pst_diags *d = pst_diags_new();
	pst_auto_free char *text = pst_mem_calloc(1, 5001);

	memset(text, 'x', 5000);
	pst_diags_error(d, "id", &nowhere, "%s", text);
	cr_assert_eq(pst_diags_errors(d), 1);
	cr_assert_lt(strlen(pst_diags_at(d, 0)->message), 5000);
	cr_assert_gt(strlen(pst_diags_at(d, 0)->message), 1000);
	pst_diags_free(&d);
}

Test(diag, new_reports_each_lack_of_memory)
{
	struct pst_diags *d;

	for (long n = 0; n < 2; n++) {
		pst_mem_fail_after(n);
		cr_assert_null(pst_diags_new(), "allocation %ld", n);
	}
	pst_mem_fail_after(2);
	d = pst_diags_new();
	cr_assert_not_null(d);
	pst_mem_fail_after(-1);
	pst_diags_free(&d);
}

/* Whatever cannot be stored, even a mere hint: the input has not been seen to be fine. */
Test(diag, what_is_lost_for_want_of_memory_counts_as_an_error)
{
	bool failed = true;

	for (long n = 0; failed; n++) {
		struct pst_diags *d = pst_diags_new();

		pst_mem_fail_after(n);
		pst_diags_add(d, PST_SEVERITY_INFO, "id", &place, "hint");
		failed = pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(pst_diags_errors(d) > 0, failed, "allocation %ld", n);
		cr_assert_eq(pst_diags_is_lossy(d), failed, "allocation %ld", n);
		free(printed(d));
		pst_diags_free(&d);
	}
}

/* The file's name is a second copy in the arena: it fails alone when the block is just full. */
Test(diag, a_lost_file_name_counts_as_an_error)
{
	pst_auto_free char *name = pst_mem_calloc(1, 70001);
	struct pst_diags *d = pst_diags_new();
	struct pst_pos pos = {.file = name, .line = 1, .col = 1};

	memset(name, 'f', 70000);
	pst_mem_fail_after(1);
	pst_diags_add(d, PST_SEVERITY_INFO, "id", &pos, "hint");
	cr_assert(pst_mem_failed());
	cr_assert_gt(pst_diags_errors(d), 0);
	pst_mem_fail_after(-1);
	pst_diags_free(&d);
}

Test(diag, severities_have_names)
{
	cr_assert_str_eq(pst_severity_str(PST_SEVERITY_ERROR), "error");
	cr_assert_str_eq(pst_severity_str(PST_SEVERITY_WARNING), "warning");
	cr_assert_str_eq(pst_severity_str(PST_SEVERITY_INFO), "info");
}

Test(diag, notes_follow_their_diagnostic_in_the_order_in_which_they_came)
{
	struct pst_diags *d = pst_diags_new();

	pst_diags_note(d, &place, "a note to nothing is dropped");
	pst_diags_error(d, "twice", &place, "twice");
	pst_diags_note(d, &(struct pst_pos){"b.yaml", 1, 2, 1, 3}, "first %s", "here");
	pst_diags_note(d, &nowhere, "then there");
	pst_diags_error(d, "once", &place, "once");
	expect_printed(d, "a.yaml:3:7: error: twice [twice]\n"
			  "b.yaml:1:2: note: first here\n"
			  "note: then there\n"
			  "a.yaml:3:7: error: once [once]\n");
	cr_expect_eq(pst_diags_errors(d), 2, "a note is no error of its own");
	pst_diags_free(&d);
}

Test(diag, a_note_to_a_lost_diagnostic_is_lost_with_it)
{
	struct pst_diags *d = pst_diags_new();

	pst_diags_error(d, "kept", &place, "kept");
	pst_mem_fail_after(0);
	for (int i = 0; i < 10000 && !pst_mem_failed(); i++)
		pst_diags_error(d, "filler", &place, "filler");
	pst_mem_fail_after(-1);
	pst_diags_note(d, &place, "belongs to the lost one");
	for (size_t i = 0; i < pst_diags_count(d); i++)
		cr_assert_null(pst_diags_at(d, i)->notes);
	pst_diags_free(&d);
}

Test(diag, a_list_that_is_full_says_so_once_and_goes_on_counting)
{
	struct pst_diags *d = pst_diags_new();

	for (int i = 0; i < PST_DIAGS_MAX + 10; i++)
		pst_diags_add(d, PST_SEVERITY_INFO, "x", &place, "x");
	cr_expect_eq(pst_diags_count(d), PST_DIAGS_MAX + 1);
	cr_expect_str_eq(pst_diags_at(d, PST_DIAGS_MAX)->id, "too-many-diagnostics");
	cr_expect_geq(pst_diags_errors(d), 1, "what is not kept may have been an error");
	pst_diags_note(d, &place, "a note to one that is not kept");
	cr_expect_null(pst_diags_at(d, PST_DIAGS_MAX)->notes);
	pst_diags_free(&d);
}
