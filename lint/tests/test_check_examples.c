// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>

#include "lint/rule.h"
#include "lint/tests/checked.h"

/* The rows whose examples are about the checks alone. */
static bool is_ours(const struct pst_lint_rule *rule)
{
	return (rule->group == PST_LINT_TRAPS || rule->group == PST_LINT_MEANING) && rule->bad;
}

static const struct pst_diag *find(const struct pst_diags *diags, const char *id)
{
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		if (!strcmp(pst_diags_at(diags, i)->id, id))
			return pst_diags_at(diags, i);
	}
	return NULL;
}

Test(check_examples, each_bad_example_has_its_finding_with_the_severity_of_the_row)
{
	for (size_t i = 0; i < pst_lint_rule_count(); i++) {
		const struct pst_lint_rule *rule = pst_lint_rule_at(i);
		struct pst_diags *diags;
		const struct pst_diag *d;

		if (!is_ours(rule))
			continue;
		diags = t_check(rule->bad, rule->cilium_minor);
		d = find(diags, rule->id);
		cr_expect(d, "%s is not found in:\n%s", rule->id, rule->bad);
		cr_expect(!d || d->severity == rule->severity, "%s: another severity", rule->id);
		pst_diags_free(&diags);
	}
}

Test(check_examples, each_good_example_is_free_of_findings_that_are_on)
{
	for (size_t i = 0; i < pst_lint_rule_count(); i++) {
		const struct pst_lint_rule *rule = pst_lint_rule_at(i);
		struct pst_diags *diags;

		if (!is_ours(rule))
			continue;
		diags = t_check(rule->good, rule->cilium_minor);
		for (size_t k = 0; k < pst_diags_count(diags); k++) {
			const struct pst_diag *d = pst_diags_at(diags, k);
			const struct pst_lint_rule *found = pst_lint_rule_find(d->id);

			cr_expect(found, "%s is not in the table", d->id);
			cr_expect(found && found->off && found != rule, "%s: %s in\n%s", rule->id,
				  d->message, rule->good);
		}
		pst_diags_free(&diags);
	}
}
