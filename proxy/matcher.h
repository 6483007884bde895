/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The patterns of a bundle's HTTP rules, each distinct one once per field, and what they say about
 * the request at hand: asked at most once per request.
 *
 * A pattern is an automaton of its own where that fits (no text can make it slow), else PCRE2.
 */

#include "base/diag.h"
#include "compiler/bundle.h"
#include "compiler/head.h"
#include "proxy/regex.h"

#include <stddef.h>
#include <stdint.h>

#define PST_MATCHER_NONE UINT32_MAX

struct pst_matchers;

/* All patterns of B, which must outlive them; none is compiled yet. 0 or -ENOMEM. */
int pst_matchers_new(const struct pst_bundle *b, struct pst_matchers **ret_matchers);
void pst_matchers_free(struct pst_matchers **m);

/* The same for another thread; shares the patterns with OF, which must outlive it. 0 or -ENOMEM. */
int pst_matchers_twin(struct pst_matchers *of, struct pst_matchers **ret_twin);

/*
 * Compiles the patterns of rule RULE of the bundle. 0, also when one is refused, with a diagnostic
 * "regex-fallback"; -ENOMEM.
 */
int pst_matchers_prepare(struct pst_matchers *m, uint32_t rule, struct pst_diags *diags);

/* A new request: what was said about the last one is forgotten. */
void pst_matchers_begin(struct pst_matchers *m);

/*
 * Do all patterns of rule RULE match the fields of HEAD? Refused patterns match nothing, and so do
 * patterns of a field that is absent. After a limit was reached, PCRE2 is not asked again about
 * this request: that would only cost time.
 */
enum pst_regex_result pst_matchers_ask(struct pst_matchers *m, uint32_t rule,
				       const struct pst_head *head);
