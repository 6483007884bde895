// SPDX-License-Identifier: Apache-2.0
/*
 * A resolver that is edited against a compilation from scratch: a table that is kept by the deltas
 * alone must answer like the bundle, whoever asks.
 */
#include "compiler/judge.h"
#include "compiler/resolver.h"
#include "compiler/tests/random_model.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEED = 90210,
	ROUNDS = 40,
	EDITS = 25,
	POOL = 8, /* policies; two of each name */
	MAX_TABLE = 1 << 16,
};

/* What is in force, in the order of arrival. */
struct world {
	struct model m; /* the pool */
	struct pst_policy *policies[POOL];
	size_t n_policies;
	bool there[MODEL_ENDPOINTS];
	struct pst_addr host;
	struct pst_resolver *r;
	struct pst_bundle_entry *table;
	size_t n_table;
};

static size_t pick(size_t n)
{
	return (size_t)rand() % n;
}

static struct pst_resolve_input input_of(struct world *w)
{
	return (struct pst_resolve_input){
		.inventory = &w->m.inventory,
		.host_addrs = &w->host,
		.n_host_addrs = 1,
	};
}

static void begin(struct world *w)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct pst_resolve_input input;
	int n_http = 0;

	random_cluster(&w->m);
	for (size_t i = 0; i < POOL; i++)
		random_policy(&w->m, names[i / 2], &n_http);
	cr_assert_eq(pst_addr_from_str(random_host, &w->host), 0);
	for (size_t i = 0; i < w->m.inventory.n_endpoints; i++)
		w->there[i] = true;
	w->table = calloc(MAX_TABLE, sizeof(*w->table));
	input = input_of(w);
	w->r = pst_resolver_new(&input);
	cr_assert_not_null(w->r);
}

static void end(struct world *w)
{
	pst_resolver_free(&w->r);
	free(w->table);
	model_fini(&w->m);
}

static size_t find_policy(const struct world *w, const char *name)
{
	size_t i = 0;

	while (i < w->n_policies && strcmp(w->policies[i]->name, name))
		i++;
	return i;
}

static void edit_policy(struct world *w, struct pst_diags *diags)
{
	struct pst_policy *p = &w->m.set.policies[pick(POOL)];
	const size_t at = find_policy(w, p->name);

	if (at < w->n_policies && pick(2)) {
		cr_assert_eq(pst_resolver_drop_policy(w->r, p->ns, p->name), 0);
		memmove(&w->policies[at], &w->policies[at + 1],
			(--w->n_policies - at) * sizeof(*w->policies));
		return;
	}
	cr_assert_eq(pst_resolver_put_policy(w->r, p, diags), 0);
	w->n_policies += at == w->n_policies;
	w->policies[at] = p;
}

static void edit_endpoint(struct world *w)
{
	const size_t i = pick(w->m.inventory.n_endpoints);
	struct pst_endpoint *e = &w->m.inventory.endpoints[i];

	if (w->there[i]) {
		cr_assert_eq(pst_resolver_drop_endpoint(w->r, e->ns, e->name), 0);
		w->there[i] = false;
		return;
	}
	/* It comes back, perhaps as somebody else. */
	if (pick(2))
		e->labels = w->m.inventory.endpoints[pick(w->m.inventory.n_endpoints)].labels;
	else if (pick(3) == 0)
		e->labels = model_labels(&w->m, "k8s:a=1 k8s:b=1 k8s:c=new");
	cr_assert_eq(pst_resolver_put_endpoint(w->r, e), 0);
	w->there[i] = true;
}

static size_t find_entry(const struct world *w, const struct pst_policy_key *key)
{
	size_t i = 0;

	while (i < w->n_table && memcmp(&w->table[i].key, key, sizeof(*key)))
		i++;
	return i;
}

/* Each change must be one. */
static void apply(struct world *w)
{
	struct pst_resolver_delta delta = {0};

	cr_assert_eq(pst_resolver_commit(w->r, &delta), 0);
	for (size_t i = 0; i < delta.gone.n; i++) {
		const size_t at = find_entry(w, &delta.gone.v[i]);

		cr_assert_lt(at, w->n_table, "what was not there is gone");
		w->table[at] = w->table[--w->n_table];
	}
	for (size_t i = 0; i < delta.put.n; i++) {
		const size_t at = find_entry(w, &delta.put.v[i].key);

		cr_assert(at == w->n_table || memcmp(&w->table[at].value, &delta.put.v[i].value,
						     sizeof(w->table[at].value)));
		w->n_table += at == w->n_table;
		cr_assert_lt(w->n_table, MAX_TABLE);
		w->table[at] = delta.put.v[i];
	}
	pst_resolver_delta_fini(&delta);
}

/* The inventory that is there now; the pool's endpoints are shared. */
static struct pst_bundle *compile(struct world *w, struct pst_diags *diags)
{
	struct pst_endpoint endpoints[MODEL_ENDPOINTS];
	struct pst_policy policies[POOL];
	struct pst_inventory inv = w->m.inventory;
	struct pst_policy_set set = {.policies = policies, .n_policies = w->n_policies};
	const struct pst_compile_opts opts = {.host_addrs = &w->host, .n_host_addrs = 1};
	struct pst_bundle *b = NULL;

	inv.endpoints = endpoints;
	inv.n_endpoints = 0;
	for (size_t i = 0; i < w->m.inventory.n_endpoints; i++) {
		if (w->there[i])
			endpoints[inv.n_endpoints++] = w->m.inventory.endpoints[i];
	}
	for (size_t i = 0; i < w->n_policies; i++)
		policies[i] = *w->policies[i];
	cr_assert_eq(pst_compile(&set, &inv, &opts, diags, &b), 0);
	return b;
}

static int cmp_entry(const void *a, const void *b)
{
	return pst_bundle_entry_cmp(a, b);
}

/* The number that the identity at ADDR has in the resolver: by its name, or by its labels. */
static uint32_t peer_of(const struct world *w, const struct pst_bundle *b, const uint8_t *addr,
			const struct pst_endpoint *endpoint)
{
	const struct pst_crowd *crowd = pst_resolver_crowd(w->r);
	const uint32_t id = pst_judge_addr(b, addr).identity;
	const struct pst_labels *labels = NULL;

	if (endpoint)
		return pst_resolver_endpoint(w->r, endpoint->ns, endpoint->name).identity;
	for (size_t i = 0; i < b->n_identities; i++) {
		if (b->identities[i].id == id)
			labels = &b->identities[i].labels;
	}
	cr_assert_not_null(labels);
	for (size_t i = 0; i < crowd->members.n; i++) {
		if (crowd->members.v[i].id && !pst_labels_cmp(crowd->members.v[i].labels, labels))
			return crowd->members.v[i].id;
	}
	cr_assert_fail("the resolver does not know identity %#x", id);
	return 0;
}

static bool same_rule(const struct pst_bundle_rule *a, const struct pst_bundle_rule *b)
{
	if (!a || !b)
		return a == b;
	return a->pos.line == b->pos.line && !strcmp(a->policy, b->policy) &&
	       !strcmp(a->path, b->path);
}

static void compare_sets(const struct world *w, const struct pst_bundle *b,
			 const struct pst_l4_result *want, const struct pst_l4_result *got)
{
	const struct pst_bundle_ruleset *set = &b->rulesets[want->ruleset];
	size_t n;
	const uint32_t *rules = pst_resolver_ruleset(w->r, got->ruleset, &n);

	cr_assert_eq(n, set->n_rules);
	for (size_t i = 0; i < n; i++)
		cr_assert(same_rule(pst_resolver_rule(w->r, rules[i]), &b->rules[set->rules[i]]));
}

struct pair {
	struct pst_l4_query want, got;
};

static void compare(const struct world *w, const struct pst_bundle *b,
		    const struct pst_bundle *kept, const struct pair *p, uint8_t protocol,
		    uint16_t port)
{
	struct pst_l4_query q = p->want, k = p->got;
	struct pst_l4_result want, got;

	q.protocol = k.protocol = protocol;
	q.port = k.port = port;
	want = pst_judge_l4(b, &q);
	got = pst_judge_l4(kept, &k);
	cr_assert_eq(got.verdict, want.verdict,
		     "subject %u (%u) peer %#x (%#x), direction %d, protocol %u, port %u: %d, "
		     "expected %d",
		     q.subject.identity, k.subject.identity, q.peer, k.peer, q.direction, protocol,
		     port, got.verdict, want.verdict);
	cr_assert_eq(got.reason, want.reason);
	cr_assert(same_rule(got.rule == UINT32_MAX ? NULL : pst_resolver_rule(w->r, got.rule),
			    want.rule == UINT32_MAX ? NULL : &b->rules[want.rule]));
	if (want.verdict == PST_VERDICT_JUDGE)
		compare_sets(w, b, &want, &got);
}

static void compare_pair(const struct world *w, const struct pst_bundle *b,
			 const struct pst_bundle *kept, const struct pair *p)
{
	for (size_t i = 0; i < RANDOM_PORTS; i++) {
		compare(w, b, kept, p, 6, random_ports[i]);
		compare(w, b, kept, p, 17, random_ports[i]);
		compare(w, b, kept, p, 47, random_ports[i]);
	}
	for (size_t i = 0; i < RANDOM_TYPES; i++)
		compare(w, b, kept, p, 1, random_types[i]);
}

static const struct pst_endpoint *endpoint_at(const struct world *w, const struct pst_addr *addr)
{
	for (size_t i = 0; i < w->m.inventory.n_endpoints; i++) {
		const struct pst_endpoint *e = &w->m.inventory.endpoints[i];

		if (w->there[i] && !memcmp(&e->addrs[0], addr, sizeof(*addr)))
			return e;
	}
	return NULL;
}

static void compare_subject(const struct world *w, const struct pst_bundle *b,
			    const struct pst_bundle *kept, const struct pst_endpoint *e)
{
	struct pair p = {
		.want.subject = pst_judge_addr(b, e->addrs[0].b),
		.got.subject = pst_resolver_endpoint(w->r, e->ns, e->name),
	};

	cr_assert_eq(p.want.subject.flags, p.got.subject.flags);
	/* All addresses that somebody has, or may have, and one of nobody's. */
	for (size_t i = 0; i <= b->n_addrs; i++) {
		struct pst_addr addr = {{0x20}};

		if (i < b->n_addrs)
			memcpy(addr.b, b->addrs[i].addr, sizeof(addr.b));
		p.want.peer = pst_judge_addr(b, addr.b).identity;
		p.got.peer = peer_of(w, b, addr.b, endpoint_at(w, &addr));
		for (int d = 0; d < PST_DIRECTION_MAX; d++) {
			p.want.direction = p.got.direction = (enum pst_dir)d;
			compare_pair(w, b, kept, &p);
		}
	}
}

static bool is_there(const struct pst_crowd *crowd, uint32_t id)
{
	for (size_t i = 0; i < crowd->members.n; i++) {
		if (crowd->members.v[i].id == id)
			return true;
	}
	return false;
}

/* Nothing is left of identities that went, and no identity is left that nobody needs. */
static void check_leftovers(const struct world *w, const struct pst_bundle *b)
{
	const struct pst_crowd *crowd = pst_resolver_crowd(w->r);
	size_t n = 0;

	for (size_t i = 0; i < crowd->members.n; i++)
		n += crowd->members.v[i].id != 0;
	cr_assert_eq(n, b->n_identities);
	for (size_t i = 0; i < w->n_table; i++) {
		const struct pst_policy_key *k = &w->table[i].key;

		cr_assert(is_there(crowd, k->subject));
		cr_assert(k->peer == PST_ID_ANY || is_there(crowd, k->peer));
	}
}

static void check(struct world *w)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_bundle *b = compile(w, diags);
	const struct pst_bundle kept = {.entries = w->table, .n_entries = w->n_table};

	check_leftovers(w, b);
	qsort(w->table, w->n_table, sizeof(*w->table), cmp_entry);
	for (size_t i = 0; i < w->m.inventory.n_endpoints; i++) {
		if (w->there[i])
			compare_subject(w, b, &kept, &w->m.inventory.endpoints[i]);
	}
	pst_bundle_free(&b);
	pst_diags_free(&diags);
}

Test(resolver, edits_lead_to_what_a_compilation_from_scratch_says, .timeout = 600)
{
	srand(SEED);
	for (int round = 0; round < ROUNDS; round++) {
		struct pst_diags *diags = pst_diags_new();
		struct world w = {0};

		begin(&w);
		for (int i = 0; i < EDITS; i++) {
			for (size_t n = 1 + pick(3); n; n--) {
				if (pick(3))
					edit_policy(&w, diags);
				else
					edit_endpoint(&w);
			}
			apply(&w);
			check(&w);
		}
		end(&w);
		pst_diags_free(&diags);
	}
}

Test(resolver, what_goes_leaves_nothing_behind)
{
	struct pst_diags *diags = pst_diags_new();
	struct world w = {0};

	srand(SEED);
	begin(&w);
	for (size_t i = 0; i < POOL; i++)
		cr_assert_eq(pst_resolver_put_policy(w.r, &w.m.set.policies[i], diags), 0);
	apply(&w);
	cr_assert_gt(w.n_table, 0);
	for (size_t i = 0; i < POOL; i += 2)
		cr_assert_eq(pst_resolver_drop_policy(w.r, "default", w.m.set.policies[i].name), 0);
	apply(&w);
	cr_assert_eq(w.n_table, 0);
	end(&w);
	pst_diags_free(&diags);
}

Test(resolver, a_name_that_nobody_has_cannot_go)
{
	struct world w = {0};

	srand(SEED);
	begin(&w);
	cr_assert_eq(pst_resolver_drop_policy(w.r, "default", "nobody"), -ENOENT);
	cr_assert_eq(pst_resolver_drop_endpoint(w.r, "default", "nobody"), -ENOENT);
	cr_assert_eq(pst_resolver_endpoint(w.r, "default", "nobody").identity, 0);
	end(&w);
}

Test(resolver, a_replica_changes_no_entry)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_resolver_delta delta = {0};
	struct pst_endpoint replica;
	struct world w = {0};

	srand(SEED);
	begin(&w);
	for (size_t i = 0; i < POOL; i++)
		cr_assert_eq(pst_resolver_put_policy(w.r, &w.m.set.policies[i], diags), 0);
	cr_assert_eq(pst_resolver_commit(w.r, &delta), 0);
	replica = w.m.inventory.endpoints[2];
	replica.name = "replica";
	cr_assert_eq(pst_resolver_put_endpoint(w.r, &replica), 0);
	cr_assert_eq(pst_resolver_commit(w.r, &delta), 0);
	cr_assert_eq(delta.put.n + delta.gone.n, 0);
	cr_assert_eq(pst_resolver_endpoint(w.r, "default", "replica").identity,
		     pst_resolver_endpoint(w.r, "default", "e2").identity);
	cr_assert_eq(pst_resolver_drop_endpoint(w.r, "default", "replica"), 0);
	cr_assert_eq(pst_resolver_commit(w.r, &delta), 0);
	cr_assert_eq(delta.put.n + delta.gone.n, 0);
	pst_resolver_delta_fini(&delta);
	end(&w);
	pst_diags_free(&diags);
}

static int edit_and_commit(struct world *w, struct pst_diags *diags)
{
	const struct pst_resolve_input input = input_of(w);
	struct pst_resolver_delta delta = {0};
	struct pst_resolver *r = pst_resolver_new(&input);
	int err = r ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < 4; i++)
		err = pst_resolver_put_policy(r, &w->m.set.policies[i], diags);
	if (!err)
		err = pst_resolver_drop_endpoint(r, "default", "e1");
	if (!err)
		err = pst_resolver_commit(r, &delta);
	pst_resolver_delta_fini(&delta);
	pst_resolver_free(&r);
	return err;
}

Test(resolver, every_allocation_may_fail, .timeout = 300)
{
	struct pst_diags *diags = pst_diags_new();
	struct world w = {0};
	bool failed = true;
	long n = 0;

	srand(SEED);
	begin(&w);
	for (; failed; n++) {
		int err;

		pst_mem_fail_after(n);
		err = edit_and_commit(&w, diags);
		failed = pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(err, failed ? -ENOMEM : 0, "allocation %ld", n);
	}
	cr_assert_gt(n, 100);
	end(&w);
	pst_diags_free(&diags);
}
