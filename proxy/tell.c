// SPDX-License-Identifier: Apache-2.0
#include "proxy/tell.h"

#include "enforcer/verdict.h"

#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void put_ends(struct pst_verdict_record *r, const struct pst_addr *client,
		     const struct pst_addr *server)
{
	memcpy(r->client, client->b, sizeof(r->client));
	memcpy(r->server, server->b, sizeof(r->server));
}

static struct pst_verdict_record begin(const struct pst_conn *c, enum pst_layer layer)
{
	const uint32_t ruleset = pst_pair_ruleset(c->pair);
	struct pst_verdict_record r = {
		.policy = pst_conn_policy(c)->id,
		.time_ns = now_ns(),
		.connection = c->number,
		.ruleset = ruleset,
		.rule = UINT32_MAX,
		.client_port = c->client_port,
		.server_port = c->server_port,
		.layer = (uint8_t)layer,
		.direction = (uint8_t)c->direction,
		.is_h2 = pst_pair_is_h2(c->pair),
	};

	put_ends(&r, &c->client, &c->server);
	return r;
}

int pst_tell_request(const struct pst_managed *m, const struct pst_conn *c,
		     const struct pst_pair_event *event)
{
	struct pst_verdict_told v;

	v.r = begin(c, PST_LAYER_L7);
	v.r.rule = event->rule;
	v.r.number = event->number;
	v.r.outcome = event->allowed ? PST_OUTCOME_ALLOWED : PST_OUTCOME_DENIED;
	v.r.reason = (uint8_t)(event->reason ? event->reason : PST_REASON_IMPOSSIBLE);
	v.r.head_len =
		(uint16_t)(event->head_len < PST_EVENT_HEAD ? event->head_len : PST_EVENT_HEAD);
	if (v.r.head_len)
		memcpy(v.head, event->head, v.r.head_len);
	for (size_t i = 0; i < event->n_mismatches && i < PST_VERDICT_WISHES; i++) {
		const struct pst_ruler_mismatch *wish = &event->mismatches[i];

		v.r.wishes[v.r.n_wishes++] = (struct pst_verdict_wish){
			.rule = wish->rule,
			.header = (uint16_t)wish->header,
			.is_missing = wish->is_missing,
		};
	}
	if (event->since_ns && event->allowed)
		*event->since_ns = v.r.time_ns;
	return pst_verdict_write(m->verdicts, &v);
}

int pst_tell_answer(const struct pst_managed *m, const struct pst_conn *c,
		    const struct pst_pair_answer *answer)
{
	struct pst_verdict_told v;
	uint64_t us;

	v.r = begin(c, PST_LAYER_ANSWER);
	v.r.number = answer->number;
	v.r.status = (uint16_t)answer->status;
	v.r.outcome = PST_OUTCOME_ALLOWED;
	v.r.reason = PST_REASON_REPLY;
	us = answer->since_ns ? (v.r.time_ns - answer->since_ns) / 1000 : 0;
	v.r.latency_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
	return pst_verdict_write(m->verdicts, &v);
}

int pst_tell_connection(const struct pst_managed *m, const struct pst_conn_start *known,
			uint32_t policy, enum pst_outcome outcome, enum pst_reason reason)
{
	struct pst_verdict_told v = {
		.r = {.policy = policy,
		      .time_ns = now_ns(),
		      .ruleset = UINT32_MAX,
		      .rule = known->rule,
		      .client_port = known->client_port,
		      .server_port = known->server_port,
		      .layer = PST_LAYER_L3L4,
		      .direction = (uint8_t)known->direction,
		      .outcome = (uint8_t)outcome,
		      .reason = (uint8_t)reason},
	};

	put_ends(&v.r, &known->client, &known->server);
	return pst_verdict_write(m->verdicts, &v);
}
