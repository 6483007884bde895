// SPDX-License-Identifier: Apache-2.0
#include "lint/never.h"

#include <string.h>

#include "lint/meaning.h"

/* A pattern or a part of one, and where to show it. */
struct part {
	const struct pst_lint_env *env;
	enum pst_field field;
	struct pst_meaning *meaning;
	struct pst_pos pos;
	const char *noun;
};

/* The shortest text that it matches, of all there are. 1, or 0 when there is none, or it is not
 * known. */
static int find_text(const struct part *p, struct pst_witness *ret_text)
{
	const struct pst_lang_question q = {.a = {p->meaning->automaton, UINT64_MAX},
					    .rule = PST_LANG_A};
	struct pst_lang_answer answer;
	int r = pst_meanings_find(p->env->meanings, &q, &answer);

	if (r <= 0)
		return r;
	*ret_text = answer.witness;
	return answer.found;
}

/* The shortest of those that begin as a request target does. */
static int find_path(const struct part *p, struct pst_witness *ret_text)
{
	static const struct pst_text slash = {.s = "/\\C*", .len = 4};
	struct pst_lang_question q = {.a = {p->meaning->automaton, UINT64_MAX},
				      .rule = PST_LANG_AND};
	struct pst_lang_answer answer;
	struct pst_meaning *any = NULL;
	int r = pst_meaning_get(p->env->meanings, PST_FIELD_PATH, &slash, &any);

	if (r || (r = pst_meaning_build(p->env->meanings, any)) <= 0)
		return r;
	q.b = (struct pst_lang){any->automaton, UINT64_MAX};
	r = pst_meanings_find(p->env->meanings, &q, &answer);
	if (r <= 0)
		return r;
	*ret_text = answer.witness;
	return answer.found;
}

static void say_path(const struct part *p, const struct pst_witness *text)
{
	const uint32_t max = pst_meanings_base(p->env->meanings, p->field)->max_len;
	struct pst_witness path = {0};
	char shown[PST_SHOWN_SIZE];

	if (find_path(p, &path) <= 0)
		pst_diags_add(
			p->env->diags, PST_SEVERITY_ERROR, "path-without-slash", &p->pos,
			"this %s matches no request: a request target begins with \"/\", and all that it matches is like \"%s\"",
			p->noun, pst_witness_shown(text, shown));
	else if (path.len > max)
		pst_diags_add(
			p->env->diags, PST_SEVERITY_WARNING, "path-not-normal", &p->pos,
			"only request targets of %zu bytes and more can match this, and those of more than %u are denied",
			path.len, max);
	else
		pst_diags_add(
			p->env->diags, PST_SEVERITY_WARNING, "path-not-normal", &p->pos,
			"only request targets out of normal form can match this, such as \"%s\", and they are denied",
			pst_witness_shown(&path, shown));
	pst_witness_fini(&path);
}

static void say_method(const struct part *p, const struct pst_witness *text)
{
	char shown[PST_SHOWN_SIZE];

	if (!strcmp(text->text, "CONNECT"))
		pst_diags_add(
			p->env->diags, PST_SEVERITY_ERROR, "method-never-matches", &p->pos,
			"CONNECT asks for a tunnel: such a request is denied before any rule is looked at");
	else
		pst_diags_add(
			p->env->diags, PST_SEVERITY_ERROR, "method-never-matches", &p->pos,
			"this %s matches nothing that can be a method, only the like of \"%s\"",
			p->noun, pst_witness_shown(text, shown));
}

static void say(const struct part *p, const struct pst_witness *text)
{
	char shown[PST_SHOWN_SIZE];

	if (p->field == PST_FIELD_PATH)
		say_path(p, text);
	else if (p->field == PST_FIELD_METHOD)
		say_method(p, text);
	else
		pst_diags_add(
			p->env->diags, PST_SEVERITY_ERROR, "host-never-matches", &p->pos,
			"this %s matches nothing that a Host header can hold, only the like of \"%s\"",
			p->noun, pst_witness_shown(text, shown));
}

static int check(struct part *p, const struct pst_text *text)
{
	struct pst_witness shortest = {0};
	int r = pst_meaning_get(p->env->meanings, p->field, text, &p->meaning);

	if (r || (r = pst_meaning_is_empty(p->env->meanings, p->meaning)) <= 0)
		return r;
	r = find_text(p, &shortest);
	if (r > 0)
		say(p, &shortest);
	else if (!r)
		pst_diags_add(p->env->diags, PST_SEVERITY_ERROR, "regex-matches-nothing", &p->pos,
			      "there is no text that this %s matches", p->noun);
	pst_witness_fini(&shortest);
	return r < 0 ? r : 0;
}

int pst_never_check_branch(const struct pst_lint_env *env, enum pst_field field,
			   const struct pst_scan *scan, const struct pst_branch *branch)
{
	const struct pst_token *first = &scan->v[branch->from], *last = &scan->v[branch->to - 1];
	const bool is_all = !branch->from && branch->to == scan->n;
	const struct pst_text text = {
		.s = scan->text->s + first->at,
		.len = last->at + last->len - first->at,
	};
	struct part p = {
		.env = env,
		.field = field,
		.pos = pst_scan_pos(scan, branch->from, branch->to),
		.noun = is_all ? "pattern" : "alternative",
	};

	return check(&p, &text);
}

int pst_never_check(const struct pst_lint_env *env, enum pst_field field,
		    const struct pst_text *text)
{
	struct part p = {.env = env, .field = field, .pos = text->pos, .noun = "pattern"};

	return check(&p, text);
}
