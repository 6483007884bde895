// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "lint/box_index.h"
#include "lint/cover.h"
#include "lint/http_box.h"
#include "lint/meaning.h"
#include "lint/rule_index.h"
#include "lint/walk.h"

/*
 * HTTP rules that allow nothing of their own, because another rule for the same subjects, peers and
 * ports allows all of it: of the same list, of another rule, of another policy. What a rule without
 * HTTP rules makes of a list is check_shadow.c's.
 */

/* A list of HTTP rules and what it applies to. */
struct list {
	const struct pst_rule_ref *ref;
	const struct pst_port_rule *entry;
	struct PST_VEC(struct pst_http_box) boxes;
};

/* A list that applies to other ports is soon seen to; many of them are not. */
enum { ENTRIES_PER_LOOK = 16 };

struct search {
	const struct pst_lint_env *env;
	struct pst_rule_index *index;
	struct list inner, outer;
	struct PST_VEC(bool) told; /* by place in inner.boxes */
	bool is_mutual;		   /* OUTER applies to nothing but what INNER does */
	int r;
};

/* A list that says which requests pass, and nothing else. */
static bool is_comparable(const struct pst_port_rule *entry)
{
	return entry->n_http && entry->n_ports && !entry->n_server_names && !entry->listener &&
	       !entry->terminating_tls && !entry->originating_tls && !pst_port_rule_is_open(entry);
}

static bool has_lists(const struct pst_rule_ref *ref)
{
	if (ref->rule->deny || pst_rule_reaches_nobody(ref->rule))
		return false;
	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		if (is_comparable(&ref->rule->ports[i]))
			return true;
	}
	return false;
}

static int list_set(struct search *s, struct list *l, const struct pst_rule_ref *ref,
		    const struct pst_port_rule *entry)
{
	l->ref = ref;
	l->entry = entry;
	l->boxes.n = 0;
	if (pst_vec_reserve(&l->boxes, entry->n_http))
		return -ENOMEM;
	for (size_t i = 0; i < entry->n_http; i++) {
		if (pst_http_box_init(&l->boxes.v[i], s->env->meanings, &entry->http[i]))
			return -ENOMEM;
	}
	l->boxes.n = entry->n_http;
	return 0;
}

static bool covers_ports(const struct pst_port_rule *outer, const struct pst_port_rule *inner)
{
	for (size_t i = 0; i < inner->n_ports; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < outer->n_ports; k++)
			found = pst_cover_port(&outer->ports[k], &inner->ports[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool is_before(const struct pst_pos *a, const struct pst_pos *b)
{
	int order = strcmp(a->file, b->file);

	if (order)
		return order < 0;
	return a->line != b->line ? a->line < b->line : a->col < b->col;
}

static void note_other(struct search *s, const struct pst_http_box *outer, const char *more)
{
	char name[PST_LINT_NAME_SIZE];

	pst_diags_note(s->env->diags, &outer->rule->pos, "allowed here, by policy %s%s",
		       pst_lint_policy_name(s->outer.ref->policy, name), more);
}

static void say_equal(struct search *s, const struct pst_http_box *outer,
		      const struct pst_http_box *inner)
{
	pst_diags_add(s->env->diags, PST_SEVERITY_INFO, "http-rule-equal", &inner->rule->pos, "%s",
		      s->is_mutual ? "this rule allows the same requests as another one does"
				   : "another rule allows the same requests here and elsewhere");
	note_other(s, outer, "");
}

static void say_subset(struct search *s, const struct pst_http_box *outer,
		       const struct pst_http_box *inner, const struct pst_http_extra *extra)
{
	char shown[PST_SHOWN_SIZE], more[PST_SHOWN_SIZE + 64] = "";
	static const char *const nouns[PST_FIELD_MAX] = {"method", "path", "host"};

	if (extra->by_headers)
		pst_diags_add(
			s->env->diags, PST_SEVERITY_WARNING, "http-rule-subset", &inner->rule->pos,
			"the header conditions of this rule restrict nothing: another rule allows the same requests without them");
	else
		pst_diags_add(
			s->env->diags, PST_SEVERITY_WARNING, "http-rule-subset", &inner->rule->pos,
			"this rule allows nothing of its own: another one allows all that it does");
	if (!extra->by_headers && !extra->witness.text)
		snprintf(more, sizeof(more), ", and so are requests without Host");
	else if (!extra->by_headers)
		snprintf(more, sizeof(more), ", and so is the %s \"%s\"", nouns[extra->field],
			 pst_witness_shown(&extra->witness, shown));
	note_other(s, outer, more);
}

/* 1 when it was told that OUTER makes INNER superfluous. */
static int compare(struct search *s, const struct pst_http_box *outer,
		   const struct pst_http_box *inner)
{
	struct pst_http_extra extra = {.by_headers = false};
	int r = pst_http_box_includes(s->env->meanings, outer, inner);

	if (r <= 0)
		return r;
	r = pst_http_box_is_empty(s->env->meanings, inner);
	if (r)
		return r < 0 ? r : 0;
	r = pst_http_box_includes(s->env->meanings, inner, outer);
	if (r > 0 && s->is_mutual && !is_before(&outer->rule->pos, &inner->rule->pos))
		return 0;
	if (r > 0)
		say_equal(s, outer, inner);
	if (r)
		return r;
	r = pst_http_box_extra(s->env->meanings, outer, inner, &extra);
	if (r > 0)
		say_subset(s, outer, inner, &extra);
	pst_http_extra_fini(&extra);
	return r;
}

static int search_outer(struct search *s, const struct pst_box_index *outer, size_t i)
{
	const struct pst_http_box *inner = &s->inner.boxes.v[i], *box;
	struct pst_box_cursor cursor = pst_box_cursor_init(outer, inner);

	while (!s->told.v[i] && (box = pst_box_index_next(outer, &cursor))) {
		int r = 0;

		if (!pst_meanings_spend(s->env->meanings, 1))
			return 0;
		if (box->rule != inner->rule)
			r = compare(s, box, inner);
		if (r < 0)
			return r;
		s->told.v[i] = r > 0;
	}
	return 0;
}

static int compare_lists(struct search *s)
{
	struct pst_box_index outer;
	int r = pst_box_index_init(&outer, s->outer.boxes.v, s->outer.boxes.n);

	for (size_t i = 0; !r && i < s->inner.boxes.n; i++)
		r = search_outer(s, &outer, i);
	pst_box_index_fini(&outer);
	return r;
}

static bool applies_wherever(struct search *s, const struct list *outer, const struct list *inner)
{
	return outer->ref->rule == inner->ref->rule ||
	       (pst_rule_index_selects_all(s->index, outer->ref, inner->ref->spec) &&
		pst_rule_index_reaches_all(s->index, outer->ref, inner->ref->rule));
}

static int compare_entry(struct search *s, const struct pst_rule_ref *ref,
			 const struct pst_port_rule *entry)
{
	const struct list outer = {.ref = ref, .entry = entry};
	int r;

	if (!is_comparable(entry) || !covers_ports(entry, s->inner.entry) ||
	    !applies_wherever(s, &outer, &s->inner) ||
	    !pst_rule_index_spend(s->index, entry->n_http + s->inner.entry->n_http, 1))
		return 0;
	r = list_set(s, &s->outer, ref, entry);
	if (r)
		return r;
	s->is_mutual =
		covers_ports(s->inner.entry, entry) && applies_wherever(s, &s->inner, &s->outer);
	return compare_lists(s);
}

static int compare_rule(struct search *s, const struct pst_rule_ref *ref)
{
	const size_t looks = ref->rule->n_ports / ENTRIES_PER_LOOK;
	int r = 0;

	if (looks && !pst_rule_index_spend(s->index, looks, 1))
		return 0;
	for (size_t i = 0; !r && i < ref->rule->n_ports; i++)
		r = compare_entry(s, ref, &ref->rule->ports[i]);
	return r;
}

/* The rule's own lists first: what stands together is compared by who reads it. */
static int search_list(struct search *s, const struct pst_rule_ref *ref,
		       const struct pst_port_rule *entry)
{
	struct pst_rule_cursor cursor = pst_rule_cursor_init(ref);
	const struct pst_rule_ref *other;
	int r = list_set(s, &s->inner, ref, entry);

	if (r || pst_vec_reserve(&s->told, entry->n_http))
		return -ENOMEM;
	memset(s->told.v, 0, entry->n_http * sizeof(*s->told.v));
	r = compare_rule(s, ref);
	while (!r && (other = pst_rule_index_next(s->index, &cursor))) {
		if (other->rule != ref->rule)
			r = compare_rule(s, other);
	}
	return r;
}

static void search_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	struct search *s = ctx;

	(void)env;
	if (ref->rule->deny || pst_rule_reaches_nobody(ref->rule))
		return;
	for (size_t i = 0; !s->r && i < ref->rule->n_ports; i++) {
		if (is_comparable(&ref->rule->ports[i]))
			s->r = search_list(s, ref, &ref->rule->ports[i]);
	}
}

int pst_check_subset(const struct pst_lint_env *env)
{
	struct pst_rule_index index;
	struct search s = {.env = env, .index = &index};
	int r = pst_rule_index_init(&index, env->set, false, has_lists);

	if (r)
		return r;
	pst_lint_each_rule(env, search_rule, &s);
	pst_rule_index_report(&index, env, "HTTP rules inside of others");
	pst_rule_index_fini(&index);
	pst_vec_free(&s.inner.boxes);
	pst_vec_free(&s.outer.boxes);
	pst_vec_free(&s.told);
	return s.r;
}
