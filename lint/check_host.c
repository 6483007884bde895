// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <ctype.h>

#include "lint/never.h"
#include "lint/pattern_scan.h"
#include "lint/walk.h"

/*
 * Hosts are regular expressions over the whole Host header, port included, with their case
 * (policy-semantics 4.1), and look like names.
 */

static bool is_name_byte(const struct pst_token *t)
{
	return t && t->kind == PST_TOKEN_LITERAL && (isalnum(t->byte) || t->byte == '-');
}

/* A dot between parts of a name: letters, or a repetition before it ("[a-z]+.example"). */
static bool is_bare_dot(const struct pst_scan *scan, size_t i)
{
	const struct pst_token *t = &scan->v[i], *before = i ? &scan->v[i - 1] : NULL;

	return t->kind == PST_TOKEN_ANY && !t->repeat && before &&
	       (is_name_byte(before) || before->kind == PST_TOKEN_REPEAT ||
		before->kind == PST_TOKEN_CLOSE) &&
	       is_name_byte(pst_scan_at(scan, i + 1));
}

static bool is_upper_case(const struct pst_scan *scan, size_t i)
{
	return scan->v[i].kind == PST_TOKEN_LITERAL && isupper(scan->v[i].byte);
}

/* Outside of groups, where it must be there: no Host header has a slash. */
static bool is_slash(const struct pst_scan *scan, size_t i)
{
	return !scan->v[i].depth && pst_token_is(&scan->v[i], '/');
}

static const struct {
	const char *id;
	enum pst_severity severity;
	bool (*is_so)(const struct pst_scan *scan, size_t i);
	const char *message;
} traps[] = {
	{"host-dot", PST_SEVERITY_WARNING, is_bare_dot,
	 "\".\" is any character here, so that other hosts match as well; write \"\\.\""},
	{"host-upper-case", PST_SEVERITY_WARNING, is_upper_case,
	 "hosts are compared with their case, and clients send them in lower case"},
	{"host-with-path", PST_SEVERITY_ERROR, is_slash,
	 "this matches no host: a Host header holds a name and perhaps a port, no scheme and no path"},
};

static bool has_alternatives(const struct pst_scan *scan)
{
	for (size_t i = 0; i < scan->n; i++) {
		if (scan->v[i].kind == PST_TOKEN_OR)
			return true;
	}
	return false;
}

/* Each trap once per pattern, at its first place. True when it has been told that nothing matches.
 */
static bool check_traps(const struct pst_lint_env *env, const struct pst_scan *scan)
{
	bool is_dead = false;

	for (size_t k = 0; k < sizeof(traps) / sizeof(*traps); k++) {
		struct pst_pos pos;
		size_t i = 0;

		if (traps[k].severity == PST_SEVERITY_ERROR && has_alternatives(scan))
			continue;
		while (i < scan->n && !traps[k].is_so(scan, i))
			i++;
		if (i == scan->n)
			continue;
		pos = pst_scan_pos(scan, i, i + 1);
		pst_diags_add(env->diags, traps[k].severity, traps[k].id, &pos, "%s",
			      traps[k].message);
		is_dead |= traps[k].severity == PST_SEVERITY_ERROR;
	}
	return is_dead;
}

/* Ports that a client leaves out of the Host header: those of http and https. */
static bool has_default_port(const struct pst_port_rule *entry)
{
	for (size_t i = 0; i < entry->n_ports; i++) {
		const struct pst_port *p = &entry->ports[i];

		if (p->name.s || p->port <= 80 ||
		    (p->port <= 443 && p->end_port >= 443)) /* names and ranges may be them */
			return true;
	}
	return !entry->n_ports;
}

/* Nothing but a name: letters and dots, with no room for ":8080". */
static bool is_only_a_name(const struct pst_scan *scan)
{
	for (size_t i = 0; i < scan->n; i++) {
		const struct pst_token *t = &scan->v[i];

		if (t->kind == PST_TOKEN_BEGIN || t->kind == PST_TOKEN_END)
			continue;
		if (t->repeat ||
		    (t->kind != PST_TOKEN_ANY && !is_name_byte(t) && !pst_token_is(t, '.')))
			return false;
	}
	return true;
}

static void check_port(const struct pst_lint_env *env, const struct pst_port_rule *entry,
		       const struct pst_scan *scan)
{
	if (has_default_port(entry) || !is_only_a_name(scan))
		return;
	pst_diags_add(
		env->diags, PST_SEVERITY_INFO, "host-without-port", &scan->text->pos,
		"clients that connect to port %u send it in the Host header, and then this does not match; allow it with \"(:%u)?\"",
		entry->ports[0].port, entry->ports[0].port);
}

static int check_host(const struct pst_lint_env *env, const struct pst_port_rule *entry,
		      const struct pst_text *text)
{
	struct pst_branch branch = {0};
	struct pst_scan scan;
	int r = 0;

	if (!text->len)
		return 0;
	if (!pst_scan_pattern(text, &scan))
		return pst_never_check(env, PST_FIELD_HOST, text);
	check_port(env, entry, &scan);
	if (check_traps(env, &scan))
		return 0;
	while (!r && pst_scan_next_branch(&scan, &branch)) {
		if (branch.from < branch.to)
			r = pst_never_check_branch(env, PST_FIELD_HOST, &scan, &branch);
	}
	return r;
}

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	int *r = ctx;

	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		const struct pst_port_rule *entry = &ref->rule->ports[i];

		for (size_t k = 0; !*r && k < entry->n_http; k++)
			*r = check_host(env, entry, &entry->http[k].host);
	}
}

int pst_check_host(const struct pst_lint_env *env)
{
	int r = 0;

	pst_lint_each_rule(env, check_rule, &r);
	return r;
}
