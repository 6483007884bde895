/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Diagnostics: what is wrong with somebody's input, and where.
 *
 * A mistake in a policy or an inventory is data, not a log line: parsers and the compiler collect
 * diagnostics, the caller decides how to show them, and one run reports several. Each carries a
 * rule id (kebab-case, stable), a place, and a sentence that says what was expected and what was
 * found.
 *
 * Lines and columns start at 1; a column counts bytes. The end is exclusive: it is the first column
 * behind the text meant. A place without a line (line 0) means the file as a whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pst_pos {
	const char *file; /* not owned; NULL: no file (a command line argument) */
	uint32_t line, col;
	uint32_t end_line, end_col;
};

enum pst_severity {
	PST_SEVERITY_ERROR,
	PST_SEVERITY_WARNING,
	PST_SEVERITY_INFO,
	PST_SEVERITY_MAX,
};

/* Another place that belongs to a diagnostic: "the first one stands here". */
struct pst_diag_note {
	struct pst_pos pos;
	const char *message; /* owned by the list */
	struct pst_diag_note *next;
};

struct pst_diag {
	enum pst_severity severity;
	const char *id; /* rule id, static or kept */
	struct pst_pos pos;
	char *message;		     /* owned by the list */
	struct pst_diag_note *notes; /* in the order in which they were added; NULL: none */
};

struct pst_diags; /* a growing list */

/* Past this many a list grows no more: it ends with one error "too-many-diagnostics", and the rest
 * is counted. */
enum { PST_DIAGS_MAX = 100000 };

/* An empty list, or NULL when there is no memory. */
struct pst_diags *pst_diags_new(void);

/* NULL is fine; *D becomes NULL. */
void pst_diags_free(struct pst_diags **d);

/*
 * Adds one diagnostic. POS's file name is copied. When there is no memory for it, the list
 * remembers that it is incomplete and counts as holding an error: a mistake is never forgotten.
 */
void pst_diags_add(struct pst_diags *d, enum pst_severity severity, const char *id,
		   const struct pst_pos *pos, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* The same as an error; returns -EINVAL, so that `return pst_diags_error(...)` reads well. */
int pst_diags_error(struct pst_diags *d, const char *id, const struct pst_pos *pos, const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));

/*
 * Adds a place to the diagnostic that was added last. When that one was lost for want of memory, or
 * there is none, nothing happens.
 */
void pst_diags_note(struct pst_diags *d, const struct pst_pos *pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A copy of LEN bytes of TEXT that lives as long as D: for a rule id that is not static. NULL: no
 * memory. */
const char *pst_diags_keep(struct pst_diags *d, const char *text, size_t len);

size_t pst_diags_count(const struct pst_diags *d);
const struct pst_diag *pst_diags_at(const struct pst_diags *d, size_t i);
size_t pst_diags_errors(const struct pst_diags *d);

/* Has something been lost for want of memory? Whatever it was, it counts as an error too. */
bool pst_diags_is_lossy(const struct pst_diags *d);

/* "error", "warning", "info". */
const char *pst_severity_str(enum pst_severity s);

/*
 * file:line:col: severity: message [id], one line each, its notes as lines of their own behind it
 * ("file:line:col: note: message"); escaped (base/escape.h).
 */
void pst_diags_print(const struct pst_diags *d, FILE *out);
