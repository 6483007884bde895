// SPDX-License-Identifier: Apache-2.0
#include "enforcer/judged.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "compiler/bundle.h"
#include "compiler/compile.h"
#include "compiler/judge.h"
#include "enforcer/clock.h"
#include "policy/policy.h"

enum { GENERATION = 7, POLICY = 3, HEAD = 10 };

static struct pst_bundle *bundle;
static struct pst_judged judged;
static int theirs;
static struct pst_event last;
static struct pst_verdict_record last_record;
static size_t n_told;
static struct pst_addr frontend, other, backend;

static const struct pst_bundle *find_bundle(const void *arg, uint32_t generation)
{
	(void)arg;
	return generation == GENERATION ? bundle : NULL;
}

static bool find_addr(const void *arg, uint32_t generation, const uint8_t addr[16],
		      struct pst_addr_value *ret_value)
{
	(void)arg;
	if (generation != GENERATION)
		return false;
	*ret_value = pst_judge_addr(bundle, addr);
	return true;
}

static void on_told(void *arg, const struct pst_event *e, const struct pst_verdict_record *v)
{
	(void)arg;
	last = *e;
	last_record = *v;
	n_told++;
}

/* Rules 0 and 1 are a set, 2 is one of its own. */
static const char policy_text[] =
	"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: in}\nspec:\n"
	"  endpointSelector: {matchLabels: {app: backend}}\n  ingress:\n"
	"  - fromEndpoints: [{matchLabels: {app: frontend}}]\n    toPorts:\n"
	"    - ports: [{port: \"8080\", protocol: TCP}]\n      rules:\n        http:\n"
	"        - {path: /a, headerMatches: [{name: X-A, value: b, mismatch: ADD},"
	" {name: X-B, value: c}]}\n"
	"        - {path: /b}\n"
	"    - ports: [{port: \"8081\", protocol: TCP}]\n      rules:\n        http:\n"
	"        - {path: /c}\n";

static void set_up(void)
{
	const struct pst_judged_opts opts = {
		.bundle = find_bundle, .find = find_addr, .tell = on_told};
	const char *inventory = "testdata/inventory/demo.yaml";
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *policies = NULL;
	struct pst_inventory *inv = NULL;
	int fds[2];

	cr_assert_eq(pst_policy_parse("p.yaml", policy_text, strlen(policy_text), diags, &policies),
		     0);
	cr_assert_eq(pst_inventory_load(&inventory, 1, diags, &inv), 0);
	cr_assert_eq(pst_compile(policies, inv, NULL, diags, &bundle), 0);
	cr_assert_eq(pst_diags_errors(diags), 0);
	pst_inventory_free(&inv);
	pst_policy_set_free(&policies);
	pst_diags_free(&diags);
	cr_assert_eq(pst_addr_from_str("10.77.0.2", &frontend), 0);
	cr_assert_eq(pst_addr_from_str("10.77.0.3", &other), 0);
	cr_assert_eq(pst_addr_from_str("10.77.0.4", &backend), 0);
	cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
	theirs = fds[1];
	pst_judged_init(&judged, &opts);
	pst_judged_begin(&judged, fds[0]);
	cr_assert_eq(pst_judged_serve(&judged, backend.b), 0);
	pst_judged_policy(&judged, POLICY, bundle);
	pst_judged_published(&judged, GENERATION);
}

static void tear_down(void)
{
	pst_judged_fini(&judged);
	close(theirs);
	pst_bundle_free(&bundle);
}

TestSuite(judged, .init = set_up, .fini = tear_down, .timeout = 30);

/* The set whose first rule has that place in the file. */
static uint32_t set_of(unsigned int line)
{
	for (uint32_t i = 0; i < bundle->n_rulesets; i++) {
		if (bundle->rules[bundle->rulesets[i].rules[0]].pos.line == line)
			return i;
	}
	cr_assert_fail("no rule set begins in line %u", line);
	return 0;
}

static struct pst_verdict_told request(void)
{
	const uint32_t set = set_of(12);
	struct pst_verdict_told v = {
		.r =
			{
				.policy = POLICY,
				.time_ns = pst_clock_ns(),
				.connection = 1,
				.ruleset = set,
				.rule = bundle->rulesets[set].rules[0],
				.number = 4,
				.head_len = HEAD,
				.client_port = 1000,
				.server_port = 8080,
				.layer = PST_LAYER_L7,
				.direction = PST_DIR_INGRESS,
				.outcome = PST_OUTCOME_ALLOWED,
				.reason = PST_REASON_RULE_FALLBACK,
				.n_wishes = 1,
				.wishes = {{.rule = bundle->rulesets[set].rules[0],
					    .is_missing = 1}},
			},
		.head = "0123456789",
	};

	memcpy(v.r.client, frontend.b, 16);
	memcpy(v.r.server, backend.b, 16);
	return v;
}

static const char *say(struct pst_verdict_told *v)
{
	cr_assert_eq(pst_verdict_write(theirs, v), 0);
	return pst_judged_read(&judged, NULL);
}

static void expect_flaw(struct pst_verdict_told v, const char *flaw)
{
	const char *why = say(&v);
	char text[PST_JUDGED_WHY];

	snprintf(text, sizeof(text), "a verdict of it is wrong: %s", flaw);
	cr_expect(why && !strcmp(why, text), "%s: %s", flaw, why ? why : "none");
	v = request();
	cr_expect_not_null(say(&v), "what is behind it is not told");
	cr_expect_eq(n_told, 0);
	judged.n = 0;
}

Test(judged, a_verdict_is_an_event_whose_ends_are_looked_up)
{
	struct pst_verdict_told v = request();

	cr_assert_null(say(&v));
	cr_assert_eq(n_told, 1);
	cr_expect_eq(last.generation, GENERATION);
	cr_expect_eq(last.subject, pst_judge_addr(bundle, backend.b).identity);
	cr_expect_eq(last.peer, pst_judge_addr(bundle, frontend.b).identity);
	cr_expect(!memcmp(last.head, "0123456789", HEAD) && last.head_len == HEAD);
	cr_expect_eq(last.rule, v.r.rule);
	cr_expect_eq(last.number, 4);
	cr_expect_eq(last.protocol, 6);
	cr_expect_eq(last_record.n_wishes, 1);
	v.r.direction = PST_DIR_EGRESS;
	memcpy(v.r.client, backend.b, 16);
	memcpy(v.r.server, other.b, 16);
	cr_assert_null(say(&v));
	cr_expect_eq(last.subject, pst_judge_addr(bundle, backend.b).identity);
	cr_expect_eq(last.peer, pst_judge_addr(bundle, other.b).identity);
}

Test(judged, a_record_may_come_in_pieces)
{
	struct pst_verdict_told v[2] = {request(), request()};
	const size_t size = sizeof(v[0].r) + HEAD;
	uint8_t both[2 * sizeof(v[0])];

	for (size_t cut = 0; cut <= 2 * size; cut++) {
		n_told = 0;
		v[0].r.size = v[1].r.size = (uint32_t)size;
		memcpy(both, &v[0], size);
		memcpy(both + size, &v[1], size);
		cr_assert_eq(write(theirs, both, cut), (ssize_t)cut);
		cr_assert_null(pst_judged_read(&judged, NULL));
		cr_assert_eq(n_told, cut / size, "cut at %zu", cut);
		cr_assert_eq(write(theirs, both + cut, 2 * size - cut), (ssize_t)(2 * size - cut));
		cr_assert_null(pst_judged_read(&judged, NULL));
		cr_assert_eq(n_told, 2, "cut at %zu", cut);
		cr_assert_eq(judged.n, 0);
	}
}

Test(judged, what_is_no_record_is_wrong_before_it_is_whole)
{
	const struct pst_verdict_record huge = {.size = UINT32_MAX};

	cr_assert_eq(write(theirs, &huge, sizeof(huge)), sizeof(huge));
	cr_expect_str_eq(pst_judged_read(&judged, NULL), "a verdict of it is wrong: no record");
	cr_expect_eq(n_told, 0);
}

Test(judged, a_policy_must_be_one_that_it_has)
{
	struct pst_verdict_told v = request();

	v.r.policy = 0;
	expect_flaw(v, "a policy that it has not");
	v.r.policy = POLICY + 1;
	expect_flaw(v, "a policy that it has not");
	v.r.policy = UINT32_MAX;
	expect_flaw(v, "a policy that it has not");
}

Test(judged, rules_are_those_of_the_policy_and_of_the_set)
{
	struct pst_verdict_told v = request();

	v.r.rule = (uint32_t)bundle->n_rules;
	expect_flaw(v, "a rule that is none");
	v.r.rule = bundle->rulesets[set_of(17)].rules[0];
	expect_flaw(v, "a rule that is none");
	v = request();
	v.r.ruleset = (uint32_t)bundle->n_rulesets;
	expect_flaw(v, "a rule set that is none");
	v.r.ruleset = UINT32_MAX;
	expect_flaw(v, "a rule that is none");
	v.r.rule = UINT32_MAX;
	v.r.n_wishes = 0;
	cr_expect_null(say(&v));
}

Test(judged, headers_are_those_that_a_rule_of_the_set_wants)
{
	static const char nobody[] = "a header that nobody wants";
	struct pst_verdict_told v = request();

	v.r.wishes[0].header = 1; /* a condition */
	expect_flaw(v, nobody);
	v.r.wishes[0].header = 2;
	expect_flaw(v, nobody);
	v.r.wishes[0].header = 0;
	v.r.wishes[0].is_missing = 2;
	expect_flaw(v, nobody);
	v.r.wishes[0].is_missing = 1;
	v.r.wishes[0].rule = (uint32_t)bundle->n_rules;
	expect_flaw(v, nobody);
	v.r.wishes[0].rule = bundle->rulesets[set_of(12)].rules[1];
	expect_flaw(v, nobody);
}

Test(judged, the_time_is_while_it_runs)
{
	struct pst_verdict_told v = request();

	v.r.time_ns = judged.since_ns - 1;
	expect_flaw(v, "a time at which it could not be");
	v.r.time_ns = pst_clock_ns() + 1000000000;
	expect_flaw(v, "a time at which it could not be");
	v.r.time_ns = judged.since_ns;
	cr_expect_null(say(&v));
}

Test(judged, a_workload_is_one_that_it_speaks_for)
{
	static const char not_its[] = "a workload that is not its own";
	struct pst_verdict_told v = request();

	memcpy(v.r.server, other.b, 16);
	expect_flaw(v, not_its);
	v = request();
	v.r.direction = PST_DIR_EGRESS; /* frontend's */
	expect_flaw(v, not_its);
	cr_assert_eq(pst_judged_serve(&judged, other.b), 0);
	cr_assert_eq(pst_judged_serve(&judged, frontend.b), 0);
	cr_assert_eq(pst_judged_serve(&judged, frontend.b), 0);
	cr_expect_eq(judged.served.n, 3);
	cr_expect_null(say(&v));
	memcpy(v.r.client, other.b, 16);
	cr_expect_null(say(&v));
}

Test(judged, a_workload_is_forgotten_when_the_last_policies_do_not_know_it)
{
	const struct pst_bundle none = {.n_addrs = 0};
	struct pst_addr gone;
	uint32_t id = POLICY;

	cr_assert_eq(pst_addr_from_str("10.99.0.1", &gone), 0);
	cr_assert_eq(pst_judged_serve(&judged, gone.b), 0);
	while (id < POLICY + PST_JUDGED_POLICIES)
		pst_judged_policy(&judged, ++id, bundle);
	cr_expect_eq(judged.served.n, 2);
	pst_judged_policy(&judged, ++id, bundle);
	cr_expect_eq(judged.served.n, 1); /* backend is an endpoint still */
	for (uint32_t i = 0; i <= PST_JUDGED_POLICIES; i++)
		pst_judged_policy(&judged, ++id, &none);
	cr_expect_eq(judged.served.n, 0);
}

Test(judged, of_a_policy_that_was_not_published_or_is_gone_no_rule_is_named)
{
	struct pst_verdict_told v = request();

	pst_judged_policy(&judged, POLICY + 1, bundle);
	v.r.policy = POLICY + 1;
	v.r.rule = 12345;
	cr_expect_null(say(&v));
	cr_expect_eq(last.generation, 0);
	cr_expect_eq(last.subject, 0);
	for (uint32_t i = 2; i <= PST_JUDGED_POLICIES; i++)
		pst_judged_policy(&judged, POLICY + i, bundle);
	v.r.policy = POLICY;
	cr_expect_null(say(&v));
	cr_expect_eq(last.generation, 0);
}

/* Its rules may be more than those of what was published in its place. */
Test(judged, a_policy_is_not_taken_for_one_that_could_not_be_handed_over_behind_it)
{
	struct pst_verdict_told v = request();

	pst_judged_policy(&judged, POLICY + 1, bundle); /* not published */
	pst_judged_skip(&judged);
	pst_judged_published(&judged, GENERATION);
	v.r.policy = POLICY + 1;
	v.r.rule = 12345;
	cr_expect_null(say(&v));
	cr_expect_eq(last.generation, 0);
	pst_judged_policy(&judged, POLICY + 2, bundle);
	pst_judged_published(&judged, GENERATION);
	v.r.policy = POLICY + 2;
	cr_expect_not_null(say(&v));
}

Test(judged, of_a_connection_that_was_not_taken_ends_may_be_unknown)
{
	struct pst_verdict_told v = {.r = {.policy = POLICY,
					   .time_ns = pst_clock_ns(),
					   .ruleset = UINT32_MAX,
					   .rule = UINT32_MAX,
					   .layer = PST_LAYER_L3L4,
					   .direction = PST_DIR_EGRESS,
					   .reason = PST_REASON_UNKNOWN_LOCAL}};

	memcpy(v.r.client, other.b, 16);
	cr_expect_null(say(&v));
	cr_expect_eq(n_told, 1);
	cr_expect_eq(last.subject, 0);
	cr_expect_eq(last.client[15], 0);
	v.r.client_port = v.r.server_port = 1;
	cr_expect_not_null(say(&v));
}

Test(judged, who_is_not_its_own_is_no_end_of_a_connection_that_was_not_taken)
{
	struct pst_verdict_told v = {.r = {.policy = POLICY,
					   .time_ns = pst_clock_ns(),
					   .ruleset = UINT32_MAX,
					   .rule = UINT32_MAX,
					   .client_port = 1000,
					   .layer = PST_LAYER_L3L4,
					   .direction = PST_DIR_EGRESS,
					   .reason = PST_REASON_UNKNOWN_LOCAL}};

	memcpy(v.r.client, other.b, 16);
	for (int dir = PST_DIR_INGRESS; dir <= PST_DIR_EGRESS; dir++) {
		v.r.direction = (uint8_t)dir;
		cr_expect_null(say(&v));
		cr_expect(!last.subject && !last.peer && !last.client_port && !last.client[15]);
	}
	memcpy(v.r.client, backend.b, 16);
	cr_expect_null(say(&v));
	cr_expect_eq(n_told, 3);
	cr_expect_eq(last.subject, pst_judge_addr(bundle, backend.b).identity);
	cr_expect_eq(last.client_port, 1000);
}

Test(judged, a_pipe_that_it_has_closed_is_polled_no_more)
{
	struct pst_verdict_told v = request();

	cr_assert_eq(pst_verdict_write(theirs, &v), 0);
	close(theirs);
	cr_assert_null(pst_judged_drain(&judged));
	cr_expect_eq(n_told, 1);
	cr_expect_eq(judged.fd, -1);
	theirs = open("/dev/null", O_WRONLY);
}

Test(judged, a_turn_is_bounded_and_a_drain_as_well)
{
	struct pst_verdict_told v = request();
	const size_t size = sizeof(v.r) + HEAD;
	size_t written = 0;
	bool more = false;

	fcntl(theirs, F_SETPIPE_SZ, 1 << 18);
	while (!pst_verdict_write(theirs, &v))
		written++;
	cr_assert_gt(written * size, 2 * PST_JUDGED_TURN);
	cr_assert_null(pst_judged_read(&judged, &more));
	cr_expect(more);
	cr_expect_eq(n_told, PST_JUDGED_TURN / size);
	cr_assert_null(pst_judged_drain(&judged));
	cr_expect_eq(n_told, written);
	cr_assert_null(pst_judged_read(&judged, &more));
	cr_expect_not(more);
	pst_judged_end(&judged);
	cr_expect_null(pst_judged_drain(&judged));
}
