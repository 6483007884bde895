// SPDX-License-Identifier: Apache-2.0
/*
 * Paths in several automata: what the core leaves of a request, wherever its head is cut, and what
 * the offline judge says are compared with the rules themselves, each matched on its own.
 */
#include "compiler/pathsplit.h"

#include "compiler/judge.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pst_src {
	const char *bytes;
};

static int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	memcpy(buf, src->bytes + off, n);
	return 0;
}

#include "bpf/ruling.h"

enum { SEED = 20261, SETS = 24, REQUESTS = 90, MAX_TARGET = 200 };

static const char *const methods[] = {"GET", "POST", NULL};

static struct model m;
static struct pst_diags *diags;
static struct pst_bundle *b;
static struct pst_port_rule *ports;
static struct pst_table *loaded;
static struct pst_judge *judge;
static struct pst_automaton *by_path[64]; /* of each rule of ports */

static void setup(void)
{
	model_init(&m);
	diags = pst_diags_new();
	loaded = pst_mem_calloc(1, sizeof(*loaded));
	cr_assert(diags && loaded);
	ports = model_web(&m, 80);
}

static void teardown(void)
{
	for (size_t i = 0; i < sizeof(by_path) / sizeof(*by_path); i++)
		pst_automaton_free(&by_path[i]);
	pst_judge_free(&judge);
	pst_bundle_free(&b);
	free(loaded);
	pst_diags_free(&diags);
	model_fini(&m);
}

TestSuite(pathsplit, .init = setup, .fini = teardown);

static void compile(void)
{
	b = model_compile(&m, diags);
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
	pst_bundle_fill_table(b, loaded);
	cr_assert_eq(pst_judge_new(b, &judge), 0);
	for (size_t i = 0; i < ports->n_http; i++) {
		const struct pst_text *path = &ports->http[i].path;
		struct pst_pattern p = {.re = path->s, .len = path->len, .tag = 1};

		cr_assert_eq(pst_automaton_build(&p, 1, &pst_automaton_default_limits, diags,
						 &by_path[i]),
			     0);
	}
}

static uint32_t n_automata(void)
{
	return b->rulesets[0].packed.n_more_paths + 1;
}

/* One rule after the other. */
static bool rules_allow(const char *method, const char *target)
{
	for (size_t i = 0; i < ports->n_http; i++) {
		const char *wanted = ports->http[i].method.s;

		if ((!wanted || !strcmp(wanted, method)) &&
		    pst_automaton_match(by_path[i], target, strlen(target)))
			return true;
	}
	return false;
}

/* What the core rules when the head comes in two pieces, the first of CUT bytes. */
static bool core_allows(const char *head, uint32_t cut)
{
	struct pst_src src = {.bytes = head};
	struct pst_http h;
	struct pst_walk w = {.http = &h, .table = loaded, .src = &src, .end = cut};
	uint32_t ruling;

	pst_http_request(&h, loaded, 0);
	pst_walk_head(&w);
	w.end = (uint32_t)strlen(head);
	pst_walk_head(&w);
	ruling = pst_judge_head_ruling(&h, 0);
	cr_assert(ruling == pst_ruling(PST_ACTION_PASS, PST_REASON_RULE) ||
			  ruling == pst_ruling(PST_ACTION_DENY, PST_REASON_NO_RULE_L7),
		  "%x: %s", ruling, head);
	return ruling >> 8 == PST_ACTION_PASS;
}

/* All agree about a request for TARGET, cut at each STEP bytes; whether it is allowed. */
static bool check(const char *method, const char *target, uint32_t step)
{
	bool yes = rules_allow(method, target);
	struct pst_l7_result said;
	char head[MAX_TARGET + 64];

	snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: h\r\n\r\n", method, target);
	pst_judge_request(judge, 0, head, strlen(head), 0, &said);
	cr_assert_eq(said.allowed, yes, "%s %s", method, target);
	cr_assert_eq(said.rule != UINT32_MAX, yes);
	for (uint32_t cut = 1; cut < strlen(head); cut += step)
		cr_assert_eq(core_allows(head, cut), yes, "%s cut at %u", head, cut);
	return yes;
}

/* A path that runs on between two words of its own: it triples the states of those beside it. */
static const char *floating(int i)
{
	static const char *const gaps[] = {".*", "[^?]*", "(/.*)?/"};
	int c = 'a' + i;

	return pst_arena_printf(m.arena, "/%s%c0%s%c1%s", gaps[rand() % 2], c, gaps[rand() % 3], c,
				rand() % 2 ? ".*" : "");
}

static void add_random_rules(int n_floating, int n_plain)
{
	for (int i = 0; i < n_floating; i++)
		model_http(&m, ports, methods[rand() % 3], floating(i), NULL);
	for (int i = 0; i < n_plain; i++)
		model_http(&m, ports, methods[rand() % 3],
			   pst_arena_printf(m.arena, "/%c%d/%c%d%s", 'a' + rand() % 26, rand() % 2,
					    'a' + rand() % 26, rand() % 2, rand() % 2 ? "" : "/.*"),
			   NULL);
}

/* Words of the paths in random order, some with a slash behind. */
static void random_target(char target[MAX_TARGET])
{
	size_t at = (size_t)snprintf(target, MAX_TARGET, "/");

	for (int i = rand() % 36; i > 0; i--)
		at += (size_t)snprintf(target + at, MAX_TARGET - at, "%c%d%s", 'a' + rand() % 26,
				       rand() % 2, rand() % 3 ? "/" : "");
}

static size_t check_randomly(void)
{
	char target[MAX_TARGET];
	size_t allowed = 0;

	for (int i = 0; i < REQUESTS; i++) {
		random_target(target);
		allowed += check(i % 2 ? "GET" : "POST", target, i % 9 ? 17 : 1);
	}
	return allowed;
}

Test(pathsplit, random_sets_in_one_to_four_automata_decide_as_their_rules_do)
{
	static const int sizes[] = {3, 8, 12, 17};
	size_t seen[PST_PATH_PARTS + 1] = {0}, allowed = 0, asked = 0;

	srand(SEED);
	for (int i = 0; i < SETS; i++) {
		teardown();
		setup();
		add_random_rules(sizes[i % 4] + rand() % 3, rand() % 30);
		compile();
		if (b->rulesets[0].fallback) {
			seen[0]++;
			continue;
		}
		seen[n_automata()]++;
		cr_assert_eq(b->rulesets[0].why != NULL, n_automata() > 1);
		cr_assert_eq(pst_diags_count(diags), 0, "it is no reason to worry");
		allowed += check_randomly();
		asked += REQUESTS;
	}
	for (int i = 1; i <= PST_PATH_PARTS; i++)
		cr_assert_geq(seen[i], 3, "%zu sets in %d automata", seen[i], i);
	cr_assert_gt(allowed, asked / 10, "%zu of %zu", allowed, asked);
	cr_assert_lt(allowed, asked / 2, "%zu of %zu", allowed, asked);
}

Test(pathsplit, a_target_may_end_at_any_byte_of_a_chunk)
{
	char target[MAX_TARGET];

	for (int i = 0; i < 13; i++)
		model_http(&m, ports, NULL,
			   pst_arena_printf(m.arena, "/.*%c0.*%c1", 'a' + i, 'a' + i), NULL);
	compile();
	cr_assert_eq(n_automata(), 2);
	for (int len = 1; len < 150; len++) {
		memset(target, 'z', (size_t)len);
		target[0] = '/';
		target[len] = '\0';
		cr_assert_not(check("GET", target, 1));
		if (len < 8)
			continue;
		/* The last byte decides, of a path in either automaton. */
		for (int c = 'a'; c < 'a' + 13; c++) {
			snprintf(target + len - 6, 7, "/%c0/%c1", c, c);
			cr_assert(check("GET", target, 7));
			target[len - 1] = '0';
			cr_assert_not(check("GET", target, 31));
		}
	}
}

/* Paths that have a letter of their own a multiple of PRIMES times: any two are over the budget. */
static void add_counting(int n)
{
	static const int primes[] = {71, 73, 79, 83, 89};

	for (int i = 0; i < n; i++)
		model_http(&m, ports, NULL,
			   pst_arena_printf(m.arena, "/(([^%c]*%c){%d})*[^%c]*", 'a' + i, 'a' + i,
					    primes[i], 'a' + i),
			   NULL);
}

Test(pathsplit, four_automata_are_taken_one_by_one_and_a_fifth_is_too_many)
{
	for (int n = 1; n <= PST_PATH_PARTS + 1; n++) {
		teardown();
		setup();
		add_counting(n);
		compile();
		cr_assert_eq(b->rulesets[0].fallback, n > PST_PATH_PARTS, "%d", n);
		cr_assert_eq(b->rulesets[0].why != NULL, n > 1, "%d", n);
		cr_assert_eq(pst_diags_count(diags), n > PST_PATH_PARTS);
		if (n > PST_PATH_PARTS)
			continue;
		cr_assert_eq(n_automata(), (uint32_t)n);
		cr_assert(n == 1 || strstr(b->rulesets[0].why, "states"), "%s", b->rulesets[0].why);
	}
}

Test(pathsplit, equal_divisions_are_built_once)
{
	struct pst_rule *other =
		model_rule(&m, model_policy(&m, "q", "k8s:app=web"), PST_DIRECTION_INGRESS, false);
	struct pst_port_rule *first = ports;

	add_counting(3);
	ports = model_port(&m, other, PST_PROTOCOL_TCP, 81, 0);
	add_counting(3);
	ports = first;
	b = model_compile(&m, diags);
	cr_assert_eq(b->n_rulesets, 2, "they are rules of two policies");
	cr_assert_eq(memcmp(&b->rulesets[0].packed, &b->rulesets[1].packed,
			    sizeof(b->rulesets[0].packed)),
		     0);
}

static int build_again(struct pst_bundle **ret)
{
	struct pst_diags *said = pst_diags_new();
	int r = said ? pst_compile(&m.set, &m.inventory, NULL, said, ret) : -ENOMEM;

	pst_diags_free(&said);
	return r;
}

Test(pathsplit, every_failed_allocation_is_an_error_and_no_leak)
{
	struct pst_bundle *again = NULL;
	bool done = false;

	add_counting(2);
	/* Most of them are those of one automaton, which has a test of its own. */
	for (long n = 0; !done; n += 1 + n / 40) {
		int r;

		pst_mem_fail_after(n);
		r = build_again(&again);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(r, done ? 0 : -ENOMEM, "allocation %ld", n);
		pst_bundle_free(&again);
	}
}

Test(pathsplit, paths_that_no_division_makes_fit_go_to_the_fallback_by_name)
{
	model_http(&m, ports, NULL, "/(a|b)*a(a|b){20}", NULL);
	for (int i = 0; i < 20; i++)
		model_http(&m, ports, NULL, pst_arena_printf(m.arena, "/.*%c.*", 'a' + i), NULL);
	b = model_compile(&m, diags);
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
	cr_assert(b->rulesets[0].fallback);
	cr_assert_eq(b->rulesets[0].packed.n_more_paths, 0);
	cr_assert_eq(pst_diags_count(diags), 1, "once, however many divisions were tried");
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "ruleset-fallback");
	cr_assert(strstr(pst_diags_at(diags, 0)->message, b->rulesets[0].why));
}

Test(pathsplit, a_head_whose_further_automata_have_not_been_asked_is_refused)
{
	struct pst_http h = {.state = PST_HTTP_DONE, .allow = 1};

	cr_assert_eq(pst_judge_head_ruling(&h, 0), pst_ruling(PST_ACTION_PASS, PST_REASON_RULE));
	h.more = 1;
	cr_assert_eq(pst_judge_head_ruling(&h, 0),
		     pst_ruling(PST_ACTION_DENY, PST_REASON_IMPOSSIBLE));
}

static unsigned plan(unsigned number, const char *const *paths, size_t n, uint8_t *ret_part)
{
	struct pst_pattern patterns[8];

	for (size_t i = 0; i < n; i++)
		patterns[i] = (struct pst_pattern){.re = paths[i], .len = strlen(paths[i])};
	return pst_pathsplit_plan(number, patterns, n, ret_part);
}

Test(pathsplit, plans_deal_out_what_runs_on_and_leave_the_rest_in_the_first_part)
{
	static const char *const paths[] = {"/.*a.*b", "/.*c.*d", "/e/.*", "/f.*\\*", "/g"};
	uint8_t part[5];

	cr_assert_eq(plan(0, paths, 5, part), 2);
	cr_assert_arr_eq(part, ((uint8_t[]){0, 1, 0, 0, 0}), 5);
	cr_assert_eq(plan(1, paths, 5, part), 2);
	cr_assert_arr_eq(part, ((uint8_t[]){1, 1, 0, 1, 0}), 5);
	cr_assert_eq(plan(2, paths, 5, part), 3);
	cr_assert_arr_eq(part, ((uint8_t[]){0, 1, 0, 2, 0}), 5);
}

Test(pathsplit, a_plan_that_leaves_a_part_empty_is_none)
{
	static const char *const paths[] = {"/.*a.*b", "/.*c.*d", "/e"};
	uint8_t part[3];

	cr_assert_eq(plan(1, paths, 2, part), 0, "nothing is left for the first");
	cr_assert_eq(plan(2, paths, 3, part), 0, "two cannot fill three");
	cr_assert_eq(plan(0, paths + 2, 1, part), 0);
}
