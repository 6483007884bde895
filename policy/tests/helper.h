/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/diag.h"
#include "policy/inventory.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* A parsed text and what was said about it. */
struct t_policy {
	struct pst_diags *diags;
	struct pst_policy_set *set;
};

/* Parses TEXT as a whole file. */
struct t_policy t_policy_parse(const char *text);

/* The same with OPTIONS. */
struct t_policy t_policy_parse_with(const struct pst_policy_options *options, const char *text);

/*
 * What RULE of section SECTION is refused with, read by OPTIONS: the ids of its errors that are not
 * "unsupported-...", each followed by a blank; warnings count too, with a "?" before the id. Both
 * as a linter and as somebody who enforces, and both must say the same. Static buffer.
 */
const char *t_verdict(struct pst_policy_options options, const char *section, const char *rule);

/* The same of a whole text. */
const char *t_text_verdict(struct pst_policy_options options, const char *text);

/*
 * Parses a CiliumNetworkPolicy "p" of namespace "ns" with SPEC as its spec, in flow style:
 * "{endpointSelector: {}, ingress: [{}]}".
 */
struct t_policy t_policy_spec(const char *spec);

/* A policy of everybody whose only rule, of section SECTION, is RULE. */
struct t_policy t_policy_rule(const char *section, const char *rule);

void t_policy_free(struct t_policy *p);

/* The first spec and the first rule of the first policy; fail the test when there is none. */
const struct pst_spec *t_spec(const struct t_policy *p);
const struct pst_rule *t_rule(const struct t_policy *p);

/* Is there a diagnostic with this id? */
bool t_has(const struct pst_diags *diags, const char *id);

/* Its message, or "". */
const char *t_message(const struct pst_diags *diags, const char *id);

struct t_inventory {
	struct pst_diags *diags;
	struct pst_inventory *inv;
};

struct t_inventory t_inventory_parse(const char *text);
void t_inventory_free(struct t_inventory *i);

/* Does the label set LABELS, written "k8s:app=web reserved:host", match any of the N selectors? */
bool t_matches(const struct pst_selector *sel, size_t n, const char *labels);

/* Would RULE, read by somebody who does not look at its flag, concern the peer LABELS on TCP port
 * PORT? */
bool t_concerns(const struct pst_rule *rule, const char *labels, unsigned int port);

/* Finds DIR from the repository's root or from below it; NULL when it is not there. Static buffer.
 */
const char *t_find(const char *dir);
