// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/file.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "compiler/automaton.h"
#include "compiler/footprint.h"

static int match_lines(const struct pst_automaton *a, FILE *in, FILE *out)
{
	struct cli_line line = {0};
	size_t number = 1;
	int r;

	for (; (r = cli_file_read_line(in, "<stdin>", number, &line)) > 0; number++)
		fputs(pst_automaton_match(a, line.n ? line.v : "", line.n) ? "1\n" : "0\n", out);
	pst_vec_free(&line);
	return r;
}

/* Which table the automaton does not fit, in words; "" when it fits. */
static void say_what_is_full(const struct pst_footprint *f, char *buf, size_t size)
{
	*buf = '\0';
	if (!f->fits_kernel)
		snprintf(buf, size, "the automaton would need %zu %s, the limit is %zu",
			 f->full.need, f->full.table, f->full.limit);
}

static void write_size(struct pst_json *j, const struct pst_footprint *f)
{
	if (!f->states) {
		pst_json_null(j, "states");
		pst_json_null(j, "classes");
		pst_json_null(j, "bytes");
		return;
	}
	pst_json_u64(j, "states", f->states);
	pst_json_u64(j, "classes", f->classes);
	pst_json_u64(j, "bytes", f->bytes);
}

/*
 * A is NULL for a pattern that is valid, but over the compiler's budget: its size is not known, and
 * SAID tells the limit and how far it came.
 */
static int print_json(const char *pattern, const struct pst_automaton *a,
		      const struct pst_diags *said)
{
	struct pst_footprint f = {0};
	char full[128];
	struct pst_json j;
	int r = a ? pst_footprint_measure(a, &f) : 0;

	if (r)
		return pst_log_err(r, "cannot measure the automaton");
	say_what_is_full(&f, full, sizeof(full));
	pst_json_init(&j, stdout);
	pst_json_object(&j, NULL);
	pst_json_str(&j, "pattern", pattern);
	write_size(&j, &f);
	pst_json_bool(&j, "fits_kernel", f.fits_kernel);
	pst_json_u64(&j, "automata", f.fits_kernel); /* one pattern is never divided */
	pst_json_str(&j, "where", f.fits_kernel ? "kernel" : "fallback");
	pst_json_str(&j, "why", !a ? pst_diags_at(said, 0)->message : *full ? full : NULL);
	pst_json_end(&j);
	return pst_json_finish(&j);
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
	return r == -ENOMEM ? pst_log_err(r, "cannot build the automaton") : r;
}

static int answer(const char *re, bool json)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	int r = diags ? build(re, diags, &a) : -ENOMEM;

	if (!r || (r == -E2BIG && json))
		r = json ? print_json(re, a, diags) : match_lines(a, stdin, stdout);
	pst_automaton_free(&a);
	pst_diags_free(&diags);
	if (r == -EINVAL || r == -E2BIG)
		return PST_EXIT_NO;
	return r ? PST_EXIT_FAILED : PST_EXIT_OK;
}

int pst_cli_regex(int argc, char **argv)
{
	return pst_cli_about_one(pst_cli_verb_find("regex"), argc, argv, "PATTERN", answer);
}
