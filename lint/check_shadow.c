// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <stdio.h>

#include "lint/cover.h"
#include "lint/rule_index.h"
#include "lint/walk.h"

/*
 * What other rules make of a rule. Allows unite, so one that does not look at requests makes those
 * that do pointless (policy-semantics 5.1, 5.2); denies come first, so one that reaches as far as
 * an allow makes that one pointless (0).
 */

/* Room for a port as people write it. */
enum { PORT_SIZE = 96 };

static const char *port_str(const struct pst_port *port, char *buf)
{
	if (port->name.s)
		snprintf(buf, PORT_SIZE, "port %.63s", port->name.s);
	else if (!port->port)
		snprintf(buf, PORT_SIZE, "any port");
	else if (port->end_port > port->port)
		snprintf(buf, PORT_SIZE, "ports %u-%u", port->port, port->end_port);
	else
		snprintf(buf, PORT_SIZE, "port %u", port->port);
	return buf;
}

static bool is_open_allow(const struct pst_rule_ref *ref)
{
	const struct pst_rule *rule = ref->rule;

	if (rule->deny || pst_rule_reaches_nobody(rule))
		return false;
	if (pst_rule_is_l3_only(rule))
		return true;
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (pst_port_rule_is_open(&rule->ports[i]))
			return true;
	}
	return false;
}

/* Which element of RULE opens PORT without looking into it; NULL: none. L3-only: the rule. */
static const struct pst_pos *opener(const struct pst_rule *rule, const struct pst_port *port)
{
	if (pst_rule_is_l3_only(rule))
		return &rule->pos;
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct pst_port_rule *entry = &rule->ports[i];

		if (!pst_port_rule_is_open(entry))
			continue;
		for (size_t k = 0; k < entry->n_ports; k++) {
			if (pst_cover_port(&entry->ports[k], port))
				return pst_lint_pos_or(&entry->ports[k].pos, &entry->pos);
		}
	}
	return NULL;
}

static size_t count_ports(const struct pst_rule *rule)
{
	size_t n = 1;

	for (size_t i = 0; i < rule->n_ports; i++)
		n += 1 + rule->ports[i].n_ports;
	return n;
}

/* An entry with a list of HTTP or DNS rules, each of which restricts something. */
struct restricted {
	const struct pst_rule_ref *ref;
	const struct pst_port_rule *entry;
};

static const struct pst_port *find_opened(struct pst_rule_index *index, const struct restricted *l7,
					  const struct pst_rule_ref *other,
					  const struct pst_pos **ret_opener)
{
	const struct pst_rule *rule = l7->ref->rule;

	if (!pst_rule_index_spend(index, l7->entry->n_ports, count_ports(other->rule)))
		return NULL;
	for (size_t i = 0; i < l7->entry->n_ports; i++) {
		const struct pst_port *port = &l7->entry->ports[i];

		*ret_opener = opener(other->rule, port);
		if (!*ret_opener)
			continue;
		if (!pst_rule_index_selects_all(index, other, l7->ref->spec) ||
		    !pst_rule_index_reaches_all(index, other, rule))
			return NULL;
		return port;
	}
	return NULL;
}

static void report_shadow(const struct pst_lint_env *env, const struct restricted *l7,
			  const struct pst_rule_ref *other, const struct pst_port *port)
{
	const struct pst_port_rule *entry = l7->entry;
	bool is_dns = entry->n_dns;
	char name[PST_LINT_NAME_SIZE], text[PORT_SIZE];

	pst_diags_add(
		env->diags, PST_SEVERITY_WARNING, is_dns ? "dns-shadowed" : "http-shadowed",
		pst_lint_pos_or(is_dns ? &entry->dns_pos : &entry->http_pos, &entry->pos),
		"these %s rules restrict nothing on %s: a rule of %s allows the same peers there without them",
		is_dns ? "DNS" : "HTTP", port_str(port, text),
		other->spec == l7->ref->spec ? "this policy"
					     : pst_lint_policy_name(other->policy, name));
}

static void find_shadow(const struct pst_lint_env *env, struct pst_rule_index *index,
			const struct restricted *l7)
{
	struct pst_rule_cursor cursor = pst_rule_cursor_init(l7->ref);
	const struct pst_rule_ref *other;
	char name[PST_LINT_NAME_SIZE];

	while ((other = pst_rule_index_next(index, &cursor))) {
		const struct pst_pos *by = NULL;
		const struct pst_port *port = find_opened(index, l7, other, &by);

		if (!port)
			continue;
		report_shadow(env, l7, other, port);
		pst_diags_note(env->diags, by,
			       "allowed here without HTTP or DNS rules, by policy %s",
			       pst_lint_policy_name(other->policy, name));
		return;
	}
}

/* A list with an element that matches everything shadows its other elements. */
static void check_own_list(const struct pst_lint_env *env, const struct pst_port_rule *entry)
{
	for (size_t i = 0; entry->n_http > 1 && i < entry->n_http; i++) {
		if (!pst_http_rule_is_open(&entry->http[i]))
			continue;
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "http-shadowed",
			pst_lint_pos_or(&entry->http_pos, &entry->pos),
			"these HTTP rules restrict nothing: one of them matches every request");
		pst_diags_note(env->diags, &entry->http[i].pos, "this one matches every request");
		return;
	}
}

static bool is_restricted(const struct pst_port_rule *entry)
{
	struct pst_port_rule lists = {
		.http = entry->http,
		.n_http = entry->n_http,
		.dns = entry->dns,
		.n_dns = entry->n_dns,
	};

	return !pst_port_rule_is_open(&lists);
}

static void shadows_of_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref,
			    void *index)
{
	const struct pst_rule *rule = ref->rule;

	if (rule->deny || pst_rule_reaches_nobody(rule))
		return;
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct restricted l7 = {.ref = ref, .entry = &rule->ports[i]};

		check_own_list(env, l7.entry);
		if (is_restricted(l7.entry))
			find_shadow(env, index, &l7);
	}
}

static bool is_deny(const struct pst_rule_ref *ref)
{
	return ref->rule->deny && !pst_rule_reaches_nobody(ref->rule);
}

static bool covers_some_port(const struct pst_rule *deny, const struct pst_port *port)
{
	for (size_t i = 0; i < deny->n_ports; i++) {
		for (size_t k = 0; k < deny->ports[i].n_ports; k++) {
			if (pst_cover_port(&deny->ports[i].ports[k], port))
				return true;
		}
	}
	return false;
}

/* Does DENY take all ports of RULE? */
static bool takes_all_ports(const struct pst_rule *deny, const struct pst_rule *rule)
{
	bool any = false;

	if (pst_rule_is_l3_only(deny))
		return true;
	if (!rule->has_ports || rule->has_icmps)
		return false;
	for (size_t i = 0; i < rule->n_ports; i++) {
		for (size_t k = 0; k < rule->ports[i].n_ports; k++) {
			any = true;
			if (!covers_some_port(deny, &rule->ports[i].ports[k]))
				return false;
		}
	}
	return any;
}

static void find_deny(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	struct pst_rule_index *index = ctx;
	struct pst_rule_cursor cursor = pst_rule_cursor_init(ref);
	const struct pst_rule_ref *deny;
	char name[PST_LINT_NAME_SIZE];

	if (ref->rule->deny || pst_rule_reaches_nobody(ref->rule))
		return;
	while ((deny = pst_rule_index_next(index, &cursor))) {
		if (!pst_rule_index_spend(index, count_ports(deny->rule), count_ports(ref->rule)) ||
		    !takes_all_ports(deny->rule, ref->rule) ||
		    !pst_rule_index_selects_all(index, deny, ref->spec) ||
		    !pst_rule_index_reaches_all(index, deny, ref->rule))
			continue;
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "allow-denied", &ref->rule->pos,
			"this rule allows nothing: a deny rule covers all of it, and deny comes first");
		pst_diags_note(env->diags, &deny->rule->pos, "denied here, by policy %s",
			       pst_lint_policy_name(deny->policy, name));
		return;
	}
}

int pst_check_shadow(const struct pst_lint_env *env)
{
	static const struct pst_rule_inquiry open = {
		.wanted = is_open_allow,
		.question = shadows_of_rule,
		.what = "rules that restrict nothing",
	};
	static const struct pst_rule_inquiry denied = {
		.wanted = is_deny,
		.question = find_deny,
		.what = "rules that are denied",
	};
	int r = pst_rule_index_ask(env, &open);

	return r ? r : pst_rule_index_ask(env, &denied);
}
