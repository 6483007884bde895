/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where rows of the tables of bpf/abi.h still fit: the first place at which all cells of a row are
 * free and no other row begins.
 *
 * Two bitmaps, 64 places tried at once: a place is bad if a row begins there, or if any of the
 * row's columns falls on a used cell, and each column contributes one unaligned word. A search
 * begins a few hundred cells before the place where the last one for a row of as many cells ended:
 * full stretches are not looked at for every row, and nearly all holes are filled (95 % and more
 * with rows of one cell; 86 % without looking back).
 */

#include "bpf/abi.h"

#include <stdint.h>

struct pst_rowfit;

/* All cells free, row 0 taken. NULL when there is no memory. */
struct pst_rowfit *pst_rowfit_new(void);
void pst_rowfit_free(struct pst_rowfit **f);

/*
 * Takes the place of a row with cells in N (1 .. PST_COLUMNS) COLUMNS, ascending. 0, or -E2BIG when
 * there is none: a row's cells lie below PST_CELLS.
 */
int pst_rowfit_take(struct pst_rowfit *f, const uint8_t *columns, uint32_t n, uint32_t *ret_row);

/* Gives the place of the row back. */
void pst_rowfit_give(struct pst_rowfit *f, uint32_t row, const uint8_t *columns, uint32_t n);

/* Cells taken. */
uint32_t pst_rowfit_used(const struct pst_rowfit *f);

/* Where the cells end that were ever taken. */
uint32_t pst_rowfit_end(const struct pst_rowfit *f);
