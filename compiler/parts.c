// SPDX-License-Identifier: Apache-2.0
#include "compiler/parts.h"

#include <errno.h>

/* Builds one automaton and forgets what it has to say: a run that is too long is tried again. */
static int try_run(const struct pst_pattern *patterns, uint32_t n,
		   const struct pst_automaton_limits *limits, struct pst_automaton **ret_automaton)
{
	struct pst_diags *unheard = pst_diags_new();
	int r = unheard ? pst_automaton_build(patterns, n, limits, unheard, ret_automaton)
			: -ENOMEM;

	pst_diags_free(&unheard);
	return r;
}

static int add(struct pst_parts *parts, const struct pst_parts_run *run,
	       struct pst_automaton *automaton)
{
	int r = pst_vec_push(&parts->runs, *run);

	if (r)
		return r;
	r = pst_vec_push(&parts->automata, automaton);
	if (r)
		parts->runs.n--;
	return r;
}

/* The longest run from FIRST on, of at most *LEN, that can be built; *LEN becomes its length. */
static int add_run(const struct pst_pattern *patterns, uint32_t first, uint32_t *len,
		   const struct pst_parts_limits *limits, struct pst_parts *parts)
{
	struct pst_automaton *automaton = NULL;
	int r;

	for (;; *len = (*len + 1) / 2) {
		r = try_run(patterns + first, *len, &limits->automaton, &automaton);
		if (r != -E2BIG || *len == 1)
			break;
	}
	if (!r)
		r = add(parts, &(struct pst_parts_run){first, *len}, automaton);
	if (r)
		pst_automaton_free(&automaton);
	return r;
}

/* Builds what failed once more, for its diagnostics. */
static int explain(const struct pst_pattern *patterns, uint32_t n,
		   const struct pst_parts_limits *limits, struct pst_diags *diags)
{
	struct pst_automaton *automaton = NULL;
	int r = pst_automaton_build(patterns, n, &limits->automaton, diags, &automaton);

	pst_automaton_free(&automaton);
	return r;
}

int pst_parts_build(const struct pst_pattern *patterns, uint32_t n,
		    const struct pst_parts_limits *limits, struct pst_diags *diags,
		    struct pst_parts *ret_parts)
{
	struct pst_parts parts = {0};
	uint32_t len = limits->max_run, at = 0;
	int r = 0;

	for (; !r && at < n; at += len) {
		if (len > n - at)
			len = n - at;
		r = add_run(patterns, at, &len, limits, &parts);
		if (r == -EINVAL || r == -E2BIG)
			r = explain(patterns + at, len, limits, diags);
	}
	if (r)
		pst_parts_fini(&parts);
	*ret_parts = parts;
	return r;
}

void pst_parts_fini(struct pst_parts *p)
{
	for (size_t i = 0; i < p->automata.n; i++) {
		struct pst_automaton *owned = (struct pst_automaton *)p->automata.v[i];

		pst_automaton_free(&owned);
	}
	pst_vec_free(&p->automata);
	pst_vec_free(&p->runs);
}
