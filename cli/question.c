// SPDX-License-Identifier: Apache-2.0
#include "cli/question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/verbs.h"
#include "compiler/resolve.h"
#include "policy/labels.h"

/* A peer of some question. */
struct guest {
	const struct pst_peer *peer;
	struct pst_addr own;	  /* what it was given, when it has none */
	struct pst_labels labels; /* with those of its namespace */
	struct pst_addr_value value;
};

/* The inventory with the peers that are given by labels; peers with equal labels are one. */
struct stage {
	struct pst_arena *arena;
	struct pst_inventory inventory;
	struct guest *guests; /* by labels; those that are not added to the inventory come first */
	size_t n_guests;
	struct pst_addr last; /* address that was given */
	struct pst_dns_name *names;
};

/* The identities that no endpoint carries. */
static bool is_outside(const struct pst_peer *p)
{
	uint32_t id = p->by_addr ? 0 : pst_resolve_reserved(&p->labels);

	return id == PST_ID_HOST || id == PST_ID_WORLD;
}

static int cmp_ports(const struct pst_peer *a, const struct pst_peer *b)
{
	for (size_t i = 0; i < a->n_ports && i < b->n_ports; i++) {
		int r = pst_named_port_cmp(&a->ports[i], &b->ports[i]);

		if (r)
			return r;
	}
	return (a->n_ports > b->n_ports) - (a->n_ports < b->n_ports);
}

static int cmp_peer(const struct pst_peer *a, const struct pst_peer *b)
{
	int r = 0;

	if (a->by_addr != b->by_addr)
		return a->by_addr ? -1 : 1;
	if (a->by_addr)
		r = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	if (!r)
		r = pst_labels_cmp(&a->labels, &b->labels);
	return r ? r : cmp_ports(a, b);
}

static int cmp_guest(const void *a, const void *b)
{
	return cmp_peer(((const struct guest *)a)->peer, ((const struct guest *)b)->peer);
}

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
static struct pst_addr free_addr(struct stage *s)
{
	do {
		if (!++s->last.b[15] && !++s->last.b[14])
			s->last.b[13]++;
	} while (is_taken(&s->inventory, &s->last));
	return s->last;
}

/* What the question calls an address is one of its names. */
static void add_names(struct stage *s, struct guest *g)
{
	struct pst_inventory *inv = &s->inventory;

	for (size_t i = 0; i < g->peer->n_names; i++)
		inv->names[inv->n_names++] = (struct pst_dns_name){
			.name = g->peer->names[i],
			.addrs = &g->own,
			.n_addrs = 1,
		};
}

static bool is_of_namespace(const struct pst_label *l)
{
	return !strncmp(l->key, PST_LABEL_NAMESPACE_PREFIX, strlen(PST_LABEL_NAMESPACE_PREFIX));
}

static bool has_of_namespace(const struct pst_labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		if (is_of_namespace(&labels->v[i]))
			return true;
	}
	return false;
}

/* What the inventory says of the namespace that the peer is in, or NULL. */
static const struct pst_namespace *find_namespace(const struct stage *s,
						  const struct pst_labels *own)
{
	const char *name = pst_labels_get(own, "k8s", PST_LABEL_NAMESPACE);

	return name ? pst_inventory_namespace(&s->inventory, name) : NULL;
}

/* The labels of the peer and of its namespace, unless the question says itself which those are. */
static int label(struct stage *s, struct guest *g)
{
	const struct pst_labels *own = &g->peer->labels;
	const struct pst_namespace *ns = find_namespace(s, own);

	g->labels = *own;
	if (!ns || has_of_namespace(own))
		return 0;
	g->labels.v = pst_arena_calloc(s->arena, own->n + ns->labels.n, sizeof(*own->v));
	if (!g->labels.v)
		return -ENOMEM;
	memcpy(g->labels.v, own->v, own->n * sizeof(*own->v));
	for (size_t i = 0; i < ns->labels.n; i++)
		g->labels.v[g->labels.n++] = ns->labels.v[i];
	pst_labels_sort(&g->labels);
	return 0;
}

static void add_endpoint(struct stage *s, struct guest *g)
{
	struct pst_inventory *inv = &s->inventory;

	if (is_outside(g->peer))
		return;
	g->own = g->peer->by_addr ? g->peer->addr : free_addr(s);
	add_names(s, g);
	if (g->peer->by_addr || g->peer->n_names)
		return;
	inv->endpoints[inv->n_endpoints++] = (struct pst_endpoint){
		.name = "peer",
		.ns = "explain",
		.labels = g->labels,
		.addrs = &g->own,
		.n_addrs = 1,
		.ports = g->peer->ports,
		.n_ports = g->peer->n_ports,
	};
}

/* Room for the names that the guests bring. */
static int reserve_names(struct stage *s)
{
	struct pst_inventory *inv = &s->inventory;
	size_t n = inv->n_names;

	for (size_t i = 0; i < s->n_guests; i++)
		n += s->guests[i].peer->n_names;
	s->names = pst_mem_calloc(n, sizeof(*s->names));
	if (!s->names)
		return -ENOMEM;
	if (inv->n_names)
		memcpy(s->names, inv->names, inv->n_names * sizeof(*s->names));
	inv->names = s->names;
	return 0;
}

static int stage_init(struct stage *s, const struct pst_inventory *inv,
		      const struct pst_question *qs, size_t n)
{
	size_t kept = 0;

	*s = (struct stage){.inventory = *inv, .last = {.b = {1}}};
	s->guests = pst_mem_calloc(n, 2 * sizeof(*s->guests));
	s->arena = pst_arena_new();
	if (!s->guests || !s->arena)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		s->guests[2 * i].peer = &qs[i].from;
		s->guests[2 * i + 1].peer = &qs[i].to;
	}
	qsort(s->guests, 2 * n, sizeof(*s->guests), cmp_guest);
	for (size_t i = 0; i < 2 * n; i++) {
		if (!i || cmp_guest(&s->guests[kept - 1], &s->guests[i]))
			s->guests[kept++] = s->guests[i];
	}
	s->n_guests = kept;
	s->inventory.endpoints =
		pst_mem_calloc(inv->n_endpoints + kept, sizeof(*s->inventory.endpoints));
	if (!s->inventory.endpoints || reserve_names(s))
		return -ENOMEM;
	if (inv->n_endpoints)
		memcpy(s->inventory.endpoints, inv->endpoints,
		       inv->n_endpoints * sizeof(*inv->endpoints));
	for (size_t i = 0; i < kept; i++) {
		if (label(s, &s->guests[i]))
			return -ENOMEM;
		add_endpoint(s, &s->guests[i]);
	}
	return 0;
}

static void stage_fini(struct stage *s)
{
	free(s->inventory.endpoints);
	free(s->names);
	free(s->guests);
	pst_arena_free(&s->arena);
}

static struct pst_addr_value look_up(const struct pst_bundle *b, const struct guest *g)
{
	struct pst_addr_value outside = {0};

	if (g->peer->by_addr)
		return pst_judge_addr(b, g->peer->addr.b);
	if (!is_outside(g->peer))
		return pst_judge_addr(b, g->own.b);
	outside.identity = pst_resolve_reserved(&g->peer->labels);
	if (outside.identity == PST_ID_HOST)
		outside.flags = PST_ADDR_HOST;
	return outside;
}

static struct pst_addr_value value_of(const struct stage *s, const struct pst_peer *p)
{
	const struct guest key = {.peer = p};
	const struct guest *g =
		bsearch(&key, s->guests, s->n_guests, sizeof(*s->guests), cmp_guest);

	return g->value;
}

static struct pst_l4_result judge(const struct pst_bundle *b, const struct stage *s,
				  const struct pst_question *q)
{
	bool ingress = q->direction == PST_DIRECTION_INGRESS;
	struct pst_addr_value from = value_of(s, &q->from);
	struct pst_addr_value to = value_of(s, &q->to);
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
		r.audited = false;
	}
	return r;
}

int pst_question_ask_all(struct pst_input *in, const struct pst_question *qs, size_t n,
			 struct pst_l4_result *ret_l4, struct pst_answer *ret_answer)
{
	struct pst_answer a = {0};
	struct stage s;
	int status;

	if (stage_init(&s, in->inventory, qs, n)) {
		pst_log_err(-ENOMEM, "cannot go on");
		stage_fini(&s);
		return PST_EXIT_FAILED;
	}
	status = pst_input_compile(in, &s.inventory, &a.b);
	if (!status && pst_judge_new(a.b, &a.judge)) {
		pst_log_err(-ENOMEM, "cannot go on");
		status = PST_EXIT_FAILED;
	}
	for (size_t i = 0; !status && i < s.n_guests; i++)
		s.guests[i].value = look_up(a.b, &s.guests[i]);
	for (size_t i = 0; !status && i < n; i++)
		ret_l4[i] = judge(a.b, &s, &qs[i]);
	stage_fini(&s);
	if (status)
		pst_answer_fini(&a);
	else
		*ret_answer = a;
	return status;
}

int pst_question_ask(struct pst_input *in, const struct pst_question *q,
		     struct pst_answer *ret_answer)
{
	struct pst_l4_result l4;
	int status = pst_question_ask_all(in, q, 1, &l4, ret_answer);

	if (!status)
		ret_answer->l4 = l4;
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
		.audited = a->l4.verdict == PST_VERDICT_DENY && a->l4.audited,
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
	pst_judge_set_proxied(a->judge, a->l4.verdict == PST_VERDICT_FALLBACK);
	*offset = pst_judge_request(a->judge, a->l4.ruleset, bytes, len, *offset, &r);
	return (struct pst_ruling){
		.allowed = r.allowed,
		.audited = !r.allowed && a->l4.audited,
		.l7 = true,
		.reason = r.reason,
		.rule = rule_at(a->b, r.rule),
		.last = r.last,
		.handshake = r.handshake,
		.head = r.head,
		.head_len = r.head_len,
	};
}
