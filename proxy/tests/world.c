// SPDX-License-Identifier: Apache-2.0
#include "proxy/tests/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "compiler/compile.h"
#include "compiler/judge.h"
#include "policy/inventory.h"
#include "policy/policy.h"

static void finish(struct t_world *w, struct pst_policy_set *set, struct pst_diags *diags)
{
	const char *pods = "testdata/inventory/demo.yaml";
	struct pst_inventory *inventory = NULL;
	struct pst_bundle *bundle = NULL;
	struct pst_reply_opts reply = {.body = NULL};
	struct pst_addr backend, frontend;
	struct pst_l4_query q = {.direction = PST_DIR_INGRESS, .protocol = 6, .port = 8080};
	struct pst_l4_result r;

	cr_assert_eq(pst_inventory_load(&pods, 1, diags, &inventory), 0);
	cr_assert_eq(pst_compile(set, inventory, NULL, diags, &bundle), 0);
	cr_assert_eq(pst_diags_errors(diags), 0);
	cr_assert_eq(pst_addr_from_str("10.77.0.4", &backend), 0);
	cr_assert_eq(pst_addr_from_str("10.77.0.2", &frontend), 0);
	q.subject = pst_judge_addr(bundle, backend.b);
	q.peer = pst_judge_addr(bundle, frontend.b).identity;
	r = pst_judge_l4(bundle, &q);
	cr_assert(r.verdict == PST_VERDICT_JUDGE || r.verdict == PST_VERDICT_FALLBACK);
	w->ruleset = r.ruleset;
	cr_assert_eq(pst_ruler_new(bundle, diags, &w->ruler), 0);
	cr_assert_eq(pst_reply_make(&reply, false, &w->denied[0]), 0);
	cr_assert_eq(pst_reply_make(&reply, true, &w->denied[1]), 0);
	w->memory.limit = SIZE_MAX;
	pst_inventory_free(&inventory);
}

void t_world_load(struct t_world *w, const char *path)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;

	*w = (struct t_world){.ruler = NULL};
	cr_assert_eq(pst_policy_load(&path, 1, diags, &set), 0);
	finish(w, set, diags);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
}

void t_world_rules(struct t_world *w, const char *http)
{
	static const char form[] = "apiVersion: cilium.io/v2\n"
				   "kind: CiliumNetworkPolicy\n"
				   "metadata: {name: test}\n"
				   "spec:\n"
				   "  endpointSelector: {matchLabels: {app: backend}}\n"
				   "  ingress:\n"
				   "  - fromEndpoints: [{matchLabels: {app: frontend}}]\n"
				   "    toPorts:\n"
				   "    - ports: [{port: '8080', protocol: TCP}]\n"
				   "      rules:\n"
				   "        http:\n"
				   "%s";
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	char *text = NULL;

	*w = (struct t_world){.ruler = NULL};
	cr_assert_gt(asprintf(&text, form, http), 0);
	cr_assert_eq(pst_policy_parse("test", text, strlen(text), diags, &set), 0);
	finish(w, set, diags);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	free(text);
}

void t_world_fini(struct t_world *w)
{
	pst_ruler_free(&w->ruler);
	pst_memory_fini(&w->memory);
}

static void on_event(void *ctx, const struct pst_pair_event *event)
{
	struct t_stage *s = ctx;

	cr_assert_lt(s->n_events, T_EVENTS);
	if (!event->allowed && !s->before_denial)
		s->before_denial = s->n_out[PST_SERVER];
	s->events[s->n_events] = *event;
	s->events[s->n_events++].head = NULL;
	if (event->since_ns)
		*event->since_ns = s->n_events;
}

static void on_answer(void *ctx, const struct pst_pair_answer *answer)
{
	struct t_stage *s = ctx;

	cr_assert_lt(s->n_answers, T_EVENTS);
	s->answers[s->n_answers++] = *answer;
}

void t_stage_begin(struct t_stage *s, struct t_world *w)
{
	const struct pst_pair_opts opts = {
		.ruler = w->ruler,
		.ruleset = w->ruleset,
		.purse = t_world_purse(w),
		.denied = {&w->denied[0], &w->denied[1]},
		.on_event = on_event,
		.on_answer = on_answer,
		.ctx = s,
	};

	*s = (struct t_stage){.world = w};
	cr_assert_eq(pst_pair_new(&opts, &s->pair), 0);
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		s->out[side] = calloc(1, T_ACTOR_MAX);
		cr_assert(s->out[side]);
	}
}

/* Takes what is pending; STEP bytes at a time, 0: all. */
static void collect(struct t_stage *s, enum pst_side side, size_t step)
{
	const char *at;
	size_t n;

	while ((n = pst_pair_pending(s->pair, side, &at))) {
		n = step && n > step ? step : n;
		cr_assert_leq(s->n_out[side] + n, T_ACTOR_MAX);
		memcpy(s->out[side] + s->n_out[side], at, n);
		s->n_out[side] += n;
		pst_pair_sent(s->pair, side, n);
	}
}

void t_stage_send(struct t_stage *s, enum pst_side side, const char *bytes, size_t len, size_t step)
{
	for (size_t done = 0; done < len;) {
		char *at;
		size_t room = pst_pair_room(s->pair, side, &at), n = len - done;

		n = step && n > step ? step : n;
		n = n > room ? room : n;
		if (!n)
			break;
		memcpy(at, bytes + done, n);
		done += n;
		pst_pair_received(s->pair, side, n);
		collect(s, PST_SERVER, step);
		collect(s, PST_CLIENT, step);
	}
	collect(s, PST_SERVER, 0);
	collect(s, PST_CLIENT, 0);
}

void t_stage_text(struct t_stage *s, enum pst_side side, const char *text)
{
	t_stage_send(s, side, text, strlen(text), 0);
}

void t_stage_close(struct t_stage *s, enum pst_side side)
{
	pst_pair_ended(s->pair, side);
	collect(s, PST_SERVER, 0);
	collect(s, PST_CLIENT, 0);
}

void t_stage_end(struct t_stage *s)
{
	pst_pair_free(&s->pair);
	cr_assert_eq(s->world->memory.used, 0);
	cr_assert_eq(s->world->purse.paid, 0);
	free(s->out[PST_CLIENT]);
	free(s->out[PST_SERVER]);
}

const struct pst_pair_event *t_stage_last(const struct t_stage *s)
{
	cr_assert(s->n_events);
	return &s->events[s->n_events - 1];
}
