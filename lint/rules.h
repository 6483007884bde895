/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of the table (rules_<group>.c, in two where a group is large), each ordered as a reader
 * would want it. rule.c joins them.
 */

#include "lint/rule.h"

struct pst_lint_rules {
	const struct pst_lint_rule *v;
	size_t n;
};

extern const struct pst_lint_rules pst_lint_rules_input, pst_lint_rules_policy,
	pst_lint_rules_conflicts, pst_lint_rules_peers, pst_lint_rules_ports,
	pst_lint_rules_ports_l7, pst_lint_rules_http, pst_lint_rules_traps,
	pst_lint_rules_languages, pst_lint_rules_meaning, pst_lint_rules_support,
	pst_lint_rules_support_l7, pst_lint_rules_comments;

/* What becomes of a rule with a part that is not enforced yet, when policies are compiled. */
#define PST_LINT_CLOSED                                                                            \
	"postern reads and checks it, but does not enforce it yet: `postern compile` refuses the " \
	"policy. With `--accept` and this id it goes on with the rule closed: an allow rule "      \
	"allows nothing, a deny rule denies all that its readable parts could mean. "              \
	"`postern lint` mentions it as info, because Cilium accepts the policy.\n"

/* How the examples begin; PST_SPEC goes on with the members of spec, two blanks in. */
#define PST_CNP                       \
	"apiVersion: cilium.io/v2\n"  \
	"kind: CiliumNetworkPolicy\n" \
	"metadata:\n"                 \
	"  name: api\n"
#define PST_CCNP                                 \
	"apiVersion: cilium.io/v2\n"             \
	"kind: CiliumClusterwideNetworkPolicy\n" \
	"metadata:\n"                            \
	"  name: api\n"
#define PST_SPEC                \
	PST_CNP                 \
	"spec:\n"               \
	"  endpointSelector:\n" \
	"    matchLabels:\n"    \
	"      app: api\n"

/* An ingress rule on port 80 whose list of HTTP rules goes on with ELEMENT. */
#define PST_HTTP(element)                        \
	PST_SPEC "  ingress:\n"                  \
		 "    - fromEndpoints:\n"        \
		 "        - matchLabels:\n"      \
		 "            app: web\n"        \
		 "      toPorts:\n"              \
		 "        - ports:\n"            \
		 "            - port: \"80\"\n"  \
		 "              protocol: TCP\n" \
		 "          rules:\n"            \
		 "            http:\n" element

#define PST_LINT_RULES(rows)                                     \
	{                                                        \
		.v = (rows), .n = sizeof(rows) / sizeof(*(rows)) \
	}
