// SPDX-License-Identifier: Apache-2.0
/*
 * Resolution against a reference that knows nothing of maps: for random small models, every
 * subject, peer, direction, protocol and interesting port is asked twice, once by the lookup over
 * the compiled entries and once by section 0 of the policy semantics, read from the model rule by
 * rule.
 */
#include "compiler/resolve.h"

#include "compiler/judge.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEED = 20261,
	ROUNDS = 400,
	MAX_HTTP = 256,
	ICMP = 1,
};

/* What section 0 says. HTTP rules are named by their path pattern. */
struct answer {
	enum pst_verdict verdict;
	bool deny_rule;
	const char *http[MAX_HTTP];
	size_t n_http;
};

struct flow {
	const struct pst_labels *subject, *peer;
	enum pst_direction direction;
	uint8_t protocol;
	uint16_t port;
	bool peer_is_host;
};

static bool ref_peer(const struct pst_rule *rule, const struct flow *f)
{
	bool wide = rule->deny && rule->refused; /* what cannot be read means everybody */

	if (rule->peer_kind == PST_PEER_ABSENT)
		return rule->has_ports || wide;
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (pst_selector_matches(&rule->peers[i], f->peer))
			return true;
	}
	return !rule->n_peers && wide;
}

static bool ref_port(const struct pst_port_rule *ports, const struct flow *f)
{
	for (size_t i = 0; i < ports->n_ports; i++) {
		const struct pst_port *p = &ports->ports[i];
		bool known = f->protocol == 6 || f->protocol == 17 || f->protocol == 132;

		if (!known || (p->protocol && p->protocol != f->protocol))
			continue;
		if (p->port == 0 || (f->port >= p->port && f->port <= p->end_port))
			return true;
	}
	return false;
}

static bool ref_denies(const struct pst_rule *rule, const struct flow *f)
{
	if (!rule->deny || !ref_peer(rule, f))
		return false;
	if (!rule->has_ports)
		return true;
	if (rule->refused && !rule->n_ports)
		return true;
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (ref_port(&rule->ports[i], f) || (rule->refused && !rule->ports[i].n_ports))
			return true;
	}
	return false;
}

static void ref_allow(const struct pst_rule *rule, const struct flow *f, bool *plain,
		      bool *any_http, struct answer *a)
{
	if (rule->deny || rule->refused || !ref_peer(rule, f))
		return;
	if (!rule->has_ports)
		*plain = true;
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (!ref_port(&rule->ports[i], f))
			continue;
		if (!rule->ports[i].n_http)
			*plain = true;
		else if (f->protocol == 6)
			*any_http = true;
		for (size_t k = 0; f->protocol == 6 && k < rule->ports[i].n_http; k++)
			a->http[a->n_http++] = rule->ports[i].http[k].path.s;
	}
}

static struct answer reference(const struct model *m, const struct flow *f)
{
	struct answer a = {.verdict = PST_VERDICT_ALLOW};
	bool enforce = false, plain = false, http = false;

	for (size_t p = 0; p < m->set.n_policies; p++) {
		const struct pst_spec *spec = m->set.policies[p].specs;

		if (!pst_selector_matches(&spec->subject, f->subject))
			continue;
		enforce |= spec->default_deny[f->direction];
		for (size_t i = 0; i < spec->n_rules; i++) {
			if (spec->rules[i].direction != f->direction)
				continue;
			if (ref_denies(&spec->rules[i], f))
				return (struct answer){PST_VERDICT_DENY, true, {0}, 0};
			ref_allow(&spec->rules[i], f, &plain, &http, &a);
		}
	}
	if (!enforce || plain || (f->peer_is_host && f->direction == PST_DIRECTION_INGRESS)) {
		a.n_http = 0;
		return a;
	}
	a.verdict = http ? PST_VERDICT_JUDGE : PST_VERDICT_DENY;
	return a;
}

/* Random models. */

static const uint16_t ports[] = {0,   1,   2,	 3,    79,    80,    81,   127,
				 128, 443, 1023, 1024, 32768, 65534, 65535};

static int pick(int n)
{
	return rand() % n;
}

static uint16_t pick_port(void)
{
	return ports[pick(sizeof(ports) / sizeof(*ports))];
}

static const char *pick_selector(void)
{
	static const char *const selectors[] = {
		"",
		"k8s:a=0",
		"k8s:a=1",
		"k8s:b=1",
		"k8s:a=0 k8s:b=0",
		"k8s:a=1 k8s:b=0",
		"reserved:world",
		"reserved:host",
		"reserved:remote-node",
	};

	return selectors[pick(sizeof(selectors) / sizeof(*selectors))];
}

static void random_ports(struct model *m, struct pst_rule *rule, int *n_http)
{
	static const enum pst_protocol protocols[] = {0, 6, 6, 6, 17, 132};
	int n = pick(4);

	for (int i = 0; i < n; i++) {
		enum pst_protocol protocol = protocols[pick(6)];
		uint16_t a = pick_port(), b = pick_port();
		struct pst_port_rule *p;

		if (!pick(3))
			b = a;
		p = model_port(m, rule, protocol, a < b ? a : b, a < b ? b : a);
		if (!pick(12))
			p->n_ports = 0;
		/* Also where the loader would refuse them: there HTTP rules must allow nothing. */
		if (rule->deny || pick(2))
			continue;
		for (int k = 0; k <= pick(3); k++)
			model_http(m, p, pick(2) ? "GET" : NULL,
				   pst_arena_printf(m->arena, "/r%d", (*n_http)++),
				   pick(3) ? NULL : "h");
	}
}

static void random_rule(struct model *m, struct pst_spec *spec, int *n_http)
{
	struct pst_rule *rule = model_rule(m, spec, pick(2), !pick(4));

	if (pick(3)) {
		rule->peer_kind = PST_PEER_SELECTORS;
		for (int n = pick(3); n > 0; n--)
			model_peer(m, rule, pick_selector());
	}
	random_ports(m, rule, n_http);
	if (!pick(6))
		rule->refused = true;
	/* A list of ports of which nothing could be read. */
	if (rule->refused && !rule->n_ports && pick(2))
		rule->has_ports = true;
}

static void random_model(struct model *m)
{
	static const char *const subjects[] = {"", "k8s:a=0", "k8s:b=1", "k8s:a=1 k8s:b=1"};
	int n_http = 0;

	model_init(m);
	model_endpoint(m, "e0", "k8s:a=0 k8s:b=0", "10.0.0.1");
	model_endpoint(m, "e1", "k8s:a=0 k8s:b=1", "10.0.0.2");
	model_endpoint(m, "e2", "k8s:a=1 k8s:b=0", "10.0.0.3");
	model_endpoint(m, "e3", "k8s:a=1 k8s:b=1", "10.0.0.4");
	model_endpoint(m, "twin", "k8s:a=1 k8s:b=1", "fd00::4");
	model_endpoint(m, "node", "reserved:remote-node", "10.0.1.1");
	for (int n = 1 + pick(4); n > 0; n--) {
		struct pst_spec *spec = model_policy(m, "p", subjects[pick(4)]);

		for (int k = 1 + pick(4); k > 0; k--)
			random_rule(m, spec, &n_http);
		if (!pick(4))
			spec->default_deny[pick(2)] = false;
	}
}

static bool has_text(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i], s))
			return true;
	}
	return false;
}

static bool same_http(const struct pst_bundle *b, uint32_t ruleset, const struct answer *a)
{
	const struct pst_bundle_ruleset *set = &b->rulesets[ruleset];
	const char *names[MAX_HTTP];

	for (size_t i = 0; i < set->n_rules; i++) {
		names[i] = b->rules[set->rules[i]].target;
		if (!has_text(a->http, a->n_http, names[i]))
			return false;
	}
	for (size_t i = 0; i < a->n_http; i++) {
		if (!has_text(names, set->n_rules, a->http[i]))
			return false;
	}
	return true;
}

static void compare(const struct model *m, const struct pst_bundle *b, const struct flow *f,
		    const struct pst_l4_query *q, int round)
{
	struct answer want = reference(m, f);
	struct pst_l4_result got = pst_judge_l4(b, q);

	cr_assert_eq(
		got.verdict, want.verdict,
		"seed %d round %d: subject %u peer %u direction %d protocol %d port %d: verdict "
		"%d, expected %d",
		SEED, round, q->subject.identity, q->peer, q->direction, q->protocol, q->port,
		got.verdict, want.verdict);
	if (want.verdict == PST_VERDICT_DENY)
		cr_assert_eq(got.reason == PST_REASON_DENY_RULE, want.deny_rule);
	if (want.verdict == PST_VERDICT_JUDGE)
		cr_assert(same_http(b, got.ruleset, &want), "seed %d round %d port %d", SEED, round,
			  q->port);
}

static void compare_ports(const struct model *m, const struct pst_bundle *b, struct flow *f,
			  struct pst_l4_query *q, int round)
{
	static const uint8_t protocols[] = {6, 17, 132, ICMP, 0};

	for (size_t p = 0; p < sizeof(protocols); p++) {
		f->protocol = q->protocol = protocols[p];
		for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
			for (int near = -1; near <= 1; near++) {
				f->port = q->port = (uint16_t)(ports[i] + near);
				compare(m, b, f, q, round);
			}
		}
	}
}

static void compare_model(const struct model *m, const struct pst_bundle *b, int round)
{
	for (size_t s = 0; s < m->inventory.n_endpoints; s++) {
		const struct pst_endpoint *subject = &m->inventory.endpoints[s];
		struct pst_addr_value value = pst_judge_addr(b, subject->addrs[0].b);

		if (!(value.flags & PST_ADDR_ENDPOINT))
			continue;
		for (size_t i = 0; i < b->n_identities; i++) {
			for (int d = 0; d < PST_DIRECTION_MAX; d++) {
				struct flow f = {
					.subject = &subject->labels,
					.peer = &b->identities[i].labels,
					.direction = d,
					.peer_is_host = b->identities[i].id == PST_ID_HOST,
				};
				struct pst_l4_query q = {
					.subject = value,
					.peer = b->identities[i].id,
					.direction = d,
				};

				compare_ports(m, b, &f, &q, round);
			}
		}
	}
}

Test(resolve, lookup_equals_direct_evaluation_on_random_models)
{
	srand(SEED);
	for (int round = 0; round < ROUNDS; round++) {
		struct pst_diags *diags = pst_diags_new();
		struct pst_bundle *b;
		struct model m;

		random_model(&m);
		b = model_compile(&m, diags);
		compare_model(&m, b, round);
		pst_bundle_free(&b);
		pst_diags_free(&diags);
		model_fini(&m);
	}
}

/* One model with what each test adds; compiled and asked. */
struct fixture {
	struct model m;
	struct pst_diags *diags;
	struct pst_bundle *b;
};

static struct fixture fx;

static void setup(void)
{
	model_init(&fx.m);
	fx.diags = pst_diags_new();
	fx.b = NULL;
	model_endpoint(&fx.m, "web", "k8s:app=web", "10.0.0.1");
	model_endpoint(&fx.m, "db", "k8s:app=db", "10.0.0.2");
	model_endpoint(&fx.m, "job", "k8s:app=job", "10.0.0.3");
}

static void teardown(void)
{
	pst_bundle_free(&fx.b);
	pst_diags_free(&fx.diags);
	model_fini(&fx.m);
}

static struct pst_addr_value addr_value(const char *text)
{
	struct pst_addr a;

	cr_assert_eq(pst_addr_from_str(text, &a), 0);
	return pst_judge_addr(fx.b, a.b);
}

/* Ingress to 10.0.0.1 from FROM. */
static struct pst_l4_result ask(const char *from, uint8_t protocol, uint16_t port)
{
	struct pst_l4_query q = {.direction = PST_DIR_INGRESS, .protocol = protocol, .port = port};

	if (!fx.b)
		fx.b = model_compile(&fx.m, fx.diags);
	q.subject = addr_value("10.0.0.1");
	q.peer = addr_value(from).identity;
	return pst_judge_l4(fx.b, &q);
}

TestSuite(resolve_one, .init = setup, .fini = teardown);

Test(resolve_one, an_endpoint_without_rules_is_not_restricted)
{
	struct pst_l4_result r = ask("10.0.0.2", 6, 80);

	cr_assert_eq(r.verdict, PST_VERDICT_ALLOW);
	cr_assert_eq(r.reason, PST_REASON_NO_POLICY);
	cr_assert_eq(fx.b->n_entries, 0);
}

Test(resolve_one, a_deny_rule_binds_without_default_deny)
{
	struct pst_spec *s = model_policy(&fx.m, "p", "k8s:app=web");
	struct pst_rule *r = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, true);

	model_peer(&fx.m, r, "k8s:app=db");
	model_port(&fx.m, r, PST_PROTOCOL_TCP, 80, 0);
	s->default_deny[PST_DIRECTION_INGRESS] = false;
	cr_assert_eq(ask("10.0.0.2", 6, 80).reason, PST_REASON_DENY_RULE);
	cr_assert_eq(ask("10.0.0.2", 6, 81).verdict, PST_VERDICT_ALLOW);
	cr_assert_eq(ask("10.0.0.3", 6, 80).verdict, PST_VERDICT_ALLOW);
	cr_assert_eq(ask("192.0.2.1", 6, 80).verdict, PST_VERDICT_ALLOW);
	/* The kernel asks only subjects with the flag. */
	cr_assert(addr_value("10.0.0.1").flags & PST_ADDR_ENFORCE_INGRESS);
	cr_assert_not(addr_value("10.0.0.2").flags & PST_ADDR_ENFORCE_INGRESS);
}

Test(resolve_one, a_range_is_split_at_the_deny_inside_it)
{
	struct pst_spec *s = model_policy(&fx.m, "p", "k8s:app=web");
	struct pst_rule *allow = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, false);
	struct pst_rule *deny = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, true);

	model_peer(&fx.m, allow, "k8s:app=db");
	model_port(&fx.m, allow, PST_PROTOCOL_TCP, 40, 99);
	model_peer(&fx.m, deny, "k8s:app=db");
	model_port(&fx.m, deny, PST_PROTOCOL_TCP, 92, 0);
	for (int port = 0; port < 1 << 16; port++) {
		bool want = port >= 40 && port <= 99 && port != 92;

		cr_assert_eq(ask("10.0.0.2", 6, (uint16_t)port).verdict == PST_VERDICT_ALLOW, want,
			     "port %d", port);
	}
}

Test(resolve_one, the_own_node_gets_in_unless_a_deny_rule_names_it)
{
	struct pst_spec *s = model_policy(&fx.m, "p", "k8s:app=web");
	struct pst_rule *allow = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, false);
	struct pst_rule *deny = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, true);
	struct pst_l4_query q = {.peer = PST_ID_HOST, .protocol = 6, .port = 80};

	model_http(&fx.m, model_port(&fx.m, allow, PST_PROTOCOL_TCP, 80, 0), "GET", "/", NULL);
	model_peer(&fx.m, deny, "reserved:host");
	model_port(&fx.m, deny, PST_PROTOCOL_TCP, 81, 0);
	cr_assert_eq(ask("192.0.2.1", 6, 80).verdict, PST_VERDICT_JUDGE);
	q.subject = addr_value("10.0.0.1");
	cr_assert_eq(pst_judge_l4(fx.b, &q).verdict, PST_VERDICT_ALLOW);
	q.port = 81;
	cr_assert_eq(pst_judge_l4(fx.b, &q).reason, PST_REASON_DENY_RULE);
	q.port = 82;
	cr_assert_eq(pst_judge_l4(fx.b, &q).verdict, PST_VERDICT_ALLOW);
}

Test(resolve_one, default_deny_without_any_rule_still_lets_the_own_node_in)
{
	struct pst_spec *s = model_policy(&fx.m, "p", "k8s:app=web");
	struct pst_l4_query q = {.peer = PST_ID_HOST, .protocol = 6, .port = 80};

	s->default_deny[PST_DIRECTION_INGRESS] = true;
	cr_assert_eq(ask("10.0.0.2", 6, 80).reason, PST_REASON_NO_RULE_L4);
	q.subject = addr_value("10.0.0.1");
	cr_assert_eq(pst_judge_l4(fx.b, &q).verdict, PST_VERDICT_ALLOW);
}

Test(resolve_one, a_refused_deny_without_readable_parts_denies_everything)
{
	struct pst_spec *s = model_policy(&fx.m, "p", "k8s:app=web");
	struct pst_rule *allow = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, false);

	model_peer(&fx.m, allow, "");
	model_rule(&fx.m, s, PST_DIRECTION_INGRESS, true)->refused = true;
	cr_assert_eq(ask("10.0.0.2", 6, 80).reason, PST_REASON_DENY_RULE);
	cr_assert_eq(ask("192.0.2.1", ICMP, 0).reason, PST_REASON_DENY_RULE);
}

Test(resolve_one, a_refused_allow_allows_nothing_and_keeps_default_deny)
{
	struct pst_spec *s = model_policy(&fx.m, "p", "k8s:app=web");
	struct pst_rule *allow = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, false);

	model_peer(&fx.m, allow, "");
	allow->refused = true;
	cr_assert_eq(ask("10.0.0.2", 6, 80).reason, PST_REASON_NO_RULE_L4);
}

Test(resolve_one, an_unknown_address_is_the_world_and_a_later_identity_is_treated_alike)
{
	struct pst_spec *s = model_policy(&fx.m, "p", "k8s:app=web");
	struct pst_l4_query q = {.peer = 9999, .protocol = 6, .port = 80};

	model_peer(&fx.m, model_rule(&fx.m, s, PST_DIRECTION_INGRESS, false), "k8s:app=db");
	cr_assert_eq(ask("10.0.0.2", 6, 80).verdict, PST_VERDICT_ALLOW);
	cr_assert_eq(ask("192.0.2.1", 6, 80).verdict, PST_VERDICT_DENY);
	cr_assert_eq(addr_value("192.0.2.1").identity, PST_ID_WORLD);
	q.subject = addr_value("10.0.0.1");
	cr_assert_eq(pst_judge_l4(fx.b, &q).verdict, PST_VERDICT_DENY);
}

Test(resolve_one, the_deciding_rule_is_the_first_in_the_document)
{
	struct pst_spec *s = model_policy(&fx.m, "p", "k8s:app=web");
	struct pst_rule *first = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, false);
	struct pst_rule *second = model_rule(&fx.m, s, PST_DIRECTION_INGRESS, false);
	struct pst_l4_result r;

	model_peer(&fx.m, first, "k8s:app=db");
	model_peer(&fx.m, second, "");
	r = ask("10.0.0.2", 6, 80);
	cr_assert_str_eq(fx.b->rules[r.rule].path, "spec.ingress[0]");
	cr_assert_eq(fx.b->rules[r.rule].pos.line, first->pos.line);
	r = ask("10.0.0.3", 6, 80);
	cr_assert_str_eq(fx.b->rules[r.rule].path, "spec.ingress[1]");
}

Test(resolve_one, an_address_of_node_and_endpoint_is_the_endpoints_with_a_warning)
{
	struct pst_addr node[2];
	struct pst_compile_opts opts = {.host_addrs = node, .n_host_addrs = 2};

	pst_addr_from_str("10.0.0.1", &node[0]);
	pst_addr_from_str("10.0.0.250", &node[1]);
	cr_assert_eq(pst_compile(&fx.m.set, &fx.m.inventory, &opts, fx.diags, &fx.b), 0);
	cr_assert(addr_value("10.0.0.1").flags & PST_ADDR_ENDPOINT);
	cr_assert_eq(addr_value("10.0.0.250").identity, PST_ID_HOST);
	cr_assert_eq(addr_value("10.0.0.250").flags, PST_ADDR_HOST);
	cr_assert_eq(pst_diags_count(fx.diags), 1);
	cr_assert_str_eq(pst_diags_at(fx.diags, 0)->id, "address-of-node");
	cr_assert_eq(pst_diags_errors(fx.diags), 0);
}

Test(resolve_one, identities_are_numbered_by_their_labels_whatever_the_order)
{
	struct model other;
	struct pst_bundle *b;

	model_init(&other);
	model_endpoint(&other, "job", "k8s:app=job", "10.0.0.3");
	model_endpoint(&other, "web", "k8s:app=web", "10.0.0.1");
	model_endpoint(&other, "db", "k8s:app=db", "10.0.0.2");
	b = model_compile(&other, fx.diags);
	ask("10.0.0.2", 6, 80);
	cr_assert_eq(b->n_identities, fx.b->n_identities);
	for (size_t i = 0; i < b->n_identities; i++) {
		cr_assert_eq(b->identities[i].id, fx.b->identities[i].id);
		cr_assert_eq(pst_labels_cmp(&b->identities[i].labels, &fx.b->identities[i].labels),
			     0);
	}
	pst_bundle_free(&b);
	model_fini(&other);
}
