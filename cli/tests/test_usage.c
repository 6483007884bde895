// SPDX-License-Identifier: Apache-2.0
#include "cli/usage.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/tests/run.h"

static const struct pst_cli_option options[] = {
	{.name = "output", .letter = 'o', .arg = "FILE", .help = "where it goes"},
	{.name = "include", .arg = "DIR", .many = true, .help = "more of it"},
	{.name = "quiet", .letter = 'q', .help = "say nothing"},
};
static const struct pst_cli_verb verb = {
	.name = "verb",
	.synopsis = "[FILE]...",
	.options = options,
	.n_options = 3,
};

static int parse(char *text, struct pst_cli_args *args)
{
	static char *argv[16];
	char *save = NULL;
	int n = 0;

	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	return pst_cli_parse(&verb, n, argv, args);
}

Test(usage, options_and_operands_are_read_in_any_order_and_form)
{
	char text[] = "verb a --include=x -q b --output out --include y";
	struct pst_cli_args args;

	cr_assert_eq(parse(text, &args), 0);
	cr_assert_eq(args.operands.n, 2);
	cr_assert_str_eq(args.operands.v[1], "b");
	cr_assert_str_eq(pst_cli_value(&args, "output"), "out");
	cr_assert_eq(pst_cli_all(&args, "include")->n, 2);
	cr_assert_str_eq(pst_cli_all(&args, "include")->v[1], "y");
	cr_assert_not_null(pst_cli_value(&args, "quiet"));
	cr_assert_eq(args.given.n, 4);
	cr_assert_str_eq(args.given.v[1].option->name, "quiet");
	cr_assert_str_eq(args.given.v[1].value, "");
	cr_assert_str_eq(args.given.v[3].option->name, "include");
	cr_assert_str_eq(args.given.v[3].value, "y");
	pst_cli_args_fini(&args);
}

Test(usage, a_letter_takes_its_value_behind_it_or_in_the_same_word)
{
	char apart[] = "verb -o out", joined[] = "verb -oout";
	struct pst_cli_args args;

	cr_assert_eq(parse(apart, &args), 0);
	cr_assert_str_eq(pst_cli_value(&args, "output"), "out");
	pst_cli_args_fini(&args);
	cr_assert_eq(parse(joined, &args), 0);
	cr_assert_str_eq(pst_cli_value(&args, "output"), "out");
	pst_cli_args_fini(&args);
}

Test(usage, two_dashes_end_the_options_and_one_dash_is_an_operand)
{
	char text[] = "verb - -- --output -q";
	struct pst_cli_args args;

	cr_assert_eq(parse(text, &args), 0);
	cr_assert_eq(args.operands.n, 3);
	cr_assert_str_eq(args.operands.v[1], "--output");
	cr_assert_null(pst_cli_value(&args, "output"));
	pst_cli_args_fini(&args);
}

Test(usage, mistakes_are_refused)
{
	static const char *const lines[] = {
		"verb --nothing", "verb -x",	    "verb --output", "verb -o",
		"verb -o a -o b", "verb --quiet=1", "verb -qx",	     "verb --outpu=x",
	};
	struct pst_cli_args args;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		pst_auto_free char *copy = strdup(lines[i]);

		cr_assert_eq(parse(copy, &args), -EINVAL, "%s", lines[i]);
	}
}

Test(usage, every_verb_has_words_and_every_option_too)
{
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		cr_assert(v->synopsis && v->summary && v->exit_status && v->run, "%s", v->name);
		cr_assert_eq(pst_cli_verb_find(v->name), v);
		for (size_t i = 0; i < v->n_options; i++) {
			char dashed[64];

			snprintf(dashed, sizeof(dashed), "--%s", v->options[i].name);
			cr_assert(v->options[i].help, "%s %s", v->name, dashed);
		}
	}
	cr_assert_null(pst_cli_verb_find("no such verb"));
}

Test(usage, help_names_every_option)
{
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		pst_auto_free char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		pst_cli_print_help(v, out);
		fclose(out);
		cr_assert(strstr(text, v->synopsis));
		for (size_t i = 0; i < v->n_options; i++) {
			char dashed[64];

			snprintf(dashed, sizeof(dashed), "--%s", v->options[i].name);
			cr_assert(strstr(text, dashed), "%s %s", v->name, dashed);
		}
	}
}

Test(usage, the_manual_page_is_what_the_table_says)
{
	pst_auto_free char *text = NULL, *page = NULL;
	pst_auto_file FILE *file = fopen("docs/postern.1", "r");
	size_t len = 0, page_len = 0;
	FILE *out = open_memstream(&text, &len);

	pst_cli_print_man(out);
	fclose(out);
	cr_assert_not_null(file, "run from the root of the repository");
	cr_assert_gt(getdelim(&page, &page_len, 0, file), 0);
	cr_assert_str_eq(page, text, "write it anew: postern help --man > docs/postern.1");
}

Test(usage, usage_errors_are_told_by_every_verb_with_status_2)
{
	expect_run("compile --nothing", 2, NULL, "there is no option --nothing");
	expect_run("compile a.yaml", 2, NULL, "expected -o BUNDLE");
	expect_run("compile -o x", 2, NULL, "expected at least one policy");
	expect_run("compile a.yaml -o x --format xml", 2, NULL, "found \"xml\"");
	expect_run("inspect", 2, NULL, "expected one BUNDLE");
	expect_run("inspect a b", 2, NULL, "found 2 operands");
	expect_run("explain", 2, NULL, "--policy");
	expect_run("explain x --policy p", 2, NULL, "no operand");
	expect_run("explain --policy p --direction in", 2, NULL, "found \"in\"");
	expect_run("explain --policy p --direction ingress", 2, NULL, "--from PEER");
	expect_run("explain --policy p --direction ingress --from a=b --to =", 2, NULL, "--to:");
	expect_run("explain --policy p --direction ingress --from a=b --to c=d", 2, NULL, "--port");
	expect_run("explain --policy p --direction ingress --from a=b --to c=d --port 65536", 2,
		   NULL, "65535");
	expect_run("explain --policy p --direction ingress --from a=b --to c=d --port +1", 2, NULL,
		   "found \"+1\"");
	expect_run("explain --policy p --direction ingress --from a=b --to c=d --port 1 "
		   "--protocol X",
		   2, NULL, "found \"X\"");
	expect_run("explain --policy p --direction ingress --from a=b --to c=d --port 1 "
		   "--protocol UDP --path /",
		   2, NULL, "TCP");
	expect_run("explain --policy p --direction ingress --from a=b --to c=d --port 1 "
		   "--raw f --path /",
		   2, NULL, "--raw");
	expect_run("explain --cases f --port 1", 2, NULL, "--port cannot be combined");
	expect_run("explain --cases f --format xml", 2, NULL, "found \"xml\"");
	expect_run("compile a.yaml -o -", 2, NULL, "standard output has the report");
}

Test(usage, standard_input_is_one_file)
{
	static const char two[] = "for one file, found it for 2";

	expect_run("lint - -", 2, NULL, two);
	expect_run("compile - --inventory - -o x", 2, NULL, two);
	expect_run("diff - x --new-inventory -", 2, NULL, two);
	expect_run("explain --policy - --cases -", 2, NULL, two);
	expect_run("test - -", 2, NULL, two);
}

Test(usage, what_is_read_is_not_written_over)
{
	const char *path = write_temp("read.yaml", "a: b\n", 5);
	char line[512], text[16] = "";
	FILE *file;

	snprintf(line, sizeof(line), "lint %s -o %s", path, path);
	expect_run(line, 2, NULL, "expected another file behind -o");
	snprintf(line, sizeof(line), "compile x --inventory %s -o /tmp/../%s", path, path);
	expect_run(line, 2, NULL, "which is read");
	file = fopen(path, "r");
	cr_assert_not_null(file);
	cr_expect_not_null(fgets(text, sizeof(text), file));
	cr_expect_str_eq(text, "a: b\n");
	fclose(file);
	snprintf(line, sizeof(line), "lint testdata/policies/good/backend-api.yaml -o %s", path);
	expect_run(line, 0, NULL, "0 errors");
	remove(path);
}

Test(usage, an_empty_name_of_a_file_is_a_usage_error_that_says_where)
{
	static const char *const operands[][4] = {
		{"lint", ""}, {"compile", "", "-ox"}, {"inspect", ""},
		{"test", ""}, {"diff", "", "x"},
	};

	for (size_t i = 0; i < sizeof(operands) / sizeof(*operands); i++) {
		struct run r = run_list(operands[i]);

		cr_expect_eq(r.status, 2, "%s: %d", operands[i][0], r.status);
		cr_expect_str_empty(r.out);
		cr_expect(strstr(r.err, "expected the name of a file, found \"\""), "%s", r.err);
		run_fini(&r);
	}
	expect_run("lint x --config=", 2, NULL, "expected FILE behind --config, found \"\"");
	expect_run("lint x --baseline=", 2, NULL, "behind --baseline");
	expect_run("lint x --output=", 2, NULL, "behind --output");
	expect_run("compile x --output=", 2, NULL, "expected BUNDLE behind --output");
	expect_run("explain --policy=", 2, NULL, "behind --policy");
	expect_run("explain --cases=", 2, NULL, "behind --cases");
	expect_run("observe --input-file=", 2, NULL, "behind --input-file");
	expect_run("status --socket=", 2, NULL, "expected PATH behind --socket");
	expect_run("doctor --posternd=", 2, NULL, "behind --posternd");
}
