// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_wishes.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/bundle.h"
#include "compiler/head.h"
#include "compiler/header.h"
#include "compiler/judge.h"

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

int pst_flow_wishes(const struct pst_flow_source *source, const struct pst_event *e,
		    struct pst_arena *a, struct pst_flow *f)
{
	const struct pst_bundle *b = source->bundle(source->arg, e->generation);
	struct pst_judge *judge = source->judge(source->arg, e->generation);
	const struct pst_bundle_ruleset *set;
	struct pst_head head;

	if (e->outcome != PST_OUTCOME_ALLOWED || e->reason != PST_REASON_RULE || !is_whole(e) ||
	    !b || !judge || e->ruleset >= b->n_rulesets)
		return 0;
	pst_head_split((const char *)e->head, e->head_len, &head);
	set = &b->rulesets[e->ruleset];
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
