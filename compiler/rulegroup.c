// SPDX-License-Identifier: Apache-2.0
#include "compiler/rulegroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

/* A rule of either list by the numbers of its patterns. */
struct numbered {
	uint32_t field[PST_FIELD_MAX];
	uint32_t headers, sides;
};

/* Where a pattern is used. */
struct use {
	const struct pst_pattern *pattern;
	uint32_t rule;
};

struct former {
	const struct pst_reqlist *a, *b;
	size_t n;
	struct numbered *rules; /* of A, then of B */
	struct use *uses;
	struct pst_rulegroups *out;
};

/* A path that is not restricted still is a path. */
static const struct pst_pattern any_path = {.re = "\\C*", .len = 3};

static const struct pst_reqrule *rule_at(const struct former *f, size_t i)
{
	return i < f->a->n ? &f->a->rules[i] : &f->b->rules[i - f->a->n];
}

static int cmp_text(const struct pst_pattern *a, const struct pst_pattern *b)
{
	const size_t len = a->len < b->len ? a->len : b->len;
	const int r = len ? memcmp(a->re, b->re, len) : 0;

	return r ? r : (a->len > b->len) - (a->len < b->len);
}

static int cmp_use(const void *va, const void *vb)
{
	const struct use *a = va, *b = vb;
	const int r = cmp_text(a->pattern, b->pattern);

	return r ? r : (a->rule > b->rule) - (a->rule < b->rule);
}

/* Gives the distinct patterns of FIELD their numbers. */
static int number_field(struct former *f, enum pst_field field)
{
	struct pst_rulegroup_patterns *patterns = &f->out->patterns[field];
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct pst_pattern *p = rule_at(f, i)->field[field];

		f->rules[i].field[field] = PST_RULEGROUP_ANY;
		if (!p && field == PST_FIELD_PATH)
			p = &any_path;
		if (p)
			f->uses[n++] = (struct use){p, (uint32_t)i};
	}
	qsort(f->uses, n, sizeof(*f->uses), cmp_use);
	for (size_t i = 0; i < n; i++) {
		const struct pst_pattern *p = f->uses[i].pattern;

		if ((!i || cmp_text(f->uses[i - 1].pattern, p)) && pst_vec_push(patterns, *p))
			return -ENOMEM;
		f->rules[f->uses[i].rule].field[field] = (uint32_t)patterns->n - 1;
	}
	return 0;
}

static int cmp_number(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int cmp_group(const struct numbered *a, const struct numbered *b)
{
	int r = cmp_number(a->field[PST_FIELD_METHOD], b->field[PST_FIELD_METHOD]);

	if (!r)
		r = cmp_number(a->field[PST_FIELD_HOST], b->field[PST_FIELD_HOST]);
	return r ? r : cmp_number(a->headers, b->headers);
}

static int cmp_rule(const void *va, const void *vb)
{
	const struct numbered *a = va, *b = vb;
	const int r = cmp_group(a, b);

	return r ? r : cmp_number(a->field[PST_FIELD_PATH], b->field[PST_FIELD_PATH]);
}

static int begin_group(struct pst_rulegroups *out, const struct numbered *rule)
{
	struct pst_rulegroup group = {.headers = rule->headers, .first = (uint32_t)out->paths.n};

	memcpy(group.field, rule->field, sizeof(group.field));
	return pst_vec_push(&out->groups, group);
}

/* Adds the next rule in order: to its path, as a new path, or as the first of a new group. */
static int add_rule(struct former *f, size_t i)
{
	struct pst_rulegroups *out = f->out;
	const struct numbered *rule = &f->rules[i];

	if (i && !cmp_rule(rule - 1, rule)) {
		out->paths.v[out->paths.n - 1].sides |= rule->sides;
		return 0;
	}
	if ((!i || cmp_group(rule - 1, rule)) && begin_group(out, rule))
		return -ENOMEM;
	out->groups.v[out->groups.n - 1].n++;
	return pst_vec_push(&out->paths, (struct pst_rulepath){
						 .path = rule->field[PST_FIELD_PATH],
						 .group = (uint32_t)out->groups.n - 1,
						 .sides = rule->sides,
					 });
}

static int form(struct former *f)
{
	int r = 0;

	for (int field = 0; !r && field < PST_FIELD_MAX; field++)
		r = number_field(f, field);
	if (r)
		return r;
	for (size_t i = 0; i < f->n; i++) {
		f->rules[i].headers = rule_at(f, i)->headers;
		f->rules[i].sides = i < f->a->n ? PST_RULEGROUP_IN_A : PST_RULEGROUP_IN_B;
	}
	qsort(f->rules, f->n, sizeof(*f->rules), cmp_rule);
	for (size_t i = 0; !r && i < f->n; i++)
		r = add_rule(f, i);
	for (size_t i = 0; !r && i < f->out->paths.n; i++) {
		const struct pst_rulepath *p = &f->out->paths.v[i];

		if (p->sides != (PST_RULEGROUP_IN_A | PST_RULEGROUP_IN_B))
			f->out->groups.v[p->group].differs = true;
	}
	return r;
}

int pst_rulegroups_form(const struct pst_reqlist *a, const struct pst_reqlist *b,
			struct pst_rulegroups *ret_groups)
{
	struct pst_rulegroups out = {0};
	struct former f = {.a = a, .b = b, .n = (size_t)a->n + b->n, .out = &out};
	int r = -ENOMEM;

	f.rules = pst_mem_calloc(f.n + 1, sizeof(*f.rules));
	f.uses = pst_mem_calloc(f.n + 1, sizeof(*f.uses));
	if (f.rules && f.uses)
		r = form(&f);
	free(f.rules);
	free(f.uses);
	if (r)
		pst_rulegroups_fini(&out);
	*ret_groups = out;
	return r;
}

void pst_rulegroups_fini(struct pst_rulegroups *g)
{
	for (int field = 0; field < PST_FIELD_MAX; field++)
		pst_vec_free(&g->patterns[field]);
	pst_vec_free(&g->groups);
	pst_vec_free(&g->paths);
}
