// SPDX-License-Identifier: Apache-2.0
#include "cli/question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/verbs.h"
#include "compiler/resolve.h"

/* The inventory with the peers that are given by labels. */
struct stage {
	struct pst_inventory inventory;
	struct pst_addr own[2]; /* addresses of what was added: from, to */
};

static bool is_taken(const struct pst_inventory *inv, const struct pst_addr *addr)
{
	for (size_t i = 0; i < inv->n_endpoints; i++) {
		for (size_t k = 0; k < inv->endpoints[i].n_addrs; k++) {
			if (!memcmp(&inv->endpoints[i].addrs[k], addr, sizeof(*addr)))
				return true;
		}
	}
	return false;
}

/* An address of the block 100::/64, which leads nowhere (RFC 6666). */
static struct pst_addr free_addr(const struct pst_inventory *inv)
{
	struct pst_addr addr = {.b = {1}};

	do {
		if (!++addr.b[15])
			addr.b[14]++;
	} while (is_taken(inv, &addr));
	return addr;
}

/* The identities that no endpoint carries. */
static bool is_outside(const struct pst_peer *p)
{
	uint32_t id = p->by_addr ? 0 : pst_resolve_reserved(&p->labels);

	return id == PST_ID_HOST || id == PST_ID_WORLD;
}

static void add_endpoint(struct stage *s, const struct pst_peer *p, const char *name,
			 struct pst_addr *own)
{
	struct pst_inventory *inv = &s->inventory;

	if (p->by_addr || is_outside(p))
		return;
	*own = free_addr(inv);
	inv->endpoints[inv->n_endpoints++] = (struct pst_endpoint){
		.name = name,
		.ns = "explain",
		.labels = p->labels,
		.addrs = own,
		.n_addrs = 1,
	};
}

static int stage_init(struct stage *s, const struct pst_inventory *inv,
		      const struct pst_question *q)
{
	*s = (struct stage){.inventory = *inv};
	s->inventory.endpoints =
		pst_mem_calloc(inv->n_endpoints + 2, sizeof(*s->inventory.endpoints));
	if (!s->inventory.endpoints)
		return -ENOMEM;
	if (inv->n_endpoints)
		memcpy(s->inventory.endpoints, inv->endpoints,
		       inv->n_endpoints * sizeof(*inv->endpoints));
	add_endpoint(s, &q->from, "from", &s->own[0]);
	add_endpoint(s, &q->to, "to", &s->own[1]);
	return 0;
}

static void stage_fini(struct stage *s)
{
	free(s->inventory.endpoints);
}

static struct pst_addr_value look_up(const struct pst_bundle *b, const struct pst_peer *p,
				     const struct pst_addr *own)
{
	struct pst_addr_value outside = {0};

	if (p->by_addr)
		return pst_judge_addr(b, p->addr.b);
	if (!is_outside(p))
		return pst_judge_addr(b, own->b);
	outside.identity = pst_resolve_reserved(&p->labels);
	if (outside.identity == PST_ID_HOST)
		outside.flags = PST_ADDR_HOST;
	return outside;
}

static struct pst_l4_result judge(const struct pst_bundle *b, const struct stage *s,
				  const struct pst_question *q)
{
	bool ingress = q->direction == PST_DIRECTION_INGRESS;
	struct pst_addr_value from = look_up(b, &q->from, &s->own[0]);
	struct pst_addr_value to = look_up(b, &q->to, &s->own[1]);
	struct pst_l4_query query = {
		.subject = ingress ? to : from,
		.peer = ingress ? from.identity : to.identity,
		.direction = ingress ? PST_DIR_INGRESS : PST_DIR_EGRESS,
		.protocol = q->protocol,
		.port = q->port,
	};
	struct pst_l4_result r = pst_judge_l4(b, &query);

	/* What an endpoint sends to its own address does not leave it. */
	if (query.subject.flags & PST_ADDR_ENDPOINT && q->from.by_addr && q->to.by_addr &&
	    !memcmp(&q->from.addr, &q->to.addr, sizeof(q->from.addr))) {
		r.verdict = PST_VERDICT_ALLOW;
		r.reason = PST_REASON_LOCAL;
		r.rule = UINT32_MAX;
	}
	return r;
}

int pst_question_ask(struct pst_input *in, const struct pst_question *q,
		     struct pst_answer *ret_answer)
{
	struct pst_answer a = {0};
	struct stage s;
	int status;

	if (stage_init(&s, in->inventory, q)) {
		pst_log_err(-ENOMEM, "cannot go on");
		return PST_EXIT_FAILED;
	}
	status = pst_input_compile(in, &s.inventory, &a.b);
	if (!status && pst_judge_new(a.b, &a.judge)) {
		pst_log_err(-ENOMEM, "cannot go on");
		status = PST_EXIT_FAILED;
	}
	if (!status)
		a.l4 = judge(a.b, &s, q);
	stage_fini(&s);
	if (status)
		pst_answer_fini(&a);
	else
		*ret_answer = a;
	return status;
}

void pst_answer_fini(struct pst_answer *a)
{
	pst_judge_free(&a->judge);
	pst_bundle_free(&a->b);
}

static const struct pst_bundle_rule *rule_at(const struct pst_bundle *b, uint32_t index)
{
	return index < b->n_rules ? &b->rules[index] : NULL;
}

struct pst_ruling pst_answer_l4(const struct pst_answer *a)
{
	return (struct pst_ruling){
		.allowed = a->l4.verdict != PST_VERDICT_DENY,
		.reason = a->l4.reason,
		.rule = rule_at(a->b, a->l4.rule),
	};
}

struct pst_ruling pst_answer_request(const struct pst_answer *a, const char *bytes, size_t len,
				     size_t *offset)
{
	struct pst_l7_result r;

	if (a->l4.verdict == PST_VERDICT_DENY || a->l4.verdict == PST_VERDICT_ALLOW) {
		*offset = len;
		return pst_answer_l4(a);
	}
	*offset = pst_judge_request(a->judge, a->l4.ruleset, bytes, len, *offset, &r);
	return (struct pst_ruling){
		.allowed = r.allowed,
		.l7 = true,
		.reason = r.reason,
		.rule = rule_at(a->b, r.rule),
	};
}
