/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a bundle holds, for people (text) and programs (JSON).
 */

#include "base/json.h"
#include "compiler/bundle.h"

#include <stdbool.h>
#include <stdio.h>

/* Sizes and rule sets. 0 or -ENOMEM. */
int pst_report_text(const struct pst_bundle *b, FILE *out);

/* The same as members of the object that is open. */
int pst_report_json(const struct pst_bundle *b, struct pst_json *j);

/* "file:line:col policy path" of a rule. */
void pst_report_rule_text(const struct pst_bundle_rule *rule, FILE *out);

/* The same as an object under KEY; RULE NULL: null. */
void pst_report_rule_json(const struct pst_bundle_rule *rule, struct pst_json *j, const char *key);

/* The rule with number INDEX, or NULL when the number names none. */
const struct pst_bundle_rule *pst_report_rule(const struct pst_bundle *b, uint32_t index);

/* Text from a file, for a terminal. */
void pst_report_str(const char *s, FILE *out);
