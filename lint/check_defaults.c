// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include "lint/cover.h"
#include "lint/rule_index.h"
#include "lint/walk.h"

/*
 * "enableDefaultDeny: false" and a list of HTTP rules: when nothing else puts the subject into
 * default deny, every request is let through (policy-semantics 5.5).
 */

static bool is_default_deny(const struct pst_rule_ref *ref)
{
	return ref->spec->default_deny[ref->rule->direction];
}

static const struct pst_port_rule *restricted_entry(const struct pst_rule *rule)
{
	for (size_t i = 0; !rule->deny && i < rule->n_ports; i++) {
		if (!pst_port_rule_is_open(&rule->ports[i]) && rule->ports[i].n_http)
			return &rule->ports[i];
	}
	return NULL;
}

/* A wider question than it could be: who selects some of the subjects may select all. */
static bool is_enforced_elsewhere(struct pst_rule_index *index, const struct pst_rule_ref *ref)
{
	struct pst_rule_cursor cursor = pst_rule_cursor_init(ref);
	const struct pst_rule_ref *other;

	while ((other = pst_rule_index_next(index, &cursor))) {
		if (pst_rule_index_selects_some(index, other, ref->spec))
			return true;
	}
	return !index->steps;
}

/* By whether the version lets pass what no rule matches. */
static const char *const messages[] = {
	"enableDefaultDeny is false, yet before Cilium 1.18 requests that match no rule get 403",
	"these HTTP rules restrict nothing: enableDefaultDeny is false, and no policy here enforces",
};

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	const struct pst_port_rule *entry = restricted_entry(ref->rule);
	enum pst_direction direction = ref->rule->direction;
	const struct pst_pos *pos = &ref->spec->default_deny_pos[direction];

	if (!entry || ref->spec->default_deny[direction] || is_enforced_elsewhere(ctx, ref))
		return;
	pst_diags_add(env->diags, PST_SEVERITY_WARNING, "default-deny-off",
		      pst_lint_pos_or(&entry->http_pos, &entry->pos), "%s",
		      messages[env->cilium_minor >= 18]);
	if (pos->line)
		pst_diags_note(env->diags, pos, "default deny is switched off here");
}

int pst_check_defaults(const struct pst_lint_env *env)
{
	struct pst_rule_index index;
	int r = pst_rule_index_init(&index, env->set, true, is_default_deny);

	if (r)
		return r;
	pst_lint_each_rule(env, check_rule, &index);
	pst_rule_index_report(&index, env, "policies without default deny");
	pst_rule_index_fini(&index);
	return 0;
}
