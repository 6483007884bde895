// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_wishes.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/bundle.h"
#include "compiler/head.h"
#include "compiler/header.h"
#include "compiler/judge.h"
#include "enforcer/verdict.h"

/* Once each. */
static void add(const char **names, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++) {
		if (!strcmp(names[i], name))
			return;
	}
	if (*n < PST_FLOW_WISHES)
		names[(*n)++] = name;
}

static void look_at(const struct pst_bundle_rule *rule, const struct pst_head *head,
		    struct pst_flow *f)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		const struct pst_bundle_header *h = &rule->headers[i];
		enum pst_header_found found;

		if (pst_header_is_condition(h))
			continue;
		found = pst_header_find(h, head->bytes, head->len);
		if (found == PST_HEADER_MISSING)
			add(f->missing, &f->n_missing, h->name);
		else if (found == PST_HEADER_REJECTED)
			add(f->rejected, &f->n_rejected, h->name);
	}
}

/* Allocated when there is somebody who may need them. */
static int make_room(struct pst_arena *a, struct pst_flow *f)
{
	if (f->missing)
		return 0;
	f->missing = pst_arena_calloc(a, PST_FLOW_WISHES, sizeof(*f->missing));
	f->rejected = pst_arena_calloc(a, PST_FLOW_WISHES, sizeof(*f->rejected));
	return f->missing && f->rejected ? 0 : -ENOMEM;
}

/* Is the head there to its end? The core has accepted the request, so nothing is behind it. */
static bool is_whole(const struct pst_event *e)
{
	return e->head_len >= 4 && e->head_len <= PST_EVENT_HEAD &&
	       !memcmp(e->head + e->head_len - 4, "\r\n\r\n", 4);
}

/* The rule set of the request, if it was allowed by one that wishes for something. */
static const struct pst_bundle_ruleset *wishing_set(const struct pst_bundle *b,
						    const struct pst_event *e)
{
	const struct pst_bundle_ruleset *set;

	if (!b || e->outcome != PST_OUTCOME_ALLOWED || e->reason != PST_REASON_RULE ||
	    e->ruleset >= b->n_rulesets)
		return NULL;
	set = &b->rulesets[e->ruleset];
	for (size_t i = 0; i < set->n_rules; i++) {
		if (pst_header_wishes(&b->rules[set->rules[i]]))
			return set;
	}
	return NULL;
}

/* What the proxy has found. The numbers have been compared with the bundle. */
static int name_told(const struct pst_bundle *b, const struct pst_verdict_record *v,
		     struct pst_arena *a, struct pst_flow *f)
{
	if (!b || !v->n_wishes)
		return 0;
	if (make_room(a, f))
		return -ENOMEM;
	for (size_t i = 0; i < v->n_wishes; i++) {
		const struct pst_verdict_wish *w = &v->wishes[i];
		const char *name = b->rules[w->rule].headers[w->header].name;

		if (w->is_missing)
			add(f->missing, &f->n_missing, name);
		else
			add(f->rejected, &f->n_rejected, name);
	}
	return 0;
}

/* A generation's judge takes a megabyte for a thousand rules: it is asked for last. */
static int find(const struct pst_flow_source *source, const struct pst_event *e,
		const struct pst_bundle *b, struct pst_arena *a, struct pst_flow *f)
{
	const struct pst_bundle_ruleset *set = wishing_set(b, e);
	struct pst_judge *judge;
	struct pst_head head;

	if (!set || !is_whole(e))
		return 0;
	judge = source->judge(source->arg, e->generation);
	if (!judge)
		return 0;
	pst_head_split((const char *)e->head, e->head_len, &head);
	for (size_t i = 0; i < set->n_rules; i++) {
		const struct pst_bundle_rule *rule = &b->rules[set->rules[i]];

		if (!pst_header_wishes(rule) || !pst_judge_matches(judge, set->rules[i], &head))
			continue;
		if (make_room(a, f))
			return -ENOMEM;
		look_at(rule, &head, f);
	}
	return 0;
}

int pst_flow_wishes(const struct pst_flow_source *source, const struct pst_flow_event *e,
		    struct pst_arena *a, struct pst_flow *f)
{
	const struct pst_bundle *b = source->bundle(source->arg, e->e->generation);

	return e->proxy ? name_told(b, e->proxy, a, f) : find(source, e->e, b, a, f);
}
