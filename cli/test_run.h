/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Judges suites of tests: the policies of a suite are compiled once, whatever the number of tests.
 */

#include "cli/question.h"
#include "cli/test_file.h"

#include <stdbool.h>
#include <stddef.h>

/* How one case ended. */
struct pst_test_result {
	const struct pst_test_case *test;
	bool passed;
	const char *why;	  /* what was expected and what was found; NULL: it has passed */
	struct pst_ruling ruling; /* the one that decided */
	const struct pst_bundle_rule *l4_rule; /* of the same side, NULL: none */
	enum pst_direction side;	       /* whose policy that was */
};

struct pst_test_outcome {
	const struct pst_test_suite *suite;
	const char *error; /* why nothing was judged; NULL: it was */
	struct pst_test_result *results;
	size_t n_results, n_passed;
	/* What the results point to. */
	struct pst_input in;
	struct pst_answer answer;
	bool has_answer;
};

struct pst_test_run_options {
	const struct pst_cli_strings *accept;
	const char *glob; /* of the names of cases; NULL: all */
	bool in_force;	  /* policies in audit count as if they were in force */
	bool any_form;	  /* paths need not be in normal form */
};

/*
 * Judges S. Mistakes in its input are shown on standard error and are the outcome's error; 0 or
 * -ENOMEM. The outcome is to be released in both cases, and before S.
 */
int pst_test_run(const struct pst_test_suite *s, const struct pst_test_run_options *o,
		 struct pst_test_outcome *ret_outcome);

void pst_test_outcome_fini(struct pst_test_outcome *o);
