/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files of the linter's own: one YAML or JSON document, read by a table of fields.
 */

#include "base/diag.h"

struct pst_arena;
struct pst_fields;

struct pst_lint_reading {
	const char *file;
	const char *id_unreadable; /* what a file is that cannot be opened */
	const char *id_invalid;	   /* what becomes of every other id */
	const char *keep;	   /* but of ids that begin so; NULL: none */
	const char *made_by;	   /* what is said behind "no such file"; NULL: nothing */
	const struct pst_fields *fields;
};

/*
 * Reads FILE into OBJ; strings live in A. A file without content says nothing. Mistakes are
 * diagnostics in DIAGS; what could be read in spite of them is in OBJ. 0 or -ENOMEM.
 */
int pst_lint_read(const struct pst_lint_reading *reading, struct pst_arena *a,
		  struct pst_diags *diags, void *obj);
