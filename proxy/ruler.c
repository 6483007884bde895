// SPDX-License-Identifier: Apache-2.0
#include "proxy/ruler.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/head.h"
#include "compiler/header.h"
#include "enforcer/wish.h"
#include "policy/policy.h"
#include "proxy/matcher.h"
#include "proxy/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a rule set besides the bundle. */
struct set {
	struct pst_names names;
	bool acts;
	bool asks;   /* a rule has a condition on a header, or an action */
	bool wishes; /* a rule wants headers without which it matches */
};

struct pst_ruler {
	struct pst_bundle *b;
	struct pst_table *table;
	/* Its rule set 0 knows the recogniser's own field names and nothing else: for the sets that
	 * are decided rule by rule. NULL when there is none. */
	struct pst_table *plain;
	struct pst_matchers *matchers;
	struct set *sets;
	size_t n_sets;
	bool names_rules, any_form;
	const struct pst_wish *wish; /* or NULL */
	enum pst_normal normal;
	bool is_twin; /* what is above, but the matchers, is somebody else's */
	struct PST_VEC(const struct pst_bundle_header *) actions;
	struct pst_ruler_mismatch mismatches[PST_RULER_MISMATCHES];
	size_t n_mismatches;
};

static void free_shared(struct pst_ruler *r)
{
	for (size_t i = 0; i < r->n_sets; i++)
		pst_vec_free(&r->sets[i].names);
	free(r->sets);
	free(r->plain);
	free(r->table);
	pst_bundle_free(&r->b);
}

void pst_ruler_free(struct pst_ruler **r)
{
	if (!*r)
		return;
	pst_vec_free(&(*r)->actions);
	pst_matchers_free(&(*r)->matchers);
	if (!(*r)->is_twin)
		free_shared(*r);
	free(*r);
	*r = NULL;
}

static int make_plain(struct pst_ruler *r)
{
	if (r->plain)
		return 0;
	r->plain = pst_mem_calloc(1, sizeof(*r->plain));
	if (!r->plain)
		return -ENOMEM;
	pst_bundle_fill_table(r->b, r->plain);
	r->plain->rulesets[0] = (struct pst_ruleset){
		.name_start = r->b->name_start,
		.name_classes = r->b->name_classes,
	};
	return 0;
}

static int prepare_set(struct pst_ruler *r, size_t index, struct pst_diags *diags)
{
	const struct pst_bundle_ruleset *set = &r->b->rulesets[index];
	struct set *known = &r->sets[index];
	int e = make_plain(r);

	for (size_t i = 0; !e && i < set->n_rules; i++) {
		const struct pst_bundle_rule *rule = &r->b->rules[set->rules[i]];

		known->acts |= pst_header_acts(rule);
		e = pst_names_add(&known->names, rule);
		if (!e)
			e = pst_matchers_prepare(r->matchers, set->rules[i], diags);
	}
	return e;
}

static bool asks_for_headers(const struct pst_bundle_rule *rule)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		if (rule->headers[i].mismatch != PST_MISMATCH_LOG)
			return true;
	}
	return false;
}

static bool has_questions(const struct pst_bundle *b, const struct pst_bundle_ruleset *set)
{
	for (size_t i = 0; i < set->n_rules; i++) {
		if (asks_for_headers(&b->rules[set->rules[i]]))
			return true;
	}
	return false;
}

static bool has_wishes(const struct pst_bundle *b, const struct pst_bundle_ruleset *set)
{
	for (size_t i = 0; i < set->n_rules; i++) {
		if (pst_header_wishes(&b->rules[set->rules[i]]))
			return true;
	}
	return false;
}

static int prepare(struct pst_ruler *r, struct pst_diags *diags)
{
	int e;

	r->table = pst_mem_calloc(1, sizeof(*r->table));
	r->sets = pst_mem_calloc(r->b->n_rulesets ? r->b->n_rulesets : 1, sizeof(*r->sets));
	if (!r->table || !r->sets)
		return -ENOMEM;
	r->n_sets = r->b->n_rulesets;
	pst_bundle_fill_table(r->b, r->table);
	e = pst_matchers_new(r->b, &r->matchers);
	for (size_t i = 0; !e && i < r->b->n_rulesets; i++) {
		r->sets[i].asks = has_questions(r->b, &r->b->rulesets[i]);
		r->sets[i].wishes = has_wishes(r->b, &r->b->rulesets[i]);
		if (r->b->rulesets[i].fallback)
			e = prepare_set(r, i, diags);
	}
	return e;
}

int pst_ruler_new(struct pst_bundle *b, struct pst_diags *diags, struct pst_ruler **ret_ruler)
{
	struct pst_ruler *r = pst_mem_calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->b = b;
	e = prepare(r, diags);
	if (e) {
		r->b = NULL; /* the caller's still */
		pst_ruler_free(&r);
		return e;
	}
	*ret_ruler = r;
	return 0;
}

int pst_ruler_twin(struct pst_ruler *of, struct pst_ruler **ret_twin)
{
	struct pst_ruler *r = pst_mem_calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	*r = *of;
	r->is_twin = true;
	r->matchers = NULL;
	r->actions.v = NULL;
	r->actions.n = r->actions.cap = 0;
	e = pst_matchers_twin(of->matchers, &r->matchers);
	if (e)
		pst_ruler_free(&r);
	else
		*ret_twin = r;
	return e;
}

void pst_ruler_name_rules(struct pst_ruler *r, bool on, const struct pst_wish *wish)
{
	r->names_rules = on;
	r->wish = wish;
}

static bool is_naming(const struct pst_ruler *r)
{
	return r->names_rules || pst_wish_is_all(r->wish);
}

void pst_ruler_set_any_form(struct pst_ruler *r, bool on)
{
	r->any_form = on;
}

bool pst_ruler_is_any_form(const struct pst_ruler *r)
{
	return r->any_form;
}

void pst_ruler_set_normal(struct pst_ruler *r, enum pst_normal mode)
{
	r->normal = mode;
}

enum pst_normal pst_ruler_normal(const struct pst_ruler *r)
{
	return r->normal;
}

const struct pst_bundle *pst_ruler_bundle(const struct pst_ruler *r)
{
	return r->b;
}

const struct pst_table *pst_ruler_table(const struct pst_ruler *r, uint32_t ruleset,
					uint32_t *ret_index)
{
	if (r->b->rulesets[ruleset].fallback) {
		*ret_index = 0;
		return r->plain;
	}
	*ret_index = ruleset;
	return r->table;
}

/* Are all of the rule's conditions on headers met? What it does to headers is none. */
static bool headers_match(const struct pst_bundle_rule *rule, const struct pst_head *head)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		const struct pst_bundle_header *h = &rule->headers[i];

		if (pst_header_is_condition(h) &&
		    !pst_head_has(head->bytes, head->len, h->name, h->value))
			return false;
	}
	return true;
}

static int add_actions(struct pst_ruler *r, const struct pst_bundle_rule *rule)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		if (pst_header_is_action(&rule->headers[i]) &&
		    pst_vec_push(&r->actions, &rule->headers[i]))
			return -ENOMEM;
	}
	return 0;
}

static void add_mismatch(struct pst_ruler *r, const struct pst_ruler_mismatch *m)
{
	for (size_t i = 0; i < r->n_mismatches; i++) {
		if (r->mismatches[i].is_missing == m->is_missing &&
		    !strcmp(r->mismatches[i].name, m->name))
			return;
	}
	if (r->n_mismatches < PST_RULER_MISMATCHES)
		r->mismatches[r->n_mismatches++] = *m;
}

/* What the matching RULE wants in vain. */
static void add_mismatches(struct pst_ruler *r, uint32_t index, const struct pst_head *head)
{
	const struct pst_bundle_rule *rule = &r->b->rules[index];

	for (size_t i = 0; i < rule->n_headers; i++) {
		const struct pst_bundle_header *h = &rule->headers[i];
		enum pst_header_found found;

		if (pst_header_is_condition(h))
			continue;
		found = pst_header_find(h, head->bytes, head->len);
		if (found != PST_HEADER_AS_WANTED)
			add_mismatch(r, &(struct pst_ruler_mismatch){
						.name = h->name,
						.rule = index,
						.header = (uint32_t)i,
						.is_missing = found == PST_HEADER_MISSING,
					});
	}
}

static void deny(struct pst_ruler_answer *answer, enum pst_reason reason, uint32_t rule)
{
	answer->allowed = false;
	answer->reason = reason;
	answer->rule = rule;
}

/* Rule by rule. In a set that acts, or tells, all of them, else up to the first that matches. */
static void ask_rules(struct pst_ruler *r, uint32_t ruleset, const struct pst_head *head,
		      struct pst_ruler_answer *answer)
{
	const struct pst_bundle_ruleset *set = &r->b->rulesets[ruleset];
	bool acts = r->sets[ruleset].acts;
	const bool tells = r->sets[ruleset].wishes && is_naming(r);
	bool all = acts || tells;
	uint32_t unknown = UINT32_MAX;

	pst_matchers_begin(r->matchers);
	for (size_t i = 0; i < set->n_rules && (all || !answer->allowed); i++) {
		const struct pst_bundle_rule *rule = &r->b->rules[set->rules[i]];
		enum pst_regex_result found;

		if (!headers_match(rule, head))
			continue;
		found = pst_matchers_ask(r->matchers, set->rules[i], head);
		if (found == PST_REGEX_LIMIT && unknown == UINT32_MAX)
			unknown = set->rules[i];
		if (found != PST_REGEX_YES)
			continue;
		if (!answer->allowed)
			answer->rule = set->rules[i];
		answer->allowed = true;
		answer->reason = PST_REASON_RULE_FALLBACK;
		if (tells)
			add_mismatches(r, set->rules[i], head);
		if (add_actions(r, rule)) {
			deny(answer, PST_REASON_NO_STATE, set->rules[i]);
			return;
		}
	}
	if (unknown != UINT32_MAX && (acts || !answer->allowed))
		deny(answer, PST_REASON_REGEX_LIMIT, unknown);
}

/*
 * Which rule of a set that the tables decide it was, and what all that match want in vain. Rules
 * are prepared when they are first asked for.
 */
static uint32_t name_rule(struct pst_ruler *r, uint32_t ruleset, uint64_t allow,
			  const struct pst_head *head)
{
	const struct pst_bundle_ruleset *set = &r->b->rulesets[ruleset];
	struct pst_diags *unused = pst_diags_new();
	uint32_t found = UINT32_MAX;

	pst_matchers_begin(r->matchers);
	for (size_t i = 0; unused && i < set->n_rules; i++) {
		uint32_t rule = set->rules[i];

		if (found != UINT32_MAX && !r->sets[ruleset].wishes)
			break;
		if (!(set->rule_tags[i] & allow) || !headers_match(&r->b->rules[rule], head) ||
		    pst_matchers_prepare(r->matchers, rule, unused))
			continue;
		if (pst_matchers_ask(r->matchers, rule, head) != PST_REGEX_YES)
			continue;
		found = found == UINT32_MAX ? rule : found;
		add_mismatches(r, rule, head);
	}
	pst_diags_free(&unused);
	return found;
}

void pst_ruler_ask(struct pst_ruler *r, uint32_t ruleset, const struct pst_http *h,
		   const char *bytes, struct pst_ruler_answer *ret_answer)
{
	struct pst_ruler_answer answer = {.reason = PST_REASON_NO_RULE_L7, .rule = UINT32_MAX};
	const struct set *known = &r->sets[ruleset];
	struct pst_head head;

	r->actions.n = 0;
	r->n_mismatches = 0;
	pst_head_split(bytes, h->head, &head);
	if (!r->b->rulesets[ruleset].fallback) {
		if (h->allow && !h->more) {
			answer.allowed = true;
			answer.reason = PST_REASON_RULE;
			if (is_naming(r))
				answer.rule = name_rule(r, ruleset, h->allow, &head);
		}
	} else if (pst_names_worst(&known->names, bytes, h->head) == PST_NAME_ALIAS) {
		answer.reason = PST_REASON_JUDGED_ALIAS;
	} else {
		ask_rules(r, ruleset, &head, &answer);
	}
	if (answer.allowed) {
		answer.actions = r->actions.v;
		answer.n_actions = r->actions.n;
		answer.mismatches = r->mismatches;
		answer.n_mismatches = r->n_mismatches;
	}
	*ret_answer = answer;
}

bool pst_ruler_is_trailer_asked(const struct pst_ruler *r, uint32_t ruleset, const char *bytes,
				size_t len)
{
	return pst_names_worst(&r->sets[ruleset].names, bytes, len) != PST_NAME_OTHER;
}

bool pst_ruler_is_header_asked(const struct pst_ruler *r, uint32_t ruleset)
{
	return r->sets[ruleset].asks;
}
