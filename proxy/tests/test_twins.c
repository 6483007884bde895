// SPDX-License-Identifier: Apache-2.0
/* Twins of a ruler, each asked by a thread of its own (also in the build that looks for races). */
#include "proxy/ruler.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "proxy/tests/world.h"

enum { THREADS = 4, ROUNDS = 200 };

/* One pattern is for PCRE2, one for an automaton; the other set is the tables' alone. */
static const char mixed[] =
	"        - {path: '/(?:[ab]*a[ab]{20}|(?:a|aa)+)[bc]'}\n"
	"        - {path: /api/.*, headerMatches: [{mismatch: ADD, name: X-Token, value: good}]}\n";
static const char plain[] = "        - {path: /one/.*}\n        - {path: /two/.*}\n";

static const struct {
	const char *path;
	bool allowed;
} asked[] = {
	{"/aaab", true}, {"/api/x", true}, {"/aaad", false}, {"/one/x", false}, {"/two/x", false},
};

static bool is_passed(struct t_world *w, const char *path)
{
	struct t_stage s;
	char text[128];
	bool passed;

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: b\r\n\r\n", path);
	t_stage_begin(&s, w);
	t_stage_text(&s, PST_CLIENT, text);
	passed = s.n_out[PST_SERVER] > 0;
	t_stage_end(&s);
	return passed;
}

struct asker {
	struct t_world world;
	bool is_plain;
	size_t wrong;
};

static void *ask_all(void *ctx)
{
	struct asker *a = ctx;

	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
			bool wanted = a->is_plain ? i >= 3 : asked[i].allowed;

			a->wrong += is_passed(&a->world, asked[i].path) != wanted;
		}
	}
	return NULL;
}

static void ask_from_threads(const char *rules, bool is_plain, bool name_rules)
{
	struct asker askers[THREADS];
	pthread_t threads[THREADS];
	struct t_world w;

	t_world_rules(&w, rules);
	pst_ruler_name_rules(w.ruler, name_rules, NULL);
	for (int i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){.world = w, .is_plain = is_plain};
		cr_assert_eq(pst_ruler_twin(w.ruler, &askers[i].world.ruler), 0);
	}
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, ask_all, &askers[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(askers[i].wrong, 0, "%zu wrong answers", askers[i].wrong);
		t_world_fini(&askers[i].world);
	}
	t_world_fini(&w);
}

Test(twins, answer_as_their_ruler_does_rule_by_rule)
{
	ask_from_threads(mixed, false, false);
}

Test(twins, answer_as_their_ruler_does_by_tables)
{
	ask_from_threads(plain, true, false);
}

/* Patterns are compiled when the first of them asks. */
Test(twins, name_rules_that_nobody_has_prepared)
{
	ask_from_threads(plain, true, true);
}
