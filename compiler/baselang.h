/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The base languages: what can be said at all where a pattern applies.
 *
 * A path pattern is never asked about "//" or "a b", because the core refuses such a request before
 * any rule is looked at. So questions about patterns are asked within these three languages:
 *
 *	method	tokens (RFC 9110 5.6.2) without small letters but CONNECT, which no rule can allow
 *	path	request targets in normal form: origin form, with the query if there is one
 *	host	values of the Host field: uri-host [ ":" port ], blanks around it cut off
 *
 * They are not written down a second time: each is read out of the recogniser's own table (the one
 * that tools/gen_http_table.c writes for the kernel), between the state in which the field begins
 * and the action that ends it. What the core does in C instead is added in this file: CONNECT, and
 * the limits of length. test_baselang.c runs the core itself over texts and compares.
 *
 * Limits of length. Method and target have their own in the core. The longest Host is what is left
 * of a head when method and target have their longest, so that the three can be chosen
 * independently; with a short target the core would take a somewhat longer one.
 */

#include "bpf/abi.h"
#include "compiler/langops.h"

struct pst_baselang;

/* Builds all three; 0, -E2BIG (cannot happen with the table as it is) or -ENOMEM. */
int pst_baselang_new(struct pst_baselang **ret_base);

/* NULL is fine; *B becomes NULL. */
void pst_baselang_free(struct pst_baselang **b);

/* Of FIELD; lives as long as B. Every text of it has tag 1. */
const struct pst_lang_base *pst_baselang_of(const struct pst_baselang *b, enum pst_field field);

/* Texts of FIELD that read better than the shortest ones, best first, NULL at the end; or NULL. */
const char *const *pst_baselang_usual(enum pst_field field);
