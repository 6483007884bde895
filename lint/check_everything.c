// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include "lint/meaning.h"
#include "lint/pattern_scan.h"
#include "lint/walk.h"

/*
 * Patterns that match whatever a request can hold, and do not look so. ".*" and "/.*" say it
 * openly; "/[^#]*" or "(/.*)?" look as if they held something back.
 */

static const char *const nouns[PST_FIELD_MAX] = {
	[PST_FIELD_METHOD] = "method",
	[PST_FIELD_PATH] = "path",
	[PST_FIELD_HOST] = "host",
};

/* A slash perhaps, and then any number of any characters. */
static bool says_so(const struct pst_text *text)
{
	struct pst_branch b = {0};
	struct pst_scan scan;
	const struct pst_token *t;

	if (!pst_scan_pattern(text, &scan) || !pst_scan_next_branch(&scan, &b))
		return false;
	if (b.from < b.to && pst_token_is(&scan.v[b.from], '/'))
		b.from++;
	if (b.to - b.from != 2)
		return false;
	t = &scan.v[b.from];
	return t->kind == PST_TOKEN_ANY && (t->repeat == '*' || t->repeat == '+') &&
	       !pst_scan_next_branch(&scan, &b);
}

static int check_field(const struct pst_lint_env *env, enum pst_field field,
		       const struct pst_text *text)
{
	struct pst_meaning *p = NULL;
	int r;

	if (!text->len)
		return 0;
	r = pst_meaning_get(env->meanings, field, text, &p);
	if (r || p->is_bound || says_so(text))
		return r;
	r = pst_meaning_is_everything(env->meanings, p);
	if (r > 0)
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "regex-matches-everything", &text->pos,
			"this pattern matches every %s that a request can have: it restricts nothing",
			nouns[field]);
	return r < 0 ? r : 0;
}

static int check_entry(const struct pst_lint_env *env, const struct pst_port_rule *entry)
{
	int r = 0;

	for (size_t i = 0; !r && i < entry->n_http; i++) {
		const struct pst_http_rule *http = &entry->http[i];

		r = check_field(env, PST_FIELD_METHOD, &http->method);
		if (!r)
			r = check_field(env, PST_FIELD_PATH, &http->path);
		if (!r)
			r = check_field(env, PST_FIELD_HOST, &http->host);
	}
	return r;
}

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	int *r = ctx;

	for (size_t i = 0; !*r && i < ref->rule->n_ports; i++)
		*r = check_entry(env, &ref->rule->ports[i]);
}

int pst_check_everything(const struct pst_lint_env *env)
{
	int r = 0;

	pst_lint_each_rule(env, check_rule, &r);
	return r;
}
