// SPDX-License-Identifier: Apache-2.0
#include "enforcer/judged.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "compiler/bundle.h"
#include "compiler/header.h"
#include "enforcer/clock.h"

enum { TCP = 6 };

void pst_judged_init(struct pst_judged *j, const struct pst_judged_opts *opts)
{
	*j = (struct pst_judged){.opts = *opts, .fd = -1};
}

void pst_judged_fini(struct pst_judged *j)
{
	pst_judged_end(j);
	pst_vec_free(&j->served);
}

void pst_judged_begin(struct pst_judged *j, int fd)
{
	pst_judged_end(j);
	j->fd = fd;
	j->n = 0;
	j->since_ns = pst_clock_ns();
}

void pst_judged_end(struct pst_judged *j)
{
	pst_cleanup_fd(&j->fd);
	j->fd = -1;
}

/* The first that is not before ADDR. */
static size_t lower_bound(const struct pst_judged *j, const uint8_t addr[16])
{
	size_t low = 0, high = j->served.n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (memcmp(j->served.v[mid].addr, addr, 16) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_served(const struct pst_judged *j, const uint8_t addr[16])
{
	const size_t i = lower_bound(j, addr);

	return i < j->served.n && !memcmp(j->served.v[i].addr, addr, 16);
}

int pst_judged_serve(struct pst_judged *j, const uint8_t addr[16])
{
	const size_t i = lower_bound(j, addr);
	struct pst_judged_workload w = {.policy = j->policy};

	if (is_served(j, addr))
		return 0;
	memcpy(w.addr, addr, sizeof(w.addr));
	if (pst_vec_push(&j->served, w))
		return -ENOMEM;
	memmove(&j->served.v[i + 1], &j->served.v[i], (j->served.n - 1 - i) * sizeof(w));
	j->served.v[i] = w;
	return 0;
}

static void forget_gone(struct pst_judged *j)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->served.n; i++) {
		if (j->served.v[i].policy + PST_JUDGED_POLICIES >= j->policy)
			j->served.v[kept++] = j->served.v[i];
	}
	j->served.n = kept;
}

void pst_judged_policy(struct pst_judged *j, uint32_t id, const struct pst_bundle *b)
{
	for (size_t i = 0; i < b->n_addrs; i++) {
		if (b->addrs[i].value.flags & PST_ADDR_ENDPOINT && b->addrs[i].prefix == 128 &&
		    is_served(j, b->addrs[i].addr))
			j->served.v[lower_bound(j, b->addrs[i].addr)].policy = id;
	}
	j->policy = id;
	forget_gone(j);
	j->known[id % PST_JUDGED_POLICIES].policy = id;
	j->known[id % PST_JUDGED_POLICIES].generation = 0; /* until it is published, if it is */
	j->is_next = true;
}

void pst_judged_skip(struct pst_judged *j)
{
	j->is_next = false;
}

void pst_judged_published(struct pst_judged *j, uint32_t generation)
{
	const uint32_t i = j->policy % PST_JUDGED_POLICIES;

	/* The proxy keeps what it has when it could not be given the next, also what has never
	 * been published: this is not that, and its rules are others. */
	if (j->is_next)
		j->known[i].generation = generation;
	j->is_next = false;
}

/* What the policy of a record has become; 0: nothing, or nobody knows any more. */
static uint32_t generation_of(const struct pst_judged *j, const struct pst_verdict_record *v)
{
	const uint32_t i = v->policy % PST_JUDGED_POLICIES;

	return j->known[i].policy == v->policy ? j->known[i].generation : 0;
}

static bool is_of_set(const struct pst_bundle *b, uint32_t ruleset, uint32_t rule)
{
	if (ruleset >= b->n_rulesets || rule >= b->n_rules)
		return false;
	for (size_t i = 0; i < b->rulesets[ruleset].n_rules; i++) {
		if (b->rulesets[ruleset].rules[i] == rule)
			return true;
	}
	return false;
}

static bool is_wish(const struct pst_bundle *b, uint32_t ruleset, const struct pst_verdict_wish *w)
{
	return is_of_set(b, ruleset, w->rule) && w->header < b->rules[w->rule].n_headers &&
	       !pst_header_is_condition(&b->rules[w->rule].headers[w->header]) && w->is_missing < 2;
}

static const char *flaw_of_rules(const struct pst_bundle *b, const struct pst_verdict_record *v)
{
	const bool is_l7 = v->layer == PST_LAYER_L7;

	if (v->ruleset != UINT32_MAX && v->ruleset >= b->n_rulesets)
		return "a rule set that is none";
	if (v->rule != UINT32_MAX &&
	    (is_l7 ? !is_of_set(b, v->ruleset, v->rule) : v->rule >= b->n_rules))
		return "a rule that is none";
	for (size_t i = 0; i < v->n_wishes; i++) {
		if (!is_wish(b, v->ruleset, &v->wishes[i]))
			return "a header that nobody wants";
	}
	return NULL;
}

/* The end that the rules are of, where it is known. */
static const uint8_t *workload_of(const struct pst_verdict_record *v)
{
	if (v->direction == PST_DIR_INGRESS)
		return v->server_port ? v->server : NULL;
	/* Where it was to go was not found: then where it is from is not, either. */
	return v->client_port && v->server_port ? v->client : NULL;
}

static const char *flaw_of(const struct pst_judged *j, const struct pst_verdict_record *v)
{
	const uint8_t *workload = workload_of(v);
	const struct pst_bundle *b =
		j->opts.bundle(j->opts.arg, generation_of(j, v)); /* NULL: gone */

	if (!v->policy || v->policy > j->policy)
		return "a policy that it has not";
	if (v->time_ns < j->since_ns || v->time_ns > pst_clock_ns())
		return "a time at which it could not be";
	if (workload && !is_served(j, workload))
		return "a workload that is not its own";
	return b ? flaw_of_rules(b, v) : NULL;
}

static uint32_t identity_of(const struct pst_judged *j, uint32_t generation, const uint8_t *addr)
{
	struct pst_addr_value value = {.identity = 0};

	return j->opts.find(j->opts.arg, generation, addr, &value) ? value.identity : 0;
}

static void make_ends(const struct pst_judged *j, const struct pst_verdict_record *v,
		      struct pst_event *e)
{
	/* Of a connection whose workload is not known nobody has looked at the client. */
	const bool has_client = v->client_port && (workload_of(v) || is_served(j, v->client));
	uint32_t client = 0, server = 0;

	if (has_client) {
		memcpy(e->client, v->client, sizeof(e->client));
		client = identity_of(j, e->generation, v->client);
	}
	if (v->server_port) {
		memcpy(e->server, v->server, sizeof(e->server));
		server = identity_of(j, e->generation, v->server);
	}
	e->client_port = has_client ? v->client_port : 0;
	e->server_port = v->server_port;
	e->subject = v->direction == PST_DIR_INGRESS ? server : client;
	e->peer = v->direction == PST_DIR_INGRESS ? client : server;
}

static void tell(const struct pst_judged *j, const struct pst_verdict_record *v,
		 const uint8_t *head)
{
	struct pst_event e = {
		.time_ns = v->time_ns,
		.socket_cookie = v->connection,
		.generation = generation_of(j, v),
		.rule = v->rule,
		.ruleset = v->ruleset < UINT16_MAX ? (uint16_t)v->ruleset : UINT16_MAX,
		.layer = v->layer,
		.direction = v->direction,
		.protocol = TCP,
		.outcome = v->outcome,
		.reason = v->reason,
		.status = v->status,
		.latency_us = v->latency_us,
		.number = v->number,
		.head_len = v->head_len,
	};

	make_ends(j, v, &e);
	memcpy(e.head, head, v->head_len);
	j->opts.tell(j->opts.tell_arg, &e, v);
}

static const char *blame(struct pst_judged *j, const char *flaw)
{
	snprintf(j->why, sizeof(j->why), "a verdict of it is wrong: %s", flaw);
	return j->why;
}

/* All whole records. What is left of one waits for the rest of it. */
static const char *take(struct pst_judged *j)
{
	const char *flaw = NULL;
	size_t at = 0;

	while (j->n - at >= sizeof(struct pst_verdict_record)) {
		struct pst_verdict_record v;

		memcpy(&v, j->bytes + at, sizeof(v));
		flaw = pst_verdict_flaw(&v);
		if (flaw || j->n - at < v.size)
			break;
		flaw = flaw_of(j, &v);
		if (flaw)
			break;
		tell(j, &v, j->bytes + at + sizeof(v));
		at += v.size;
	}
	j->n -= at;
	memmove(j->bytes, j->bytes + at, j->n);
	return flaw ? blame(j, flaw) : NULL;
}

const char *pst_judged_read(struct pst_judged *j, bool *ret_more)
{
	ssize_t n = j->fd < 0 ? 0 : read(j->fd, j->bytes + j->n, sizeof(j->bytes) - j->n);

	if (ret_more)
		*ret_more = n > 0;
	if (!n && j->n < sizeof(j->bytes))
		pst_judged_end(j); /* nobody writes any more, and polling would say so for ever */
	if (n <= 0)
		return NULL;
	j->n += (size_t)n;
	return take(j);
}

const char *pst_judged_drain(struct pst_judged *j)
{
	const char *why = NULL;
	bool more = true;

	for (size_t i = 0; !why && more && i <= PST_VERDICT_PIPE / PST_JUDGED_TURN; i++)
		why = pst_judged_read(j, &more);
	return why;
}
