/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A bundle made ready to decide requests in the proxy.
 *
 * Rule sets that fit the kernel are decided by the same tables as there: what the core leaves in
 * `allow` is the answer. A set that does not fit is decided rule by rule: its patterns by automata
 * of their own, each of them once per request, and by PCRE2 (proxy/regex.h) where one alone is too
 * large. A pattern that fits neither is refused when the ruler is made: its rule matches nothing.
 *
 * What a rule asks of a header, or does to it, is in the bundle (struct pst_bundle_header).
 * Conditions are about the request as it came. All rules of a set that acts are looked at, so that
 * the actions of every rule that matches are known; a pattern without an answer denies then, and
 * otherwise where no other rule matches.
 *
 * A ruler belongs to one thread; others have twins of it.
 */

#include "bpf/http_data.h"
#include "compiler/bundle.h"
#include "proxy/normal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_ruler;
struct pst_wish;

enum { PST_RULER_MISMATCHES = 8 }; /* of a request; more are not told */

/* A header that a matching rule wants, and matches without (LOG and the actions). */
struct pst_ruler_mismatch {
	const char *name;
	uint32_t rule, header; /* whose it is, of the bundle's, and which of the rule's */
	bool is_missing;       /* else it has another value */
};

struct pst_ruler_answer {
	bool allowed;
	enum pst_reason reason;
	uint32_t rule; /* the first that matches, or that has no answer; UINT32_MAX: none */
	/* What the matching rules do to headers; valid until the next question. */
	const struct pst_bundle_header *const *actions;
	size_t n_actions;
	/* Of the request as it came; only where answers name rules. The same holds for them. */
	const struct pst_ruler_mismatch *mismatches;
	size_t n_mismatches;
};

/*
 * Takes B over, which must have passed pst_bundle_verify(), unless it fails. Refused patterns are
 * diagnostics "regex-fallback" and no failure. 0 or -ENOMEM.
 */
int pst_ruler_new(struct pst_bundle *b, struct pst_diags *diags, struct pst_ruler **ret_ruler);
void pst_ruler_free(struct pst_ruler **r);

/*
 * The same ruler for another thread: what is only read is shared. OF must outlive it, and is set up
 * as it is to be. 0 or -ENOMEM.
 */
int pst_ruler_twin(struct pst_ruler *of, struct pst_ruler **ret_twin);

/*
 * Shall answers name the rule also where the tables decide, and the headers that matching rules
 * want in vain? ON, or as long as WISH (NULL: nobody) wishes for all. That costs time per rule of
 * the set, and is off at first.
 */
void pst_ruler_name_rules(struct pst_ruler *r, bool on, const struct pst_wish *wish);

/* Need paths not be in normal form? They are judged as they stand then. Off at first. */
void pst_ruler_set_any_form(struct pst_ruler *r, bool on);
bool pst_ruler_is_any_form(const struct pst_ruler *r);

/* How are paths brought into normal form before they are judged? Off at first. */
void pst_ruler_set_normal(struct pst_ruler *r, enum pst_normal mode);
enum pst_normal pst_ruler_normal(const struct pst_ruler *r);

const struct pst_bundle *pst_ruler_bundle(const struct pst_ruler *r);

/* With which table, and as which rule set of it, the core reads requests of rule set RULESET. */
const struct pst_table *pst_ruler_table(const struct pst_ruler *r, uint32_t ruleset,
					uint32_t *ret_index);

/* Decides the head BYTES that the core has read into H without an error. */
void pst_ruler_ask(struct pst_ruler *r, uint32_t ruleset, const struct pst_http *h,
		   const char *bytes, struct pst_ruler_answer *ret_answer);

/* Does a rule of the set ask for a header field, or change one? */
bool pst_ruler_is_header_asked(const struct pst_ruler *r, uint32_t ruleset);

/*
 * Do the trailers BYTES (the last chunk's size line first), which the core has read without an
 * error, name a field that a rule asks for or changes, or that looks like one? Where the tables
 * decide they do not: the core has refused those.
 */
bool pst_ruler_is_trailer_asked(const struct pst_ruler *r, uint32_t ruleset, const char *bytes,
				size_t len);
