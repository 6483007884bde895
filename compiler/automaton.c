// SPDX-License-Identifier: Apache-2.0
#include "compiler/automaton.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "compiler/dfa_build.h"
#include "compiler/minimize.h"
#include "compiler/nfa.h"
#include "compiler/regex.h"

const struct pst_automaton_limits pst_automaton_default_limits = {
	.max_states = 4096,
	.max_nodes = 32768,
	.max_bytes = 128 << 20,
	.states_per_pattern = 64,
	.most_states = 1 << 18,
	.nodes_per_pattern = 256,
	.most_nodes = 1 << 20,
};

struct build {
	const struct pst_pattern *patterns;
	size_t n;
	const struct pst_automaton_limits *limits;
	struct pst_diags *diags;
	struct pst_nfa nfa;
};

/* Reports that PATTERN (one of N) is over a limit; -E2BIG. */
static int over_budget(const struct build *b, uint32_t pattern, const char *limit, uint64_t max,
		       const char *how_far, uint64_t count)
{
	struct pst_pos pos = pst_re_pos(&b->patterns[pattern], 0, b->patterns[pattern].len);

	if (b->n == 1)
		pst_diags_error(b->diags, "regex-budget", &pos,
				"the pattern needs more than %" PRIu64 " %s; gave up after %" PRIu64
				" %s",
				max, limit, count, how_far);
	else
		pst_diags_error(b->diags, "regex-budget", &pos,
				"%zu patterns together need more than %" PRIu64
				" %s; gave up after %" PRIu64
				" %s; this pattern takes part in most of them",
				b->n, max, limit, count, how_far);
	return -E2BIG;
}

static int add_pattern(struct build *b, uint32_t i, struct pst_re_tree *tree)
{
	int r = pst_nfa_add(&b->nfa, tree, b->patterns[i].tag, i, b->limits->max_nodes);

	if (r == -E2BIG)
		return over_budget(b, i, "positions", b->limits->max_nodes, "positions",
				   b->nfa.nodes.n);
	if (!r && pst_nfa_bytes(&b->nfa) > b->limits->max_bytes)
		return over_budget(b, i, "bytes of memory", b->limits->max_bytes, "positions",
				   b->nfa.nodes.n);
	return r;
}

/* The worse of two results: no memory, then a mistake, then a limit. */
static int worse(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	if (a == -EINVAL || b == -EINVAL)
		return -EINVAL;
	return a ? a : b;
}

/* Parses every pattern, so that all mistakes are reported, and builds until the first failure. */
static int add_patterns(struct build *b)
{
	struct pst_re_tree tree = {0};
	int result = 0;

	for (uint32_t i = 0; i < b->n && result != -ENOMEM; i++) {
		int r = pst_re_parse(&b->patterns[i], &b->nfa.classes, b->diags, &tree);

		if (!r && !result)
			r = add_pattern(b, i, &tree);
		result = worse(result, r);
	}
	pst_re_tree_fini(&tree);
	return result;
}

static int build_minimal(struct build *b, struct pst_automaton **ret_automaton)
{
	struct pst_automaton *dfa = NULL;
	struct pst_dfa_stop stop;
	uint32_t states;
	int r = pst_dfa_build(&b->nfa, b->limits, &stop, &dfa);

	if (r == -E2BIG)
		return over_budget(b, stop.pattern, stop.limit, stop.max, "states", stop.states);
	if (r)
		return r;
	pst_nfa_fini(&b->nfa);
	b->nfa = (struct pst_nfa){0};
	states = dfa->n_states;
	r = pst_minimize(dfa, b->limits->max_bytes, ret_automaton);
	pst_automaton_free(&dfa);
	if (r == -E2BIG)
		return over_budget(b, 0, "bytes of memory", b->limits->max_bytes, "states", states);
	return r;
}

/* MAX for one pattern, and PER for each of the N - 1 others, up to MOST. */
static uint32_t scaled(uint32_t max, uint32_t per, uint32_t most, size_t n)
{
	uint64_t sum = max + (uint64_t)per * (n ? n - 1 : 0);

	if (max >= most)
		return max;
	return sum < most ? (uint32_t)sum : most;
}

int pst_automaton_build(const struct pst_pattern *patterns, size_t n,
			const struct pst_automaton_limits *limits, struct pst_diags *diags,
			struct pst_automaton **ret_automaton)
{
	const struct pst_automaton_limits scaled_limits = {
		.max_states = scaled(limits->max_states, limits->states_per_pattern,
				     limits->most_states, n),
		.max_nodes =
			scaled(limits->max_nodes, limits->nodes_per_pattern, limits->most_nodes, n),
		.max_bytes = limits->max_bytes,
	};
	struct build b = {.patterns = patterns, .n = n, .limits = &scaled_limits, .diags = diags};
	int r = n < UINT32_MAX ? add_patterns(&b) : -E2BIG;

	if (!r)
		r = build_minimal(&b, ret_automaton);
	pst_nfa_fini(&b.nfa);
	return r;
}

void pst_automaton_free(struct pst_automaton **a)
{
	if (!*a)
		return;
	free((*a)->next);
	free((*a)->tags);
	free(*a);
	*a = NULL;
}

uint64_t pst_automaton_match(const struct pst_automaton *a, const char *text, size_t len)
{
	uint32_t state = a->start;

	for (size_t i = 0; i < len; i++) {
		uint8_t class = a->class_of[(unsigned char)text[i]];

		state = a->next[(size_t)state * a->n_classes + class];
	}
	return a->tags[state];
}
