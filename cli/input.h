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

/* Loads POLICIES and INVENTORIES (which may be empty) into IN, a zeroed object. */
int pst_input_load(struct pst_input *in, const struct pst_cli_strings *policies,
		   const struct pst_cli_strings *inventories);

/* The same with policies that live in DEFAULT_NS when they name no namespace. */
int pst_input_load_in(struct pst_input *in, const char *default_ns,
		      const struct pst_cli_strings *policies,
		      const struct pst_cli_strings *inventories);

/* Compiles the policies for INVENTORY. All or nothing: any error is PST_EXIT_NO. */
int pst_input_compile(struct pst_input *in, const struct pst_inventory *inventory,
		      struct pst_bundle **ret_bundle);

/* Shows the diagnostics on standard error. */
void pst_input_print(const struct pst_input *in);

void pst_input_fini(struct pst_input *in);
