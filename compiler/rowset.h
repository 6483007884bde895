/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The rows of one automaton: which cells each state needs, and where they go.
 *
 * A row leaves out what it need not say. Either classes without a cell are dead, or they lead to
 * one state (PST_COLUMN_ELSE), whichever takes fewer cells: so a state in the middle of a literal
 * has one cell, and one that says "any byte but '/'" has three or four.
 *
 * Wide rows are placed first, and the narrow ones fill the holes between them. Rows of one width
 * are placed in the order in which a text meets their states, so that a walk stays within few cache
 * lines.
 */

#include "compiler/automaton.h"
#include "compiler/rowfit.h"

#include <stdint.h>

/* The cells of one state. */
struct pst_row {
	uint32_t n;
	uint8_t columns[PST_COLUMNS];  /* ascending */
	uint32_t targets[PST_COLUMNS]; /* states; nothing in PST_COLUMN_TAGS */
};

struct pst_rowset {
	const struct pst_automaton *a;
	uint32_t *rows;	  /* per state: its row; 0 for the dead state */
	uint32_t *counts; /* per state: 0 but while a row is being made */
	uint32_t n_cells; /* of all rows */
};

/* Rows of A, which must outlive S, without places. 0 or -ENOMEM with nothing to release. */
int pst_rowset_init(struct pst_rowset *s, const struct pst_automaton *a);
void pst_rowset_fini(struct pst_rowset *s);

/* The cells of STATE. */
void pst_rowset_row(struct pst_rowset *s, uint32_t state, struct pst_row *ret_row);

/* Finds a place for every row. 0; -ENOMEM or -E2BIG with F as it was. */
int pst_rowset_place(struct pst_rowset *s, struct pst_rowfit *f);

/* Gives the places of all rows back. */
void pst_rowset_give_back(struct pst_rowset *s, struct pst_rowfit *f);
