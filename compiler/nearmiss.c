// SPDX-License-Identifier: Apache-2.0
#include "compiler/nearmiss.h"

#include "base/mem.h"
#include "compiler/automaton.h"
#include "compiler/nearlist.h"

#include <errno.h>
#include <string.h>

/* Big ones as well: this is for one request, not for a table. */
static const struct pst_automaton_limits limits = {
	.max_states = 1 << 16,
	.max_nodes = 1 << 20,
	.max_bytes = 64 << 20,
};

static const char *pattern_of(const struct pst_bundle_rule *r, enum pst_field field)
{
	const char *const patterns[] = {
		[PST_FIELD_METHOD] = r->method,
		[PST_FIELD_PATH] = r->target,
		[PST_FIELD_HOST] = r->host,
	};

	return patterns[field];
}

/* State 0 is the only one without a way to accept: automata are minimal. */
static void follow(const struct pst_automaton *a, const struct pst_span *text,
		   struct pst_miss_field *m)
{
	uint32_t state = a->start;

	for (size_t i = 0; state && i < text->len; i++) {
		state = a->next[state * a->n_classes + a->class_of[(unsigned char)text->s[i]]];
		m->at = i;
	}
	if (!state)
		m->how = PST_MISS_LEAVES;
	else if (a->tags[state])
		m->how = PST_MISS_NOT;
	else
		m->how = PST_MISS_ENDS;
}

static int look(const struct pst_span *text, struct pst_miss_field *m)
{
	const struct pst_pattern pattern = {.re = m->pattern, .len = strlen(m->pattern), .tag = 1};
	struct pst_automaton *a = NULL;
	struct pst_diags *unused;
	int r;

	if (!text->s) {
		m->how = PST_MISS_ABSENT;
		return 0;
	}
	unused = pst_diags_new();
	if (!unused)
		return -ENOMEM;
	r = pst_automaton_build(&pattern, 1, &limits, unused, &a);
	pst_diags_free(&unused);
	if (r == -ENOMEM)
		return r;
	m->how = PST_MISS_UNKNOWN;
	if (!r)
		follow(a, text, m);
	pst_automaton_free(&a);
	return 0;
}

static void look_at_headers(const struct pst_bundle_rule *r, const struct pst_head *head,
			    struct pst_nearmiss_http *m)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		const struct pst_bundle_header *h = &r->headers[i];

		if (h->mismatch != PST_MISMATCH_FAIL)
			continue;
		m->n_headers++;
		if (pst_head_has(head->bytes, head->len, h->name, h->value))
			continue;
		if (!m->n_unmet++) {
			m->header = h;
			m->has_header = pst_head_has(head->bytes, head->len, h->name, NULL);
		}
	}
}

static size_t count_missed(const struct pst_nearmiss_http *m)
{
	size_t n = 0;

	for (int f = 0; f < PST_FIELD_MAX; f++)
		n += m->field[f].how != PST_MISS_NOT;
	return n + m->n_unmet;
}

/* How far the path got: to its end, or to the byte that leaves the pattern. */
static size_t reach(const struct pst_nearmiss_http *m)
{
	const struct pst_miss_field *path = &m->field[PST_FIELD_PATH];

	return path->how == PST_MISS_LEAVES || path->how == PST_MISS_UNKNOWN ? path->at : SIZE_MAX;
}

static bool is_nearer(const void *va, const void *vb)
{
	const struct pst_nearmiss_http *a = va, *b = vb;
	const size_t na = count_missed(a), nb = count_missed(b);

	return na != nb ? na < nb : reach(a) > reach(b);
}

int pst_nearmiss_http_find(const struct pst_bundle *b, uint32_t ruleset,
			   const struct pst_head *head, struct pst_nearmisses_http *ret_misses)
{
	const struct pst_bundle_ruleset *set = &b->rulesets[ruleset];
	struct pst_nearmisses_http all = {0};
	const struct pst_nearlist list = {all.v, sizeof(*all.v), &all.n, &all.n_more, is_nearer};

	for (size_t i = 0; i < set->n_rules; i++) {
		struct pst_nearmiss_http m = {.rule = set->rules[i]};

		for (int f = 0; f < PST_FIELD_MAX; f++) {
			m.field[f].pattern = pattern_of(&b->rules[m.rule], f);
			if (m.field[f].pattern && look(&head->field[f], &m.field[f]))
				return -ENOMEM;
		}
		look_at_headers(&b->rules[m.rule], head, &m);
		/* One that misses nothing has allowed the request. */
		if (count_missed(&m))
			pst_nearlist_insert(&list, &m);
	}
	*ret_misses = all;
	return 0;
}
