// SPDX-License-Identifier: Apache-2.0
#include "lint/http_box.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

int pst_http_box_init(struct pst_http_box *box, struct pst_meanings *m,
		      const struct pst_http_rule *rule)
{
	const struct pst_text *texts[PST_FIELD_MAX] = {&rule->method, &rule->path, &rule->host};
	int r = 0;

	*box = (struct pst_http_box){.rule = rule};
	for (int f = 0; !r && f < PST_FIELD_MAX; f++) {
		if (texts[f]->len)
			r = pst_meaning_get(m, f, texts[f], &box->field[f]);
	}
	return r;
}

int pst_http_box_is_empty(struct pst_meanings *m, const struct pst_http_box *box)
{
	int r = 0;

	for (int f = 0; !r && f < PST_FIELD_MAX; f++) {
		if (box->field[f])
			r = pst_meaning_is_empty(m, box->field[f]);
	}
	return r;
}

static bool same_text(const struct pst_text *a, const struct pst_text *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->s, b->s, a->len));
}

/* Names of headers have no case. */
static bool same_name(const struct pst_text *a, const struct pst_text *b)
{
	return a->len == b->len && (!a->len || !strncasecmp(a->s, b->s, a->len));
}

static bool has_header(const struct pst_http_rule *rule, const struct pst_header_rule *header)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		if (same_name(&rule->headers[i].name, &header->name) &&
		    same_text(&rule->headers[i].value, &header->value))
			return true;
	}
	return false;
}

static bool has_match(const struct pst_http_rule *rule, const struct pst_header_match *match)
{
	for (size_t i = 0; i < rule->n_matches; i++) {
		const struct pst_header_match *own = &rule->matches[i];

		if (same_name(&own->name, &match->name) && same_text(&own->value, &match->value) &&
		    same_text(&own->secret.ns, &match->secret.ns) &&
		    same_text(&own->secret.name, &match->secret.name))
			return true;
	}
	return false;
}

static bool only_allows(const struct pst_http_rule *rule)
{
	for (size_t i = 0; i < rule->n_matches; i++) {
		if (rule->matches[i].mismatch != PST_MISMATCH_FAIL)
			return false;
	}
	return true;
}

/* Does a request that meets INNER's conditions meet OUTER's? */
static bool includes_headers(const struct pst_http_rule *outer, const struct pst_http_rule *inner)
{
	if (!only_allows(outer) || !only_allows(inner))
		return false;
	for (size_t i = 0; i < outer->n_headers; i++) {
		if (!has_header(inner, &outer->headers[i]))
			return false;
	}
	for (size_t i = 0; i < outer->n_matches; i++) {
		if (!has_match(inner, &outer->matches[i]))
			return false;
	}
	return true;
}

static int includes_field(struct pst_meanings *m, enum pst_field field,
			  const struct pst_http_box *outer, const struct pst_http_box *inner)
{
	struct pst_meaning *o = outer->field[field], *i = inner->field[field];

	if (!o)
		return 1;
	if (i)
		return pst_meaning_includes(m, o, i);
	/* A pattern, even ".*", does not match a Host that is missing. */
	return field == PST_FIELD_HOST ? 0 : pst_meaning_is_everything(m, o);
}

/* What costs nothing to see comes before what costs something. */
static bool excludes(const struct pst_http_box *outer, const struct pst_http_box *inner)
{
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		if (outer->field[f] && inner->field[f] &&
		    pst_meaning_excludes(outer->field[f], inner->field[f]))
			return true;
	}
	return false;
}

int pst_http_box_includes(struct pst_meanings *m, const struct pst_http_box *outer,
			  const struct pst_http_box *inner)
{
	/* Paths differ most. */
	static const enum pst_field order[] = {PST_FIELD_PATH, PST_FIELD_METHOD, PST_FIELD_HOST};
	int r = !excludes(outer, inner) && includes_headers(outer->rule, inner->rule);

	for (size_t i = 0; r > 0 && i < sizeof(order) / sizeof(*order); i++)
		r = includes_field(m, order[i], outer, inner);
	return r;
}

static int take_sample(const struct pst_meaning *p, struct pst_lang_answer *ret_answer)
{
	const size_t len = strlen(p->sample);
	char *text = pst_mem_strndup(p->sample, len);

	if (!text)
		return -ENOMEM;
	*ret_answer = (struct pst_lang_answer){.found = true, .witness = {text, len}};
	return 1;
}

/* A text that OUTER's pattern has and INNER's has not; found is false when they are equal. */
static int find_extra(struct pst_meanings *m, enum pst_field field, struct pst_meaning *outer,
		      struct pst_meaning *inner, struct pst_lang_answer *ret_answer)
{
	struct pst_lang_question q = {
		.rule = outer ? PST_LANG_MINUS : PST_LANG_NOT_B,
		.within = pst_meanings_base(m, field),
	};
	int r;

	if (outer && outer->sample && pst_meaning_excludes(inner, outer))
		return take_sample(outer, ret_answer);
	r = outer ? pst_meaning_build(m, outer) : 1;
	if (r > 0)
		r = pst_meaning_build(m, inner);
	if (r <= 0)
		return r;
	q.a = (struct pst_lang){outer ? outer->automaton : NULL, UINT64_MAX};
	q.b = (struct pst_lang){inner->automaton, UINT64_MAX};
	return pst_meanings_find(m, &q, ret_answer);
}

int pst_http_box_extra(struct pst_meanings *m, const struct pst_http_box *outer,
		       const struct pst_http_box *inner, struct pst_http_extra *ret_extra)
{
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		struct pst_lang_answer answer = {.found = false};
		int r;

		if (!inner->field[f] || inner->field[f] == outer->field[f])
			continue;
		r = find_extra(m, f, outer->field[f], inner->field[f], &answer);
		if (r <= 0)
			return r;
		if (answer.found || (f == PST_FIELD_HOST && !outer->field[f])) {
			*ret_extra = (struct pst_http_extra){.field = f, .witness = answer.witness};
			return 1;
		}
	}
	*ret_extra = (struct pst_http_extra){.by_headers = true};
	return 1;
}

void pst_http_extra_fini(struct pst_http_extra *extra)
{
	pst_witness_fini(&extra->witness);
}
