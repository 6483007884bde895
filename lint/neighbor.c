// SPDX-License-Identifier: Apache-2.0
#include "lint/neighbor.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lint/meaning.h"

enum {
	MAX_COMPARED = 64, /* rules of one list */
	FOLDER_SIZE = 512,
};

/* Do all texts of INNER lie below the name with which those of OUTER begin? */
static bool is_below(const struct pst_meaning *outer, const struct pst_meaning *inner)
{
	const uint32_t n = outer->prefix_len;

	return inner->prefix_len > n && !memcmp(inner->prefix, outer->prefix, n) &&
	       inner->prefix[n] == '/';
}

/* The name itself, with what may be behind it: a query, or names below. */
static int folder_of(const struct pst_lint_env *env, const struct pst_meaning *outer,
		     struct pst_meaning **ret_folder)
{
	char re[FOLDER_SIZE];
	struct pst_text text = {.s = re};

	if (outer->prefix_len > sizeof(re) / 2 || memchr(outer->prefix, '\\', outer->prefix_len))
		return 0;
	text.len = (size_t)snprintf(re, sizeof(re), "\\Q%.*s\\E([/?].*)?", (int)outer->prefix_len,
				    outer->prefix);
	text.s = pst_meanings_keep(env->meanings, re, text.len);
	if (!text.s || pst_meaning_get(env->meanings, PST_FIELD_PATH, &text, ret_folder))
		return -ENOMEM;
	return pst_meaning_build(env->meanings, *ret_folder);
}

/* Does anything go that goes on with the name? Then it was not chosen, as in "/v1?/x" it was. */
static bool lets_names_grow(const struct pst_meaning *outer)
{
	char text[FOLDER_SIZE];
	int len = snprintf(text, sizeof(text), "%.*szq", (int)outer->prefix_len, outer->prefix);

	return len > 0 && (size_t)len < sizeof(text) &&
	       pst_automaton_match(outer->automaton, text, (size_t)len);
}

static int find_stranger(const struct pst_lint_env *env, struct pst_meaning *outer,
			 struct pst_lang_answer *ret_answer)
{
	struct pst_lang_question q = {
		.rule = PST_LANG_MINUS,
		.within = pst_meanings_base(env->meanings, PST_FIELD_PATH),
	};
	struct pst_meaning *folder = NULL;
	int r = folder_of(env, outer, &folder);

	if (r <= 0 || (r = pst_meaning_build(env->meanings, outer)) <= 0 || !lets_names_grow(outer))
		return r < 0 ? r : 0;
	q.a = (struct pst_lang){outer->automaton, UINT64_MAX};
	q.b = (struct pst_lang){folder->automaton, UINT64_MAX};
	r = pst_meanings_find(env->meanings, &q, ret_answer);
	return r <= 0 ? r : ret_answer->found;
}

/* 1 when it was told. */
static int compare(const struct pst_lint_env *env, const struct pst_text *path,
		   const struct pst_text *other)
{
	struct pst_meaning *outer = NULL, *inner = NULL;
	struct pst_lang_answer answer = {.found = false};
	char shown[PST_SHOWN_SIZE];
	int r = pst_meaning_get(env->meanings, PST_FIELD_PATH, path, &outer);

	if (!r)
		r = pst_meaning_get(env->meanings, PST_FIELD_PATH, other, &inner);
	if (r || !is_below(outer, inner))
		return r;
	r = pst_meaning_includes(env->meanings, outer, inner);
	if (r > 0)
		r = find_stranger(env, outer, &answer);
	if (r <= 0)
		return r;
	pst_diags_add(env->diags, PST_SEVERITY_WARNING, "path-wider-than-neighbor", &path->pos,
		      "this also lets in \"%s\", which the path beside it does not suggest",
		      pst_witness_shown(&answer.witness, shown));
	pst_diags_note(env->diags, &other->pos, "what lies below \"%.*s/\" is allowed here",
		       (int)outer->prefix_len, outer->prefix);
	pst_witness_fini(&answer.witness);
	return 1;
}

/* Does it end inside of a name, where something goes on? */
static bool ends_in_a_name(const struct pst_meaning *p)
{
	return p->prefix_len && !p->is_literal &&
	       isalnum((unsigned char)p->prefix[p->prefix_len - 1]);
}

int pst_neighbor_check(const struct pst_lint_env *env, const struct pst_port_rule *entry,
		       const struct pst_text *path)
{
	struct pst_meaning *outer = NULL;
	int r = 0;

	if (entry->n_http < 2 || entry->n_http > MAX_COMPARED)
		return 0;
	r = pst_meaning_get(env->meanings, PST_FIELD_PATH, path, &outer);
	if (r || !ends_in_a_name(outer))
		return r;
	for (size_t i = 0; !r && i < entry->n_http; i++) {
		if (entry->http[i].path.len && &entry->http[i].path != path)
			r = compare(env, path, &entry->http[i].path);
	}
	return r;
}
