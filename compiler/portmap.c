// SPDX-License-Identifier: Apache-2.0
#include "compiler/portmap.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/buckets.h"
#include "policy/conflict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PORTS = 1 << 16,
	PROTOCOL_BITS = PST_POLICY_STATIC_BITS + 8,
};

/* Those that an entry can tell apart. */
static const uint8_t protocols[] = {
	PST_PROTOCOL_ICMP, PST_PROTOCOL_IGMP,	PST_PROTOCOL_IPIP, PST_PROTOCOL_TCP,
	PST_PROTOCOL_UDP,  PST_PROTOCOL_IPV6,	PST_PROTOCOL_GRE,  PST_PROTOCOL_ESP,
	PST_PROTOCOL_AH,   PST_PROTOCOL_ICMPV6, PST_PROTOCOL_VRRP, PST_PROTOCOL_SCTP,
};

/* A place in the port space; protocol 0 is "every other protocol", which has no ports. */
struct place {
	uint8_t protocol;
	uint16_t port;
};

/* From FIRST to the next one's FIRST (or the end) the answer is VALUE. */
struct interval {
	uint32_t first;
	struct pst_policy_value value;
};

struct intervals PST_VEC(struct interval);
struct numbers PST_VEC(uint32_t);

struct mapper {
	const struct pst_http_sets *sets;
	const struct pst_port_query *q;
	struct numbers http;	    /* scratch: HTTP rules of one interval */
	struct numbers cuts;	    /* scratch: first ports of intervals */
	struct intervals intervals; /* scratch: of one protocol */
	struct pst_port_tails *tails;
};

struct pst_policy_value pst_portmap_default(bool enforce)
{
	return (struct pst_policy_value){
		.verdict = enforce ? PST_VERDICT_DENY : PST_VERDICT_ALLOW,
		.rule = UINT32_MAX,
	};
}

static bool is_protocol_of(const struct pst_port *p, uint8_t protocol)
{
	if (p->protocol == PST_PROTOCOL_ANY)
		return protocol == PST_PROTOCOL_TCP || protocol == PST_PROTOCOL_UDP ||
		       protocol == PST_PROTOCOL_SCTP;
	return p->protocol == protocol;
}

/* Does the port NP of the accepting endpoint answer to the name of P? */
static bool is_named(const struct pst_port *p, const struct pst_named_port *np)
{
	return is_protocol_of(p, np->protocol) && !strcmp(p->name.s, np->name);
}

static bool name_covers(const struct pst_port_query *q, const struct pst_port *p, struct place at)
{
	for (size_t i = 0; i < q->n_names; i++) {
		const struct pst_named_port *np = &q->names[i];

		if (np->port == at.port && np->protocol == at.protocol && is_named(p, np))
			return true;
	}
	return false;
}

static bool port_covers(const struct pst_port_query *q, const struct pst_port *p, struct place at)
{
	if (p->name.s)
		return name_covers(q, p, at);
	return is_protocol_of(p, at.protocol) &&
	       (!p->port || (p->port <= at.port && at.port <= p->end_port));
}

static bool icmps_cover(const struct pst_rule *rule, struct place at)
{
	for (size_t i = 0; i < rule->n_icmps; i++) {
		const struct pst_icmp *icmp = &rule->icmps[i];

		if (at.protocol == (icmp->is_v6 ? PST_PROTOCOL_ICMPV6 : PST_PROTOCOL_ICMP) &&
		    at.port == icmp->type)
			return true;
	}
	return false;
}

static bool ports_cover(const struct pst_port_query *q, const struct pst_port_rule *ports,
			struct place at)
{
	for (size_t i = 0; i < ports->n_ports; i++) {
		if (port_covers(q, &ports->ports[i], at))
			return true;
	}
	return false;
}

/*
 * A deny rule of which a part was refused denies all that the readable parts could mean: ports that
 * cannot be read are all ports of all protocols.
 */
static bool deny_covers(const struct pst_port_query *q, const struct pst_rule *rule,
			struct place at)
{
	if (rule->has_icmps && !rule->refused)
		return icmps_cover(rule, at);
	if (!rule->has_ports || (rule->refused && !rule->n_ports))
		return true;
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (ports_cover(q, &rule->ports[i], at) ||
		    (rule->refused && !rule->ports[i].n_ports))
			return true;
	}
	return false;
}

static const struct pst_catalog_rule *find_deny(const struct pst_port_query *q, struct place at)
{
	for (size_t i = 0; i < q->n_rules; i++) {
		if (q->rules[i]->rule->deny && deny_covers(q, q->rules[i]->rule, at))
			return q->rules[i];
	}
	return NULL;
}

/* Does RULE cover AT, or PLAINLY: without HTTP rules? */
static bool rule_covers(const struct pst_port_query *q, const struct pst_rule *rule,
			struct place at, bool plainly)
{
	if (rule->has_icmps)
		return icmps_cover(rule, at);
	if (!rule->has_ports)
		return true;
	for (size_t i = 0; i < rule->n_ports; i++) {
		if ((!plainly || !rule->ports[i].n_http) && ports_cover(q, &rule->ports[i], at))
			return true;
	}
	return false;
}

/* Does the allow rule RULE, with or without HTTP rules, cover AT? */
static bool allow_covers(const struct pst_port_query *q, const struct pst_rule *rule,
			 struct place at)
{
	return !rule->deny && !rule->refused && rule_covers(q, rule, at, false);
}

/* A rule that wants peers to prove who they are, which they cannot here. */
static const struct pst_catalog_rule *find_auth(const struct pst_port_query *q, struct place at)
{
	for (size_t i = 0; i < q->n_rules; i++) {
		const struct pst_rule *rule = q->rules[i]->rule;

		if (rule->auth < PST_AUTH_REQUIRED)
			continue;
		if (allow_covers(q, rule, at) ||
		    (q->rules[i]->closed && pst_portmap_covers(q, rule, at.protocol, at.port)))
			return q->rules[i];
	}
	return NULL;
}

/* Whoever conflicts, one of the two is closed: all that can conflict is not enforced yet. */
static bool has_closed(const struct pst_port_query *q, struct place at)
{
	for (size_t i = 0; i < q->n_rules; i++) {
		if (q->rules[i]->closed &&
		    pst_portmap_covers(q, q->rules[i]->rule, at.protocol, at.port))
			return true;
	}
	return false;
}

struct parties {
	struct PST_VEC(struct pst_conflict_party) v;
	struct PST_VEC(const struct pst_catalog_rule *) rules; /* whose they are */
};

static int add_parties(struct parties *p, const struct pst_port_query *q,
		       const struct pst_catalog_rule *r, struct place at)
{
	if (r->rule->deny || (r->rule->refused && !r->closed))
		return 0;
	for (size_t i = 0; i < r->rule->n_ports; i++) {
		const struct pst_conflict_party party = {
			.policy = r->policy, .rule = r->rule, .entry = &r->rule->ports[i]};

		if (!ports_cover(q, party.entry, at))
			continue;
		if (pst_vec_push(&p->v, party) || pst_vec_push(&p->rules, r))
			return -ENOMEM;
	}
	return 0;
}

static void parties_fini(struct parties *p)
{
	pst_vec_free(&p->v);
	pst_vec_free(&p->rules);
}

int pst_portmap_find_conflict(const struct pst_port_query *q, uint8_t protocol, uint16_t port,
			      struct pst_portmap_conflict *ret_conflict)
{
	const struct place at = {.protocol = protocol, .port = port};
	struct parties p pst_cleanup(parties_fini) = {0};
	struct pst_conflict c = {0};
	int r;

	if (!has_closed(q, at))
		return 0;
	for (size_t i = 0; i < q->n_rules; i++) {
		if (add_parties(&p, q, q->rules[i], at))
			return -ENOMEM;
	}
	r = p.rules.n ? pst_conflict_among(p.v.v, p.v.n, &c) : 0;
	if (r <= 0)
		return r;
	*ret_conflict = (struct pst_portmap_conflict){
		.first = p.rules.v[c.first],
		.second = p.rules.v[c.second],
		.id = c.id,
		.what = c.what,
		.first_pos = c.first_pos,
		.second_pos = c.second_pos,
	};
	return 1;
}

/* An allow without HTTP rules: it makes all others on this port irrelevant. */
static bool allows_plainly(const struct pst_port_query *q, const struct pst_rule *rule,
			   struct place at)
{
	return !rule->deny && !rule->refused && rule_covers(q, rule, at, true);
}

bool pst_portmap_covers(const struct pst_port_query *q, const struct pst_rule *rule,
			uint8_t protocol, uint16_t port)
{
	return rule_covers(q, rule, (struct place){.protocol = protocol, .port = port}, false);
}

static const struct pst_catalog_rule *find_plain(const struct pst_port_query *q, struct place at)
{
	for (size_t i = 0; i < q->n_rules; i++) {
		if (allows_plainly(q, q->rules[i]->rule, at))
			return q->rules[i];
	}
	return NULL;
}

/* The usable HTTP rules of R at AT go to M->http. Returns 1 when R has an HTTP list there, 0, or
 * -ENOMEM. */
static int add_http(struct mapper *m, const struct pst_catalog_rule *r, struct place at)
{
	int found = 0;

	/* The policy loader refuses HTTP rules on anything but TCP; were one here, it would allow
	 * nothing. */
	if (r->rule->deny || r->rule->refused || at.protocol != PST_PROTOCOL_TCP)
		return 0;
	for (size_t i = 0; i < r->rule->n_ports; i++) {
		const struct pst_port_rule *ports = &r->rule->ports[i];

		if (!ports->n_http || !ports_cover(m->q, ports, at))
			continue;
		found = 1;
		for (uint32_t k = 0; k < ports->n_http; k++) {
			uint32_t index = r->first_http[i] + k;

			if (m->sets->is_usable(m->sets->ctx, index) &&
			    pst_vec_push(&m->http, index))
				return -ENOMEM;
		}
	}
	return found;
}

static struct pst_policy_value allow_by(const struct pst_catalog_rule *rule)
{
	return (struct pst_policy_value){
		.verdict = PST_VERDICT_ALLOW,
		.rule = rule ? rule->index : UINT32_MAX,
	};
}

/* Only allows with HTTP rules, or none at all. */
static int judge_or_default(struct mapper *m, struct place at, struct pst_policy_value *ret_value)
{
	const struct pst_catalog_rule *first = NULL;
	struct pst_http_set set;
	int r;

	m->http.n = 0;
	for (size_t i = 0; i < m->q->n_rules; i++) {
		r = add_http(m, m->q->rules[i], at);
		if (r < 0)
			return r;
		if (r && !first)
			first = m->q->rules[i];
	}
	if (!first) {
		*ret_value = pst_portmap_default(m->q->enforce);
		return 0;
	}
	r = m->sets->intern(m->sets->ctx, m->http.v, m->http.n, &set);
	if (r)
		return r;
	*ret_value = (struct pst_policy_value){
		.verdict = set.fallback ? PST_VERDICT_FALLBACK : PST_VERDICT_JUDGE,
		.ruleset = set.number,
		.rule = first->index,
	};
	return 0;
}

/* What denies although it is an allow rule. 1 and which, 0, or -ENOMEM. */
static int find_obstacle(const struct mapper *m, struct place at,
			 const struct pst_catalog_rule **ret_rule)
{
	const struct pst_catalog_rule *auth = find_auth(m->q, at);
	struct pst_portmap_conflict c;
	int r = pst_portmap_find_conflict(m->q, at.protocol, at.port, &c);

	if (r < 0)
		return r;
	if (r && m->sets->note_conflict && m->sets->note_conflict(m->sets->conflict_ctx, &c))
		return -ENOMEM;
	if (auth || r)
		*ret_rule = auth ? auth : c.second;
	return auth || r;
}

/* Section 0 of the semantics, for one peer at one place. */
static int decide(struct mapper *m, struct place at, struct pst_policy_value *ret_value)
{
	const struct pst_catalog_rule *deny = find_deny(m->q, at);
	const struct pst_catalog_rule *obstacle = NULL, *plain;
	int r;

	if (deny) {
		*ret_value = (struct pst_policy_value){
			.verdict = PST_VERDICT_DENY, .deny_rule = 1, .rule = deny->index};
		return 0;
	}
	r = m->q->allow_all ? 0 : find_obstacle(m, at, &obstacle);
	if (r < 0)
		return r;
	if (obstacle) {
		*ret_value = (struct pst_policy_value){.verdict = PST_VERDICT_DENY,
						       .rule = obstacle->index};
		return 0;
	}
	/* Without default deny, allow rules (also those with HTTP rules) restrict nothing. */
	if (!m->q->enforce) {
		*ret_value = pst_portmap_default(false);
		return 0;
	}
	plain = find_plain(m->q, at);
	if (plain || m->q->allow_all) {
		*ret_value = allow_by(plain);
		return 0;
	}
	return judge_or_default(m, at, ret_value);
}

static int cmp_number(const void *va, const void *vb)
{
	const uint32_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static int cut_around(struct mapper *m, uint32_t first, uint32_t last)
{
	return pst_vec_push(&m->cuts, first) || pst_vec_push(&m->cuts, last + 1) ? -ENOMEM : 0;
}

static int cut_at_name(struct mapper *m, const struct pst_port *p, uint8_t protocol)
{
	int r = 0;

	for (size_t i = 0; !r && i < m->q->n_names; i++) {
		const struct pst_named_port *np = &m->q->names[i];

		if (np->protocol == protocol && is_named(p, np))
			r = cut_around(m, np->port, np->port);
	}
	return r;
}

static int cut_at_port(struct mapper *m, const struct pst_port *p, uint8_t protocol)
{
	if (p->name.s)
		return cut_at_name(m, p, protocol);
	if (!is_protocol_of(p, protocol) || !p->port)
		return 0;
	return cut_around(m, p->port, p->end_port);
}

static int cut_at_icmps(struct mapper *m, const struct pst_rule *rule, uint8_t protocol)
{
	int r = 0;

	for (size_t i = 0; !r && i < rule->n_icmps; i++) {
		const struct pst_icmp *icmp = &rule->icmps[i];

		if (protocol == (icmp->is_v6 ? PST_PROTOCOL_ICMPV6 : PST_PROTOCOL_ICMP))
			r = cut_around(m, icmp->type, icmp->type);
	}
	return r;
}

/* The first ports of all intervals of PROTOCOL, sorted; they may come twice. */
static int cut(struct mapper *m, uint8_t protocol)
{
	m->cuts.n = 0;
	if (pst_vec_push(&m->cuts, 0))
		return -ENOMEM;
	for (size_t i = 0; i < m->q->n_rules; i++) {
		const struct pst_rule *rule = m->q->rules[i]->rule;

		if (cut_at_icmps(m, rule, protocol))
			return -ENOMEM;
		for (size_t k = 0; k < rule->n_ports; k++) {
			for (size_t n = 0; n < rule->ports[k].n_ports; n++) {
				if (cut_at_port(m, &rule->ports[k].ports[n], protocol))
					return -ENOMEM;
			}
		}
	}
	qsort(m->cuts.v, m->cuts.n, sizeof(*m->cuts.v), cmp_number);
	return 0;
}

static bool same_value(const struct pst_policy_value *a, const struct pst_policy_value *b)
{
	return a->verdict == b->verdict && a->deny_rule == b->deny_rule &&
	       a->ruleset == b->ruleset && a->rule == b->rule;
}

/* Answers for all ports of PROTOCOL; neighbours differ. */
static int answer_protocol(struct mapper *m, uint8_t protocol)
{
	struct intervals *out = &m->intervals;
	int r = cut(m, protocol);

	out->n = 0;
	for (size_t i = 0; !r && i < m->cuts.n; i++) {
		struct interval in = {.first = m->cuts.v[i]};

		if (in.first >= PORTS || (i && in.first == m->cuts.v[i - 1]))
			continue;
		r = decide(m, (struct place){protocol, (uint16_t)in.first}, &in.value);
		if (!r && (!out->n || !same_value(&out->v[out->n - 1].value, &in.value)))
			r = pst_vec_push(out, in);
	}
	return r;
}

static uint32_t interval_end(const struct intervals *all, size_t i)
{
	return i + 1 < all->n ? all->v[i + 1].first : PORTS;
}

/* The answer that most ports get: everything else is written as blocks. */
static const struct pst_policy_value *most_frequent(const struct intervals *all)
{
	const struct pst_policy_value *best = NULL;
	uint32_t best_ports = 0;

	for (size_t i = 0; i < all->n; i++) {
		uint32_t ports = 0;

		for (size_t k = 0; k < all->n; k++) {
			if (same_value(&all->v[i].value, &all->v[k].value))
				ports += interval_end(all, k) - all->v[k].first;
		}
		if (ports > best_ports) {
			best_ports = ports;
			best = &all->v[i].value;
		}
	}
	return best;
}

/* The largest aligned block that begins at FIRST and ends before END. */
static uint32_t block_size(uint32_t first, uint32_t end)
{
	uint32_t size = first ? first & -first : PORTS;

	while (first + size > end)
		size >>= 1;
	return size;
}

static int put_blocks(struct mapper *m, uint8_t protocol, const struct interval *in, uint32_t end)
{
	for (uint32_t first = in->first; first < end;) {
		uint32_t size = block_size(first, end);
		struct pst_port_tail tail = {
			.prefixlen = PROTOCOL_BITS + 16 - (uint32_t)__builtin_ctz(size),
			.port = (uint16_t)first,
			.protocol = protocol,
			.value = in->value,
		};

		if (pst_vec_push(m->tails, tail))
			return -ENOMEM;
		first += size;
	}
	return 0;
}

static int put_protocol(struct mapper *m, uint8_t protocol)
{
	const struct pst_policy_value base = *most_frequent(&m->intervals);
	struct pst_port_tail tail = {
		.prefixlen = PROTOCOL_BITS, .protocol = protocol, .value = base};

	if (!same_value(&base, &m->tails->v[0].value) && pst_vec_push(m->tails, tail))
		return -ENOMEM;
	for (size_t i = 0; i < m->intervals.n; i++) {
		const struct interval *in = &m->intervals.v[i];

		if (same_value(&in->value, &base))
			continue;
		if (put_blocks(m, protocol, in, interval_end(&m->intervals, i)))
			return -ENOMEM;
	}
	return 0;
}

static int build(struct mapper *m)
{
	struct pst_port_tail rest = {.prefixlen = PST_POLICY_STATIC_BITS};
	int r = decide(m, (struct place){0, 0}, &rest.value);

	if (!r)
		r = pst_vec_push(m->tails, rest);
	for (size_t i = 0; !r && i < sizeof(protocols); i++) {
		r = answer_protocol(m, protocols[i]);
		if (!r)
			r = put_protocol(m, protocols[i]);
	}
	return r;
}

int pst_portmap_build(const struct pst_http_sets *sets, const struct pst_port_query *q,
		      struct pst_port_tails *ret_tails)
{
	struct mapper m = {.sets = sets, .q = q, .tails = ret_tails};
	int r = build(&m);

	pst_vec_free(&m.http);
	pst_vec_free(&m.cuts);
	pst_vec_free(&m.intervals);
	return r;
}

/* Member by member: there are bytes between them. */
uint64_t pst_port_tails_hash(const struct pst_port_tail *v, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++) {
		h = pst_buckets_mix(h, (uint64_t)v[i].prefixlen << 32 | (uint32_t)v[i].port << 8 |
					       v[i].protocol);
		h = pst_buckets_mix(
			h, (uint64_t)v[i].value.rule << 32 | (uint32_t)v[i].value.ruleset << 16 |
				   (uint32_t)v[i].value.verdict << 8 | v[i].value.deny_rule);
	}
	return h;
}

static bool is_same_tail(const struct pst_port_tail *a, const struct pst_port_tail *b)
{
	return a->prefixlen == b->prefixlen && a->protocol == b->protocol && a->port == b->port &&
	       a->value.verdict == b->value.verdict && a->value.deny_rule == b->value.deny_rule &&
	       a->value.ruleset == b->value.ruleset && a->value.rule == b->value.rule;
}

bool pst_port_tails_same(const struct pst_port_tails *a, const struct pst_port_tails *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!is_same_tail(&a->v[i], &b->v[i]))
			return false;
	}
	return true;
}
