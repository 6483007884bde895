// SPDX-License-Identifier: Apache-2.0
/*
 * Any records of verdicts, changed anywhere and cut anywhere, from the proxy to the daemon, which
 * makes events and flows of them.
 *
 * A second daemon, written down here, says which are sound. Those are told, each once and in order,
 * and what is behind one that is not is not told. The ends' identities are those of the policy,
 * whatever the proxy says. A flow is one line of JSON that is read back, says that it is the
 * proxy's, and has no socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "compiler/bundle.h"
#include "compiler/compile.h"
#include "compiler/header.h"
#include "compiler/judge.h"
#include "enforcer/clock.h"
#include "enforcer/flow_make.h"
#include "enforcer/judged.h"
#include "policy/inventory.h"
#include "policy/policy.h"
#include "tests/fuzz/told.h"

enum { POLICY = 2, GENERATION = 9, RECORDS = 8 };

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

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

static const char pods[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: f, namespace: default, labels: {app: frontend}}\n"
	"status: {podIP: 10.0.0.2}\n---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: default, labels: {app: backend}}\n"
	"status: {podIP: 10.0.0.4}\n";

static struct pst_bundle *bundle;
static struct pst_judge *judge;
static struct pst_flow_maker *maker;
static struct pst_judged judged;
static int theirs = -1;
static struct pst_addr ends[3]; /* frontend, backend, a stranger */
static struct pst_verdict_record expected[RECORDS];
static size_t n_expected, n_told;

static const struct pst_bundle *find_bundle(const void *arg, uint32_t generation)
{
	(void)arg;
	return generation == GENERATION ? bundle : NULL;
}

static struct pst_judge *find_judge(const void *arg, uint32_t generation)
{
	(void)arg;
	return generation == GENERATION ? judge : NULL;
}

static const char *find_name(const void *arg, uint32_t generation, const uint8_t addr[16])
{
	(void)arg;
	(void)generation;
	return memcmp(addr, ends[1].b, 16) ? NULL : "default/b";
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

/* ---- the second daemon ---- */

static bool is_allow(uint8_t reason)
{
	static const bool allows[PST_REASON_MAX] = {
#define ALLOWS(name, kebab, kind, text) PST_KIND_##kind == PST_KIND_ALLOW,
		PST_REASONS(ALLOWS)
#undef ALLOWS
	};

	return allows[reason];
}

static bool is_shaped(const struct pst_verdict_record *v)
{
	bool padded = true;

	for (size_t i = 0; i < sizeof(v->pad); i++)
		padded &= !v->pad[i];
	return padded && v->head_len <= 512 && v->size == sizeof(*v) + v->head_len &&
	       v->direction < 2 && v->outcome < 2 && v->is_h2 < 2 && v->reason &&
	       v->reason < PST_REASON_MAX;
}

static bool is_of_its_kind(const struct pst_verdict_record *v)
{
	const bool plain = !v->head_len && !v->n_wishes;
	const bool placed = v->connection && v->client_port && v->server_port;

	if (v->layer == 0)
		return !v->outcome && !is_allow(v->reason) && plain && !v->connection &&
		       !v->number && !v->status && !v->latency_us && !v->is_h2 &&
		       v->ruleset == UINT32_MAX;
	if (v->layer == 2)
		return placed && plain && v->outcome && v->reason == PST_REASON_REPLY &&
		       v->rule == UINT32_MAX && v->status >= 100 && v->status < 1000;
	return v->layer == 1 && placed && !v->status && !v->latency_us &&
	       (v->outcome ? v->n_wishes <= 8 && (v->reason == PST_REASON_RULE ||
						  v->reason == PST_REASON_RULE_FALLBACK)
			   : !v->n_wishes && !is_allow(v->reason));
}

static bool is_in(uint32_t set, uint32_t rule)
{
	bool found = false;

	for (size_t i = 0; set < bundle->n_rulesets && i < bundle->rulesets[set].n_rules; i++)
		found |= bundle->rulesets[set].rules[i] == rule;
	return found;
}

static bool is_about_its_own(const struct pst_verdict_record *v)
{
	const bool out = v->direction == PST_DIR_EGRESS;
	const uint8_t *mine = out ? v->client : v->server;
	const bool known = out ? v->client_port && v->server_port : v->server_port;

	return v->policy && v->policy <= POLICY && v->time_ns >= judged.since_ns &&
	       v->time_ns <= pst_clock_ns() && (!known || !memcmp(mine, ends[1].b, 16));
}

static bool is_of_the_policy(const struct pst_verdict_record *v)
{
	bool good =
		v->policy != POLICY || v->ruleset == UINT32_MAX || v->ruleset < bundle->n_rulesets;

	if (v->policy != POLICY)
		return true;
	if (v->rule != UINT32_MAX)
		good &= v->layer == 1 ? is_in(v->ruleset, v->rule) : v->rule < bundle->n_rules;
	for (size_t i = 0; i < v->n_wishes && good; i++)
		good = is_in(v->ruleset, v->wishes[i].rule) && v->wishes[i].is_missing < 2 &&
		       v->wishes[i].header < bundle->rules[v->wishes[i].rule].n_headers &&
		       !pst_header_is_condition(
			       &bundle->rules[v->wishes[i].rule].headers[v->wishes[i].header]);
	return good;
}

static bool is_sound(const struct pst_verdict_record *v)
{
	return is_shaped(v) && is_of_its_kind(v) && is_about_its_own(v) && is_of_the_policy(v);
}

/* ---- what the daemon makes of it ---- */

static void check_line(const struct pst_flow *f)
{
	struct pst_arena *arena = pst_arena_new();
	struct pst_flow back;
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);
	json_t *json;

	FUZZ_CHECK(!pst_flow_write(out, f) && !fclose(out));
	FUZZ_CHECK(len && memchr(line, '\n', len) == line + len - 1);
	for (size_t i = 0; i + 1 < len; i++)
		FUZZ_CHECK((uint8_t)line[i] >= ' ' && line[i] != 0x7f);
	json = json_loadb(line, len, 0, NULL);
	FUZZ_CHECK(json && !pst_flow_read(json, arena, &back));
	FUZZ_CHECK(!strcmp(back.judged_by, "proxy") && !back.socket_cookie);
	FUZZ_CHECK(back.verdict == f->verdict && back.code == f->code);
	json_decref(json);
	free(line);
	pst_arena_free(&arena);
}

/* Of one that was refused on its way to nobody knows where only its own client is. */
static bool is_client_told(const struct pst_verdict_record *v)
{
	return v->client_port && (v->server_port || !memcmp(v->client, ends[1].b, 16));
}

static void on_told(void *arg, const struct pst_event *e, const struct pst_verdict_record *v)
{
	const struct pst_flow *f = pst_flow_make_proxied(maker, e, v);
	const bool out = v->direction == PST_DIR_EGRESS;
	const bool known = v->policy == POLICY;

	(void)arg;
	FUZZ_CHECK(n_told < n_expected && !memcmp(v, &expected[n_told], sizeof(*v)));
	n_told++;
	FUZZ_CHECK(e->generation == (known ? GENERATION : 0));
	if (is_client_told(v))
		FUZZ_CHECK((out ? e->subject : e->peer) ==
			   (known ? pst_judge_addr(bundle, v->client).identity : 0));
	else
		FUZZ_CHECK(!(out ? e->subject : e->peer) && !e->client_port);
	if (v->server_port)
		FUZZ_CHECK((out ? e->peer : e->subject) ==
			   (known ? pst_judge_addr(bundle, v->server).identity : 0));
	FUZZ_CHECK(f);
	check_line(f);
}

/* ---- what the proxy says ---- */

static struct pst_verdict_record sound(uint8_t kind)
{
	struct pst_verdict_record v = {
		.policy = POLICY,
		.time_ns = pst_clock_ns(),
		.connection = 1,
		.rule = UINT32_MAX,
		.number = kind >> 4,
		.client_port = 1000,
		.server_port = 80,
		.layer = PST_LAYER_L7,
		.outcome = kind & 4 ? PST_OUTCOME_DENIED : PST_OUTCOME_ALLOWED,
		.reason = kind & 4 ? PST_REASON_NO_RULE_L7 : PST_REASON_RULE_FALLBACK,
		.is_h2 = kind >> 3 & 1,
	};

	memcpy(v.client, ends[0].b, 16);
	memcpy(v.server, ends[1].b, 16);
	if (kind % 4 == 1) {
		v.layer = PST_LAYER_ANSWER;
		v.outcome = PST_OUTCOME_ALLOWED;
		v.reason = PST_REASON_REPLY;
		v.status = 200;
	} else if (kind % 4 == 2) {
		v.layer = PST_LAYER_L3L4;
		v.outcome = PST_OUTCOME_DENIED;
		v.reason = PST_REASON_PROXY_LIMIT;
		v.connection = v.number = 0;
		v.is_h2 = 0;
		v.ruleset = UINT32_MAX;
	}
	return v;
}

/* One byte of a record, or one that is likely to matter. */
static void change(struct input *in, struct pst_verdict_record *v)
{
	const uint8_t what = take(in), value = take(in);

	switch (what % 16) {
	case 0:
		v->ruleset = value < 8 ? value : UINT32_MAX;
		break;
	case 1:
		v->rule = value < 16 ? value : UINT32_MAX;
		break;
	case 2:
		v->n_wishes = value % 10;
		break;
	case 3:
		v->wishes[value % 8] = (struct pst_verdict_wish){
			.rule = take(in) % 8, .header = take(in) % 4, .is_missing = value >> 7};
		break;
	case 4:
		v->direction = value & 1;
		break;
	case 5:
		memcpy(value & 1 ? v->client : v->server, ends[value % 3].b, 16);
		break;
	case 6:
		v->policy = value % (POLICY + 2);
		break;
	case 7:
		v->reason = value;
		break;
	default:
		((uint8_t *)v)[(what << 8 | value) % sizeof(*v)] = take(in);
	}
}

/* Fills BYTES with records; how many bytes. What must come of them is noted. */
static size_t compose(struct input *in, uint8_t *bytes, bool *ret_wrong)
{
	const size_t n = 1 + take(in) % RECORDS;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		struct pst_verdict_record v = sound(take(in));
		const uint8_t changes = take(in) % 6;

		if (v.layer == PST_LAYER_L7)
			v.head_len = (uint16_t)(take(in) * 3 % (PST_EVENT_HEAD + 1));
		v.size = (uint32_t)sizeof(v) + v.head_len;
		for (uint8_t k = 0; k < changes; k++)
			change(in, &v);
		memcpy(bytes + len, &v, sizeof(v));
		len += sizeof(v);
		for (size_t k = 0; k < v.head_len && k < PST_EVENT_HEAD; k++)
			bytes[len++] = take(in);
		*ret_wrong = !is_sound(&v);
		if (*ret_wrong)
			return len;
		expected[n_expected++] = v;
	}
	return len;
}

static void run(struct input *in)
{
	uint8_t bytes[RECORDS * sizeof(struct pst_verdict_told)];
	bool wrong = false;
	const char *why = NULL;
	size_t len, at = 0;

	n_expected = n_told = 0;
	len = compose(in, bytes, &wrong);
	while (at < len && !why) {
		size_t piece = 1 + take(in) * 4U;

		piece = piece < len - at ? piece : len - at;
		FUZZ_CHECK(write(theirs, bytes + at, piece) == (ssize_t)piece);
		at += piece;
		why = pst_judged_read(&judged, NULL);
	}
	FUZZ_CHECK(n_told == n_expected && !why == !wrong);
	FUZZ_CHECK(!why || !strncmp(why, "a verdict of it is wrong: ", 26));
	FUZZ_CHECK(wrong || !judged.n);
}

/* ---- all of it ---- */

static void prepare(void)
{
	const struct pst_flow_maker_opts opts = {
		.source = {find_bundle, find_judge, find_name, NULL}, .node_name = "node"};
	const struct pst_judged_opts hears = {
		.bundle = find_bundle, .find = find_addr, .tell = on_told};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *policies = NULL;
	struct pst_inventory *inventory = NULL;

	FUZZ_CHECK(!pst_policy_parse("p", policy_text, strlen(policy_text), diags, &policies));
	FUZZ_CHECK(!pst_inventory_parse("i", pods, strlen(pods), diags, &inventory));
	FUZZ_CHECK(!pst_compile(policies, inventory, NULL, diags, &bundle));
	FUZZ_CHECK(!pst_diags_errors(diags));
	FUZZ_CHECK(!pst_judge_new(bundle, &judge) && !pst_flow_maker_new(&opts, &maker));
	pst_inventory_free(&inventory);
	pst_policy_set_free(&policies);
	pst_diags_free(&diags);
	FUZZ_CHECK(!pst_addr_from_str("10.0.0.2", &ends[0]) &&
		   !pst_addr_from_str("10.0.0.4", &ends[1]) &&
		   !pst_addr_from_str("fd00::9", &ends[2]));
	pst_judged_init(&judged, &hears);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {.at = data, .left = size};
	int fds[2];

	if (!bundle)
		prepare();
	FUZZ_CHECK(!pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	theirs = fds[1];
	pst_judged_begin(&judged, fds[0]);
	FUZZ_CHECK(!pst_judged_serve(&judged, ends[1].b));
	pst_judged_policy(&judged, POLICY - 1, bundle);
	pst_judged_policy(&judged, POLICY, bundle);
	pst_judged_published(&judged, GENERATION);
	run(&in);
	pst_judged_end(&judged);
	close(theirs);
	return 0;
}
