// SPDX-License-Identifier: Apache-2.0
#include "cli/test_run.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "cli/explain.h"
#include "cli/verbs.h"
#include "compiler/explain.h"

/* One side of a case. */
struct verdict {
	struct pst_ruling ruling;
	const struct pst_bundle_rule *l4_rule;
	enum pst_direction side;
};

void pst_test_outcome_fini(struct pst_test_outcome *o)
{
	if (o->has_answer)
		pst_answer_fini(&o->answer);
	pst_input_fini(&o->in);
	free(o->results);
}

/* Does TEXT, which ends with a number and maybe another, name the place POS? */
static bool is_place(const char *text, const struct pst_pos *pos)
{
	char line[32], column[48];
	size_t len, file_len, text_len = strlen(text);
	const char *tail = NULL;

	snprintf(line, sizeof(line), ":%u", pos->line);
	snprintf(column, sizeof(column), ":%u:%u", pos->line, pos->col);
	for (int i = 0; i < 2 && !tail; i++) {
		const char *end = i ? line : column;

		len = strlen(end);
		if (text_len > len && !strcmp(text + text_len - len, end))
			tail = text + text_len - len;
	}
	if (!tail || !pos->file)
		return false;
	/* A file is named by its last components, whole ones. */
	len = (size_t)(tail - text);
	file_len = strlen(pos->file);
	return file_len >= len && !memcmp(pos->file + file_len - len, text, len) &&
	       (file_len == len || pos->file[file_len - len - 1] == '/');
}

static bool is_rule(const char *text, const struct pst_bundle_rule *rule)
{
	const char *slash;

	if (!rule)
		return false;
	slash = strchr(rule->policy, '/');
	return !strcmp(text, rule->policy) || (slash && !strcmp(text, slash + 1)) ||
	       is_place(text, &rule->pos);
}

static const char *rule_text(struct pst_arena *arena, const struct pst_bundle_rule *rule)
{
	if (!rule)
		return "none";
	return pst_arena_printf(arena, "%s:%u:%u of %s", rule->pos.file ? rule->pos.file : "",
				rule->pos.line, rule->pos.col, rule->policy);
}

/* Adds to WHY that WANTED was expected. 0 or -ENOMEM. */
static int add_why(struct pst_arena *arena, const char **why, const char *what, const char *wanted,
		   const char *found)
{
	const char *text =
		found ? pst_arena_printf(arena, "%s%sexpected %s%s, found %s", *why ? *why : "",
					 *why ? "; " : "", what, wanted, found)
		      : NULL;

	if (!text)
		return -ENOMEM;
	*why = text;
	return 0;
}

/* What V misses of E: *RET_WHY is NULL when it is nothing. */
static int compare(struct pst_arena *arena, const struct pst_test_expect *e,
		   const struct verdict *v, const char **ret_why)
{
	const char *verdict = pst_explain_verdict(&v->ruling);
	const char *reason = pst_explain_reason_name(v->ruling.reason);
	const char *layer = pst_explain_layer(&v->ruling);
	const char *why = NULL;
	int r = 0;

	if (strcmp(e->verdict, verdict))
		r = add_why(arena, &why, "", e->verdict, verdict);
	if (!r && e->reason && strcmp(e->reason, reason))
		r = add_why(arena, &why, "the reason ", e->reason, reason);
	if (!r && e->layer && strcmp(e->layer, layer))
		r = add_why(arena, &why, "the layer ", e->layer, layer);
	if (!r && e->rule && !is_rule(e->rule, v->ruling.rule) && !is_rule(e->rule, v->l4_rule))
		r = add_why(arena, &why, "the rule ", e->rule,
			    rule_text(arena, v->ruling.rule ? v->ruling.rule : v->l4_rule));
	if (!r)
		*ret_why = why;
	return r;
}

static int judge_side(struct pst_answer *a, const struct pst_test_case *c,
		      const struct pst_l4_result *l4, struct verdict *v)
{
	pst_auto_free char *bytes = NULL;
	const char *why;
	size_t len = 0, offset = 0;
	int r;

	a->l4 = *l4;
	v->ruling = pst_answer_l4(a);
	v->l4_rule = v->ruling.rule;
	if (!c->has_request)
		return 0;
	r = pst_request_write(&c->request, &bytes, &len, &why);
	if (!r)
		v->ruling = pst_answer_request(a, bytes, len, &offset);
	return r;
}

/* Sides that are no endpoints have no policy to ask: unless the test wants just that one. */
static bool has_policy(const struct pst_l4_result *l4)
{
	return l4->reason != PST_REASON_UNKNOWN_LOCAL;
}

/* The questions of one case with their answers at L3/L4. */
struct sides {
	const struct pst_question *qs;
	const struct pst_l4_result *l4;
	size_t n;
};

/*
 * A denial decides, then what is audited. Of two sides alike, the one that looked more closely;
 * else the one who receives.
 */
static int weight(const struct pst_ruling *r)
{
	const int closeness = r->l7 ? 2 : r->rule != NULL;

	if (!pst_ruling_passes(r))
		return 8 + closeness;
	return r->audited ? 4 + closeness : closeness;
}

static int judge_case(struct pst_test_outcome *o, const struct pst_test_case *c,
		      const struct sides *sides, struct pst_test_result *ret)
{
	struct pst_test_result result = {.test = c};
	bool all = sides->n == 1 || (!has_policy(&sides->l4[0]) && !has_policy(&sides->l4[1]));
	struct verdict kept = {0};
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < sides->n && (!any || pst_ruling_passes(&kept.ruling)); i++) {
		struct verdict v = {.side = sides->qs[i].direction};

		if (!all && !has_policy(&sides->l4[i]))
			continue;
		r = judge_side(&o->answer, c, &sides->l4[i], &v);
		if (r)
			return r;
		if (!any || weight(&v.ruling) >= weight(&kept.ruling))
			kept = v;
		any = true;
	}
	r = compare(o->suite->arena, &c->expect, &kept, &result.why);
	if (r)
		return r;
	result.passed = !result.why;
	result.ruling = kept.ruling;
	result.l4_rule = kept.l4_rule;
	result.side = kept.side;
	*ret = result;
	return 0;
}

/* The questions of C into QS: the one who sends is asked first. */
static size_t put_questions(const struct pst_test_case *c, struct pst_question *qs)
{
	size_t n = 0;

	for (int d = PST_DIRECTION_EGRESS; d >= PST_DIRECTION_INGRESS; d--) {
		if (c->direction ==
		    (d == PST_DIRECTION_EGRESS ? PST_TEST_INGRESS : PST_TEST_EGRESS))
			continue;
		qs[n++] = (struct pst_question){
			.direction = (enum pst_direction)d,
			.from = c->from,
			.to = c->to,
			.protocol = c->protocol,
			.port = c->port,
		};
	}
	return n;
}

struct batch {
	const struct pst_test_case **cases;
	size_t n_cases;
	struct pst_question *qs;
	size_t *first; /* per case and behind the last: index of its questions */
	struct pst_l4_result *l4;
};

static void batch_fini(struct batch *b)
{
	free(b->cases);
	free(b->qs);
	free(b->first);
	free(b->l4);
}

static int batch_init(struct batch *b, const struct pst_test_suite *s, const char *glob)
{
	size_t n = 0;

	b->cases = pst_mem_calloc(s->cases.n, sizeof(*b->cases));
	b->qs = pst_mem_calloc(s->cases.n, 2 * sizeof(*b->qs));
	b->first = pst_mem_calloc(s->cases.n + 1, sizeof(*b->first));
	b->l4 = pst_mem_calloc(s->cases.n, 2 * sizeof(*b->l4));
	if (!b->cases || !b->qs || !b->first || !b->l4)
		return -ENOMEM;
	for (size_t i = 0; i < s->cases.n; i++) {
		const struct pst_test_case *c = &s->cases.v[i];

		if (glob && fnmatch(glob, c->name, 0))
			continue;
		b->first[b->n_cases] = n;
		n += put_questions(c, &b->qs[n]);
		b->cases[b->n_cases++] = c;
		b->first[b->n_cases] = n;
	}
	return 0;
}

static int judge_batch(struct pst_test_outcome *o, const struct batch *b)
{
	int r = 0;

	for (size_t i = 0; !r && i < b->n_cases; i++) {
		size_t at = b->first[i];
		const struct sides sides = {&b->qs[at], &b->l4[at], b->first[i + 1] - at};

		r = judge_case(o, b->cases[i], &sides, &o->results[i]);
		if (!r)
			o->n_passed += o->results[i].passed;
	}
	return r;
}

static int run(struct pst_test_outcome *o, const struct pst_test_run_options *options,
	       const struct batch *b)
{
	const struct pst_input_paths paths = {
		.policies = &o->suite->policies,
		.inventories = &o->suite->inventories,
		.accept = options->accept,
		.in_force = options->in_force,
	};
	int status = pst_input_load(&o->in, &paths);

	if (!status)
		status = pst_question_ask_all(&o->in, b->qs, b->first[b->n_cases], b->l4,
					      &o->answer);
	pst_input_print(&o->in);
	if (status) {
		o->error = "the policies or inventories have errors: nothing was judged, because "
			   "what is left of them could mislead";
		return 0;
	}
	o->has_answer = true;
	pst_judge_set_any_form(o->answer.judge, options->any_form);
	o->results = pst_mem_calloc(b->n_cases, sizeof(*o->results));
	if (!o->results)
		return -ENOMEM;
	o->n_results = b->n_cases;
	return judge_batch(o, b);
}

int pst_test_run(const struct pst_test_suite *s, const struct pst_test_run_options *o,
		 struct pst_test_outcome *ret_outcome)
{
	struct batch b pst_cleanup(batch_fini) = {0};
	int r = batch_init(&b, s, o->glob);

	*ret_outcome = (struct pst_test_outcome){.suite = s};
	return r || !b.n_cases ? r : run(ret_outcome, o, &b);
}
