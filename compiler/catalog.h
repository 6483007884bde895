/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The catalogue: every rule and every HTTP rule of a policy set, numbered.
 *
 * The number is the place in the bundle's rule list. Numbers follow the documents: a rule stands
 * before its HTTP rules, and these in the order in which they are written. So "the first rule that
 * matches" is the same for the compiler, the judge and the reader of the file.
 *
 * HTTP rules with a pattern that is not in the dialect, or that match no request
 * (compiler/header.h), are reported here, once, whoever uses them; their entry in http[] is NULL.
 * They are left out of every rule set: such a rule allows nothing, its neighbours are not touched.
 */

#include "base/diag.h"
#include "compiler/bundle.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An L3/L4 rule with what belongs to it. */
struct pst_catalog_rule {
	const struct pst_policy *policy;
	const struct pst_spec *spec;
	const struct pst_rule *rule; /* as it is written, also if it is closed */
	bool closed;	/* allows nothing, but what it wants can conflict (policy/conflict.h) */
	uint32_t index; /* of this rule in rules[] */
	const uint32_t *first_http; /* per element of rule->ports: index of its first HTTP rule */
};

struct pst_inventory;

/*
 * Lives in the arena it was built with; points into the policy set. The rules of http[] are as they
 * are written but for the host, which a header may have narrowed.
 */
struct pst_catalog {
	struct pst_bundle_rule *rules;
	const struct pst_http_rule **http; /* per rule; NULL: not an HTTP rule, or a refused one */
	size_t n_rules;
	struct pst_catalog_rule *l4;
	size_t n_l4;
};

/* 0 or -ENOMEM; mistakes are diagnostics. INVENTORY has the Secrets; NULL: there are none. */
int pst_catalog_build(const struct pst_policy_set *set, const struct pst_inventory *inventory,
		      struct pst_arena *arena, struct pst_diags *diags,
		      struct pst_catalog *ret_catalog);

/* "method", "path" or "host" of an HTTP rule; NULL when it does not restrict the field. */
const struct pst_text *pst_catalog_field(const struct pst_http_rule *http, enum pst_field field);
