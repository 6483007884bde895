// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/log.h"
#include "compiler/automaton.h"
#include "compiler/pack.h"

static const char usage[] =
	"usage: postern regex [--format text|json] PATTERN\n"
	"\n"
	"Reads lines from standard input and writes one line for each: 1 if PATTERN (RE2 syntax)\n"
	"matches all of it, 0 if not. With --format json it reads nothing and tells the size of the\n"
	"pattern's automaton and whether it fits the kernel.\n"
	"\n"
	"Exit status: 0; 1 PATTERN is invalid, or too big to be matched; 2 usage; 3 could not run.\n";

struct options {
	const char *pattern;
	bool json;
	bool help;
};

static int usage_error(const char *what, const char *arg)
{
	fprintf(stderr, "postern regex: %s%s\n%s", what, arg, usage);
	return -EINVAL;
}

static int parse_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option longs[] = {
		{"format", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct options o = {0};
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:h", longs, NULL)) != -1) {
		if (c == 'h')
			o.help = true;
		else if (c == ':')
			return usage_error("expected a value behind ", argv[optind - 1]);
		else if (c == '?')
			return usage_error("no such option: ", argv[optind - 1]);
		else if (!strcmp(optarg, "json"))
			o.json = true;
		else if (!strcmp(optarg, "text"))
			o.json = false;
		else
			return usage_error("expected text or json behind --format, found ", optarg);
	}
	if (!o.help && optind + 1 != argc)
		return usage_error("expected one PATTERN", "");
	o.pattern = argv[optind];
	*ret_options = o;
	return 0;
}

static int match_lines(const struct pst_automaton *a, FILE *in, FILE *out)
{
	pst_auto_free char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, in)) >= 0) {
		if (len && line[len - 1] == '\n')
			len--;
		fputs(pst_automaton_match(a, line, (size_t)len) ? "1\n" : "0\n", out);
	}
	if (ferror(in))
		return pst_log_err(-EIO, "cannot read standard input");
	if (fflush(out) || ferror(out))
		return pst_log_err(-EIO, "cannot write standard output");
	return 0;
}

/* What the automaton takes in the kernel's tables. */
struct kernel_size {
	bool fits;
	uint64_t bytes;
};

static int measure(const struct pst_automaton *a, struct kernel_size *ret_size)
{
	struct pst_packer packer;
	struct pst_packed packed;
	struct pst_pack_full full;
	struct kernel_size size = {
		/* A row is the tag index and one cell per class; the dead row is shared. */
		.bytes = (a->n_states - 1) * (UINT64_C(1) + a->n_classes) * sizeof(uint32_t) +
			 sizeof(a->class_of),
	};
	int r = pst_packer_init(&packer);

	if (r)
		return pst_log_err(r, "cannot measure the automaton");
	r = pst_packer_add(&packer, a, &packed, &full);
	pst_packer_fini(&packer);
	if (r && r != -E2BIG)
		return pst_log_err(r, "cannot measure the automaton");
	size.fits = !r;
	*ret_size = size;
	return 0;
}

/* A is NULL for a pattern that is valid, but over the compiler's budget. */
static int print_json(const char *pattern, const struct pst_automaton *a)
{
	struct kernel_size size = {0};
	struct pst_json j;
	int r = a ? measure(a, &size) : 0;

	if (r)
		return r;
	pst_json_init(&j, stdout);
	pst_json_object(&j, NULL);
	pst_json_str(&j, "pattern", pattern);
	if (a) {
		pst_json_u64(&j, "states", a->n_states);
		pst_json_u64(&j, "classes", a->n_classes);
		pst_json_u64(&j, "bytes", size.bytes);
	} else {
		pst_json_null(&j, "states");
		pst_json_null(&j, "classes");
		pst_json_null(&j, "bytes");
	}
	pst_json_bool(&j, "fits_kernel", size.fits);
	pst_json_end(&j);
	r = pst_json_finish(&j);
	return r ? pst_log_err(r, "cannot write standard output") : 0;
}

static int build(const char *re, struct pst_diags *diags, struct pst_automaton **ret_automaton)
{
	const size_t len = strlen(re);
	const struct pst_pattern pattern = {
		.re = re,
		.len = len,
		.pos = {.line = 1, .col = 1, .end_line = 1, .end_col = (uint32_t)len + 1},
		.tag = 1,
	};
	int r = pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags,
				    ret_automaton);

	pst_diags_print(diags, stderr);
	return r;
}

static int run(const struct options *o)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	int r = diags ? build(o->pattern, diags, &a) : -ENOMEM, status = PST_EXIT_OK;

	pst_diags_free(&diags);
	if (r == -ENOMEM)
		pst_log_err(r, "cannot build the automaton");
	if (r == -EINVAL || (r == -E2BIG && !o->json))
		status = PST_EXIT_NO;
	else if (r == -ENOMEM ||
		 (o->json ? print_json(o->pattern, a) : match_lines(a, stdin, stdout)))
		status = PST_EXIT_FAILED;
	pst_automaton_free(&a);
	return status;
}

int pst_cli_regex(int argc, char **argv)
{
	struct options o;

	if (parse_options(argc, argv, &o))
		return PST_EXIT_USAGE;
	if (o.help) {
		fputs(usage, stdout);
		return PST_EXIT_OK;
	}
	return run(&o);
}
