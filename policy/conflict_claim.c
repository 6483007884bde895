// SPDX-License-Identifier: Apache-2.0
#include "policy/conflict_claim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/labels.h"
#include "policy/selector_algebra.h"

struct build {
	struct pst_arena *arena;
	struct pst_claims *claims;
};

static const char *or_empty(const struct pst_text *text)
{
	return text->s ? text->s : "";
}

/* Texts of documents hold no line breaks where it matters; lengths keep the parts apart. */
static const char *tls_text(struct build *b, const struct pst_tls *tls)
{
	return pst_arena_printf(b->arena, "%zu/%zu/%zu/%zu:%s/%s/%s/%s/%s", tls->secret.ns.len,
				tls->secret.name.len, tls->trusted_ca.len, tls->certificate.len,
				or_empty(&tls->secret.ns), or_empty(&tls->secret.name),
				or_empty(&tls->trusted_ca), or_empty(&tls->certificate),
				or_empty(&tls->private_key));
}

static const char *listener_text(struct build *b, const struct pst_wish *w)
{
	const struct pst_listener *l = w->entry->listener;
	const char *kind = l->config_kind.s;

	if (!kind)
		kind = w->policy->clusterwide ? "CiliumClusterwideEnvoyConfig"
					      : "CiliumEnvoyConfig";
	return pst_arena_printf(b->arena, "%s/%s/%zu:%s/%s", kind,
				strcmp(kind, "CiliumEnvoyConfig") ? "" : w->policy->ns,
				l->config_name.len, l->config_name.s, l->name.s);
}

static enum pst_parser parser_of(const struct pst_port_rule *entry)
{
	if (entry->listener)
		return PST_PARSER_LISTENER;
	if (entry->n_http)
		return PST_PARSER_HTTP;
	if (entry->n_dns)
		return PST_PARSER_DNS;
	if (entry->terminating_tls || entry->originating_tls || entry->n_server_names)
		return PST_PARSER_TLS;
	return PST_PARSER_NONE;
}

/* Nearly all wishes are plain HTTP, and need no text of their own. */
static int describe(struct build *b, struct pst_wish *w)
{
	const struct pst_port_rule *entry = w->entry;

	w->text = "http";
	if (!entry)
		return (w->text = pst_arena_printf(b->arena, "%d", (int)w->rule->auth)) ? 0
											: -ENOMEM;
	w->parser = parser_of(entry);
	if (w->parser == PST_PARSER_HTTP && w->rule->auth == PST_AUTH_NONE &&
	    !entry->terminating_tls && !entry->originating_tls)
		return 0;
	if (entry->terminating_tls && !(w->terminating = tls_text(b, entry->terminating_tls)))
		return -ENOMEM;
	if (entry->originating_tls && !(w->originating = tls_text(b, entry->originating_tls)))
		return -ENOMEM;
	if (entry->listener && !(w->listener = listener_text(b, w)))
		return -ENOMEM;
	w->text = pst_arena_printf(
		b->arena, "%d %d %d %u %s %s %s", (int)w->parser, (int)w->rule->auth,
		entry->n_server_names > 0, entry->listener ? entry->listener->priority : 0,
		w->terminating ? w->terminating : "-", w->originating ? w->originating : "-",
		w->listener ? w->listener : "-");
	return w->text ? 0 : -ENOMEM;
}

static uint64_t mix(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

enum { HASH_START = 1469598103 };

bool pst_claim_is_namespace(const struct pst_requirement *req)
{
	return !strcmp(req->key, PST_LABEL_NAMESPACE);
}

/* The source does not count: k8s:a=b implies any:a=b. */
uint64_t pst_claim_anchor(const struct pst_requirement *req)
{
	if (req->op != PST_LABEL_IN || req->n_values != 1)
		return 0;
	return mix(mix(HASH_START, req->key), req->values[0]) | 1;
}

bool pst_claim_is_range(const struct pst_claim *claim)
{
	return !claim->port_name && claim->first != claim->last;
}

uint64_t pst_claim_bucket(const struct pst_claim *claim, uint64_t ns, uint64_t anchor, bool ranges)
{
	uint64_t h = mix(HASH_START, claim->peer);

	if (ranges)
		h = mix(h, "ranges");
	else
		h = mix(h ^ claim->first ^ claim->last << 16,
			claim->port_name ? claim->port_name : "");
	h = (h ^ ns) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ anchor) * UINT64_C(0x9e3779b97f4a7c15);
	return (h ^ (claim->protocol * 2 + claim->wish->rule->direction)) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

/* The bucket in which others look for CLAIM. */
static uint64_t home(const struct pst_claim *claim)
{
	const struct pst_selector *subject = &claim->wish->spec->subject;
	uint64_t ns = 0, anchor = 0;

	for (size_t i = 0; i < subject->n_reqs; i++) {
		const struct pst_requirement *req = &subject->reqs[i];
		uint64_t hash = pst_claim_anchor(req);

		if (pst_claim_is_namespace(req))
			ns = hash ? hash : ns;
		else if (!anchor)
			anchor = hash;
	}
	return pst_claim_bucket(claim, ns, anchor, pst_claim_is_range(claim));
}

static int push(struct build *b, const struct pst_claim *claim)
{
	struct pst_claims *c = b->claims;
	int e;

	if (c->n == PST_CLAIMS_MAX) {
		c->truncated = true;
		return 0;
	}
	e = pst_mem_grow(&c->v, &c->cap, c->n + 1, sizeof(*c->v));
	if (e)
		return e;
	c->v[c->n] = *claim;
	c->v[c->n].bucket = home(claim);
	c->n++;
	return 0;
}

static const char *selector_text(struct build *b, const char *kind, const struct pst_selector *sel)
{
	const char *key = pst_selector_key(b->arena, sel);

	return key && *kind ? pst_arena_printf(b->arena, "%s %s", kind, key) : key;
}

static const char *prefix_text(struct build *b, const struct pst_prefix *p)
{
	uint64_t part[2] = {0};

	for (size_t i = 0; i < sizeof(p->addr); i++)
		part[i / 8] = part[i / 8] << 8 | p->addr[i];
	return pst_arena_printf(b->arena, "%016lx%016lx/%u", (unsigned long)part[0],
				(unsigned long)part[1], p->len);
}

static const char *cidr_text(struct build *b, const struct pst_cidr_peer *cidr)
{
	const char *text;

	if (cidr->group_selector)
		text = selector_text(b, "group", cidr->group_selector);
	else if (cidr->group_name.s)
		text = pst_arena_printf(b->arena, "group %s", cidr->group_name.s);
	else
		text = prefix_text(b, cidr->prefix);
	for (size_t i = 0; text && i < cidr->n_except; i++) {
		const char *except = prefix_text(b, &cidr->except[i]);

		text = except ? pst_arena_printf(b->arena, "%s except %s", text, except) : NULL;
	}
	return text;
}

static const char *service_text(struct build *b, const struct pst_service_peer *s)
{
	const char *text;

	if (!s->selector)
		return pst_arena_printf(b->arena, "service %s/%s", or_empty(&s->ns),
					or_empty(&s->name));
	text = selector_text(b, "service", s->selector);
	return text ? pst_arena_printf(b->arena, "%s in %s", text, or_empty(&s->ns)) : NULL;
}

static const char *fqdn_text(struct build *b, const struct pst_fqdn *f)
{
	return f->name.s ? pst_arena_printf(b->arena, "name %s", f->name.s)
			 : pst_arena_printf(b->arena, "pattern %s", or_empty(&f->pattern));
}

/* Takes the text of one peer; NULL: there is no memory for it. */
typedef int (*take_peer)(struct build *b, const struct pst_wish *w, const char *peer);

/* Each peer of the rule; the wildcard selector stands for an absent one. */
static int each_peer(struct build *b, const struct pst_wish *w, take_peer take)
{
	static const struct pst_selector wildcard = {0};
	const struct pst_rule *rule = w->rule;
	const char *kind = rule->member == PST_MEMBER_NODES ? "node" : "";
	int e = 0;

	if (rule->peer_kind == PST_PEER_ABSENT)
		return rule->has_ports || rule->has_icmps
			       ? take(b, w, selector_text(b, "", &wildcard))
			       : 0;
	for (size_t i = 0; !e && i < rule->n_peers; i++)
		e = take(b, w, selector_text(b, kind, &rule->peers[i]));
	for (size_t i = 0; !e && i < rule->n_cidrs; i++)
		e = take(b, w, cidr_text(b, &rule->cidrs[i]));
	for (size_t i = 0; !e && i < rule->n_services; i++)
		e = take(b, w, service_text(b, &rule->services[i]));
	for (size_t i = 0; !e && i < rule->n_fqdns; i++)
		e = take(b, w, fqdn_text(b, &rule->fqdns[i]));
	return e;
}

static int claim_port(struct build *b, const struct pst_port *p, struct pst_claim claim)
{
	static const enum pst_protocol any[] = {PST_PROTOCOL_TCP, PST_PROTOCOL_UDP,
						PST_PROTOCOL_SCTP};
	size_t n = p->protocol == PST_PROTOCOL_ANY ? sizeof(any) / sizeof(*any) : 1;
	int e = 0;

	claim.port_name = p->name.s;
	claim.first = p->port;
	claim.last = p->port ? p->end_port : UINT16_MAX;
	for (size_t i = 0; !e && i < n; i++) {
		claim.protocol = n > 1 ? any[i] : p->protocol;
		e = push(b, &claim);
	}
	return e;
}

static int claim_peer(struct build *b, const struct pst_wish *w, const char *peer)
{
	struct pst_claim claim = {.wish = w, .peer = peer};
	int e = 0;

	if (!peer)
		return -ENOMEM;
	for (size_t i = 0; w->entry && !e && i < w->entry->n_ports; i++)
		e = claim_port(b, &w->entry->ports[i], claim);
	if (w->entry || e)
		return e;
	for (size_t i = 0; !e && i < w->rule->n_icmps; i++) {
		claim.protocol = w->rule->icmps[i].is_v6 ? PST_PROTOCOL_ICMPV6 : PST_PROTOCOL_ICMP;
		claim.first = claim.last = w->rule->icmps[i].type;
		e = push(b, &claim);
	}
	claim.protocol = PST_CLAIM_L3;
	return e || w->rule->has_icmps ? e : push(b, &claim);
}

static bool is_special(const struct pst_wish *w)
{
	return w->rule->auth != PST_AUTH_NONE ||
	       (w->entry && parser_of(w->entry) != PST_PARSER_NONE);
}

static int take_wish(struct build *b, const struct pst_wish *wish)
{
	struct pst_wish *w;
	int e;

	if (b->claims->truncated || !is_special(wish))
		return 0;
	w = pst_arena_alloc(b->arena, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = *wish;
	e = describe(b, w);
	return e ? e : each_peer(b, w, claim_peer);
}

static int take_spec(struct build *b, const struct pst_policy *policy, const struct pst_spec *spec)
{
	int e = 0;

	for (size_t i = 0; !e && i < spec->n_rules; i++) {
		const struct pst_rule *rule = pst_rule_as_written(&spec->rules[i]);
		struct pst_wish wish = {.policy = policy, .spec = spec, .rule = rule};

		if (rule->deny || (rule->refused && !spec->rules[i].written))
			continue;
		if (!rule->has_ports)
			e = take_wish(b, &wish);
		for (size_t k = 0; !e && k < rule->n_ports; k++) {
			wish.entry = &rule->ports[k];
			e = take_wish(b, &wish);
		}
	}
	return e;
}

/* Claims are pushed in the order of the set, and wishes are allocated in it. */
static int compare_claims(const void *a, const void *b)
{
	const struct pst_claim *ca = a, *cb = b;
	const struct pst_pos *pa = &ca->wish->rule->pos, *pb = &cb->wish->rule->pos;
	int r = (ca->bucket > cb->bucket) - (ca->bucket < cb->bucket);

	if (!r)
		r = strcmp(ca->wish->text, cb->wish->text);
	if (!r)
		r = (ca->wish->policy > cb->wish->policy) - (ca->wish->policy < cb->wish->policy);
	if (!r)
		r = (pa->line > pb->line) - (pa->line < pb->line);
	if (!r)
		r = (pa->col > pb->col) - (pa->col < pb->col);
	if (!r)
		r = (ca->first > cb->first) - (ca->first < cb->first);
	return r;
}

static void mark_runs(struct pst_claims *c)
{
	size_t end = c->n;

	for (size_t i = c->n; i--;) {
		const struct pst_claim *next = i + 1 < c->n ? &c->v[i + 1] : NULL;

		if (next && (next->bucket != c->v[i].bucket ||
			     strcmp(next->wish->text, c->v[i].wish->text)))
			end = i + 1;
		c->v[i].run_end = end;
	}
}

int pst_claims_collect(struct pst_arena *arena, const struct pst_policy_set *set,
		       struct pst_claims *ret_claims)
{
	struct build b = {.arena = arena, .claims = ret_claims};
	int e = 0;

	for (size_t i = 0; !e && i < set->n_policies; i++) {
		const struct pst_policy *policy = &set->policies[i];

		for (size_t k = 0; !e && k < policy->n_specs; k++)
			e = take_spec(&b, policy, &policy->specs[k]);
	}
	if (e)
		return e;
	if (ret_claims->n)
		qsort(ret_claims->v, ret_claims->n, sizeof(*ret_claims->v), compare_claims);
	mark_runs(ret_claims);
	return 0;
}

static int claim_any_port(struct build *b, const struct pst_wish *w, const char *peer)
{
	struct pst_claims *c = b->claims;

	if (!peer || pst_mem_grow(&c->v, &c->cap, c->n + 1, sizeof(*c->v)))
		return -ENOMEM;
	c->v[c->n++] = (struct pst_claim){.wish = w, .peer = peer};
	return 0;
}

static int compare_peers(const void *a, const void *b)
{
	const struct pst_claim *ca = a, *cb = b;
	int r = strcmp(ca->peer, cb->peer);

	if (!r)
		r = strcmp(ca->wish->text, cb->wish->text);
	return r ? r : (ca->wish > cb->wish) - (ca->wish < cb->wish);
}

int pst_claims_of_wishes(struct pst_arena *arena, struct pst_wish *wishes, size_t n,
			 struct pst_claims *ret_claims)
{
	struct build b = {.arena = arena, .claims = ret_claims};
	int e = 0;

	for (size_t i = 0; !e && i < n; i++) {
		if (!is_special(&wishes[i]))
			continue;
		e = describe(&b, &wishes[i]);
		if (!e)
			e = each_peer(&b, &wishes[i], claim_any_port);
	}
	if (!e && ret_claims->n)
		qsort(ret_claims->v, ret_claims->n, sizeof(*ret_claims->v), compare_peers);
	return e;
}

int pst_wish_compare(const struct pst_wish *a, const struct pst_wish *b)
{
	const struct pst_pos *pa = a->entry ? &a->entry->pos : &a->rule->pos;
	const struct pst_pos *pb = b->entry ? &b->entry->pos : &b->rule->pos;

	if (a->policy != b->policy)
		return a->policy < b->policy ? -1 : 1;
	if (pa->line != pb->line)
		return pa->line < pb->line ? -1 : 1;
	return (pa->col > pb->col) - (pa->col < pb->col);
}

bool pst_claims_same_ports(const struct pst_claim *a, const struct pst_claim *b)
{
	if (a->port_name && b->port_name)
		return !strcmp(a->port_name, b->port_name);
	return !a->port_name && !b->port_name && a->first == b->first && a->last == b->last;
}

bool pst_claims_share_port(const struct pst_claim *a, const struct pst_claim *b)
{
	if (a->port_name || b->port_name)
		return pst_claims_same_ports(a, b);
	return a->first <= b->last && b->first <= a->last;
}
