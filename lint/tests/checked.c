// SPDX-License-Identifier: Apache-2.0
#include "lint/tests/checked.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"

struct pst_diags *t_check(const char *text, unsigned int cilium_minor)
{
	const struct pst_policy_options options = {.cilium_minor = cilium_minor, .lint = true};
	const struct pst_policy_source source = {"p.yaml", text, strlen(text)};
	struct pst_diags *loader = pst_diags_new(), *found = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_lint_env env = {
		.cilium_minor = cilium_minor ? cilium_minor : PST_CILIUM_NEWEST,
		.diags = found,
	};

	cr_assert_eq(pst_policy_parse_with(&options, &source, loader, &set), 0);
	if (pst_diags_errors(loader))
		pst_diags_print(loader, stderr);
	cr_assert_eq(pst_diags_errors(loader), 0, "the policy is not valid:\n%s", text);
	env.set = set;
	cr_assert_eq(pst_lint_checks_run(&env), 0);
	pst_policy_set_free(&set);
	pst_diags_free(&loader);
	return found;
}

static const struct pst_diag *find(const struct pst_diags *diags, const char *id)
{
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		if (!strcmp(pst_diags_at(diags, i)->id, id))
			return pst_diags_at(diags, i);
	}
	return NULL;
}

size_t t_count(const char *text, const char *id)
{
	struct pst_diags *diags = t_check(text, 0);
	size_t n = 0;

	for (size_t i = 0; i < pst_diags_count(diags); i++)
		n += !strcmp(pst_diags_at(diags, i)->id, id);
	pst_diags_free(&diags);
	return n;
}

static const char *line_of(const char *text, size_t line)
{
	for (; line > 1; line--)
		text = strchr(text, '\n') + 1;
	return text;
}

const char *t_marked(const char *text, const char *id)
{
	static char buf[256];
	struct pst_diags *diags = t_check(text, 0);
	const struct pst_diag *d = find(diags, id);

	buf[0] = '\0';
	if (d && d->pos.line == d->pos.end_line)
		snprintf(buf, sizeof(buf), "%.*s", (int)(d->pos.end_col - d->pos.col),
			 line_of(text, d->pos.line) + d->pos.col - 1);
	pst_diags_free(&diags);
	return buf;
}

const char *t_note(const char *text, const char *id)
{
	static char buf[512];
	struct pst_diags *diags = t_check(text, 0);
	const struct pst_diag *d = find(diags, id);

	snprintf(buf, sizeof(buf), "%s", d && d->notes ? d->notes->message : "");
	pst_diags_free(&diags);
	return buf;
}

const char *t_says(const char *text, const char *id)
{
	static char buf[512];
	struct pst_diags *diags = t_check(text, 0);
	const struct pst_diag *d = find(diags, id);

	snprintf(buf, sizeof(buf), "%s", d ? d->message : "");
	pst_diags_free(&diags);
	return buf;
}
