/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Policies and inventories from the command line, and what is wrong with them.
 *
 * Every step returns an exit status of cli/verbs.h: PST_EXIT_OK; PST_EXIT_NO when the input has
 * errors; PST_EXIT_FAILED when it could not be read. Errors are kept until pst_input_print() shows
 * them all.
 */

#include "cli/usage.h"
#include "compiler/compile.h"

struct pst_input {
	struct pst_diags *diags;
	struct pst_policy_set *policies;
	struct pst_inventory *inventory;
};

/* What is to be loaded. A zeroed list is empty, a NULL one too. */
struct pst_input_paths {
	const struct pst_cli_strings *policies, *inventories;
	const struct pst_cli_strings *accept; /* ids "unsupported-...": see pst_policy_options */
	bool in_force;			      /* policies in audit count as if they were in force */
	const char *default_ns;		      /* of policies that name none; NULL: default */
	/* Is shown each policy file's text; NULL: nobody is. As of pst_policy_options. */
	int (*see_file)(void *ctx, const char *name, const char *text, size_t len);
	void *ctx;
};

/* Loads what PATHS name into IN, a zeroed object. */
int pst_input_load(struct pst_input *in, const struct pst_input_paths *paths);

/*
 * Looks at the values of --accept: each is a rule about what postern does not enforce yet.
 * PST_EXIT_OK, or PST_EXIT_USAGE after telling what was expected.
 */
int pst_input_check_accept(const struct pst_cli_args *args);

/* Compiles the policies for INVENTORY. All or nothing: any error is PST_EXIT_NO. */
int pst_input_compile(struct pst_input *in, const struct pst_inventory *inventory,
		      struct pst_bundle **ret_bundle);

/* Shows the diagnostics on standard error. */
void pst_input_print(const struct pst_input *in);

void pst_input_fini(struct pst_input *in);
