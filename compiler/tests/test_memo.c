// SPDX-License-Identifier: Apache-2.0
/*
 * Compilations with a memo against compilations without: whatever has changed between them, the
 * bundles are the same byte for byte, and so is what is said about them.
 */
#include "compiler/compile.h"
#include "compiler/tests/random_model.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEED = 40111,
	ROUNDS = 40,
	EDITS = 30,
	POOL = 8, /* policies; two of each name */
	MAX_IN_FORCE = POOL + 1,
	CROWD = 150, /* pods of a crowd, most of them with labels of their own */
	LABELS = 400,
};

/* What is in force, in order. */
struct world {
	struct model m; /* the pool */
	struct pst_policy policies[MAX_IN_FORCE];
	size_t n_policies;
	struct pst_endpoint endpoints[2 * CROWD];
	size_t n_endpoints;
	struct pst_automaton_limits limits;
	struct pst_memo *memo;
	size_t n_rows, n_resolved; /* of all compilations */
	bool is_crowd;
	const char *host; /* an address of the own node, or NULL */
};

/* A compilation as bytes. */
struct outcome {
	int r;
	char *bundle, *said;
	size_t bundle_len, said_len;
	size_t n_identities;
};

static size_t pick(size_t n)
{
	return (size_t)rand() % n;
}

static void begin(struct world *w)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	int n_http = 0;

	random_cluster(&w->m);
	for (size_t i = 0; i < POOL; i++) {
		random_policy(&w->m, names[i / 2], &n_http);
		w->m.set.policies[i].audit = !pick(4);
	}
	w->n_endpoints = w->m.inventory.n_endpoints;
	memcpy(w->endpoints, w->m.inventory.endpoints, w->n_endpoints * sizeof(*w->endpoints));
	w->limits = pst_automaton_default_limits;
	w->memo = pst_memo_new();
	cr_assert_not_null(w->memo);
}

/* Labels of a pod in a crowd. */
static struct pst_labels draw_labels(struct world *w)
{
	return model_labels(&w->m, pst_arena_printf(w->m.arena, "k8s:a=%zu k8s:b=%zu k8s:c=n%zu",
						    pick(8) ? 3 : pick(2), pick(8) ? 3 : pick(2),
						    pick(LABELS)));
}

/* A pod of the cluster with other labels and an address of its own. */
static struct pst_endpoint draw_endpoint(struct world *w)
{
	struct pst_endpoint e = w->m.inventory.endpoints[pick(w->m.inventory.n_endpoints)];

	e.labels = draw_labels(w);
	e.addrs = pst_arena_calloc(w->m.arena, 1, sizeof(*e.addrs));
	cr_assert_not_null(e.addrs);
	cr_assert_eq(pst_addr_from_str(
			     pst_arena_printf(w->m.arena, "10.9.%zu.%zu", pick(256), pick(256)),
			     &e.addrs[0]),
		     0);
	return e;
}

static void fill_crowd(struct world *w)
{
	w->is_crowd = true;
	while (w->n_endpoints < CROWD - EDITS)
		w->endpoints[w->n_endpoints++] = draw_endpoint(w);
}

static void end(struct world *w)
{
	pst_memo_free(&w->memo);
	model_fini(&w->m);
}

/* FAIL: which allocation fails; negative: none. */
static struct outcome compile(struct world *w, struct pst_memo *memo, long fail)
{
	struct pst_policy_set set = {.policies = w->policies, .n_policies = w->n_policies};
	struct pst_compile_opts opts = {.limits = &w->limits, .memo = memo};
	struct pst_addr host;
	struct pst_inventory inv = w->m.inventory;
	struct pst_diags *diags = pst_diags_new();
	struct pst_bundle *b = NULL;
	struct outcome o = {0};
	FILE *f;

	if (w->host) {
		cr_assert_eq(pst_addr_from_str(w->host, &host), 0);
		opts.host_addrs = &host;
		opts.n_host_addrs = 1;
	}
	inv.endpoints = w->endpoints;
	inv.n_endpoints = w->n_endpoints;
	pst_mem_fail_after(fail);
	o.r = pst_compile(&set, &inv, &opts, diags, &b);
	pst_mem_fail_after(-1);
	f = open_memstream(&o.said, &o.said_len);
	pst_diags_print(diags, f);
	fclose(f);
	f = open_memstream(&o.bundle, &o.bundle_len);
	if (b) {
		cr_assert_eq(pst_bundle_write(b, f), 0);
		o.n_identities = b->n_identities;
	}
	fclose(f);
	pst_bundle_free(&b);
	pst_diags_free(&diags);
	return o;
}

static void outcome_fini(struct outcome *o)
{
	free(o->bundle);
	free(o->said);
}

static void check(struct world *w)
{
	struct outcome whole = compile(w, NULL, -1), part = compile(w, w->memo, -1);

	cr_assert_eq(whole.r, 0);
	cr_assert_eq(part.r, 0);
	cr_assert_eq(whole.bundle_len, part.bundle_len);
	cr_assert(!memcmp(whole.bundle, part.bundle, whole.bundle_len));
	cr_assert_str_eq(whole.said, part.said);
	w->n_rows += 2 * whole.n_identities;
	w->n_resolved += pst_memo_n_resolved(w->memo);
	outcome_fini(&whole);
	outcome_fini(&part);
}

/* Edits. */

static void drop_policy(struct world *w)
{
	size_t at;

	if (!w->n_policies)
		return;
	at = pick(w->n_policies);
	memmove(&w->policies[at], &w->policies[at + 1],
		(--w->n_policies - at) * sizeof(*w->policies));
}

/* Some stand there twice: the last good version that two files lack. */
static void put_policy(struct world *w)
{
	const size_t at = pick(w->n_policies + 1);

	if (w->n_policies == MAX_IN_FORCE)
		return;
	memmove(&w->policies[at + 1], &w->policies[at],
		(w->n_policies++ - at) * sizeof(*w->policies));
	w->policies[at] = w->m.set.policies[pick(POOL)];
}

static void swap_policies(struct world *w)
{
	const size_t a = pick(w->n_policies + !w->n_policies),
		     b = pick(w->n_policies + !w->n_policies);
	const struct pst_policy kept = w->policies[a];

	w->policies[a] = w->policies[b];
	w->policies[b] = kept;
}

static void drop_endpoint(struct world *w)
{
	const size_t at = pick(w->n_endpoints);

	if (w->n_endpoints > 1)
		w->endpoints[at] = w->endpoints[--w->n_endpoints];
}

static void put_endpoint(struct world *w)
{
	if (w->is_crowd && w->n_endpoints < CROWD)
		w->endpoints[w->n_endpoints++] = draw_endpoint(w);
	else if (w->n_endpoints < w->m.inventory.n_endpoints)
		w->endpoints[w->n_endpoints++] =
			w->m.inventory.endpoints[pick(w->m.inventory.n_endpoints)];
}

/* It or its namespace has other labels: perhaps such as others have. */
static void relabel_endpoint(struct world *w)
{
	struct pst_endpoint *e = &w->endpoints[pick(w->n_endpoints)];

	if (w->is_crowd)
		e->labels = draw_labels(w);
	else if (pick(3))
		e->labels = w->m.inventory.endpoints[pick(w->m.inventory.n_endpoints)].labels;
	else
		e->labels = model_labels(&w->m, "k8s:a=1 k8s:b=1 k8s:c=new");
	e->proxied = !pick(4);
}

static void change_service(struct world *w)
{
	struct pst_inventory *inv = &w->m.inventory;
	struct pst_service *s = inv->n_services ? &inv->services[pick(inv->n_services)] : NULL;
	struct pst_cidr_group *g =
		inv->n_cidr_groups ? &inv->cidr_groups[pick(inv->n_cidr_groups)] : NULL;

	if (s && s->n_addrs && pick(2))
		s->addrs[0].b[15] ^= 1;
	else if (g && g->n_prefixes && g->prefixes[0].len >= 96 + 8)
		g->prefixes[0].addr[12] ^= 1;
}

static void change_limits(struct world *w)
{
	w->limits.max_states = pick(2) ? pst_automaton_default_limits.max_states : 3;
}

static void edit(struct world *w)
{
	static void (*const edits[])(struct world * w) = {
		put_policy,	  put_policy,	  put_policy,	 drop_policy,
		drop_policy,	  swap_policies,  put_endpoint,	 drop_endpoint,
		relabel_endpoint, change_service, change_limits,
	};

	edits[pick(sizeof(edits) / sizeof(*edits))](w);
}

/* Of several worlds: how many rows there were, and how many of them were resolved anew. */
struct use {
	size_t n_rows, n_resolved;
};

static void add_use(struct use *u, const struct world *w)
{
	u->n_rows += w->n_rows;
	u->n_resolved += w->n_resolved;
}

static void expect_use(const struct use *u)
{
	cr_assert_gt(u->n_resolved, 0);
	cr_assert_lt(u->n_resolved, u->n_rows / 4, "the memo is of use");
}

Test(memo, what_changes_between_two_compilations_changes_the_same_with_a_memo, .timeout = 120)
{
	struct use all = {0};

	srand(SEED);
	for (int i = 0; i < ROUNDS; i++) {
		struct world w = {0};

		begin(&w);
		for (int k = 0; k < EDITS; k++) {
			edit(&w);
			if (pick(2))
				edit(&w);
			check(&w);
		}
		add_use(&all, &w);
		end(&w);
	}
	expect_use(&all);
}

/* Pods come, go and change their labels: numbers shift across the words of sets. */
static void edit_crowd(struct world *w)
{
	static void (*const edits[])(struct world * w) = {put_endpoint, drop_endpoint,
							  relabel_endpoint};

	for (size_t n = pick(4); n; n--)
		edits[pick(3)](w);
	if (!pick(6))
		edit(w);
}

Test(memo, pods_that_come_and_go_change_the_same_with_a_memo_in_a_crowd, .timeout = 120)
{
	struct use all = {0};

	srand(SEED + 1);
	for (int i = 0; i < ROUNDS / 2; i++) {
		struct world w = {0};

		begin(&w);
		fill_crowd(&w);
		for (int k = 0; k < 3; k++)
			put_policy(&w);
		check(&w);
		w.n_rows = w.n_resolved = 0;
		for (int k = 0; k < EDITS; k++) {
			edit_crowd(&w);
			check(&w);
		}
		add_use(&all, &w);
		end(&w);
	}
	expect_use(&all);
}

/* A cluster of pods alone, and room for the policies of the model. */
static void begin_plain(struct world *w)
{
	model_init(&w->m);
	w->limits = pst_automaton_default_limits;
	w->memo = pst_memo_new();
	cr_assert_not_null(w->memo);
}

static void put_pod(struct world *w, const char *labels)
{
	const size_t n = w->n_endpoints;
	struct pst_endpoint *e = &w->endpoints[w->n_endpoints++];
	struct pst_addr *addr = pst_arena_calloc(w->m.arena, 1, sizeof(*addr));

	cr_assert_leq(w->n_endpoints, 2 * CROWD);
	cr_assert_not_null(addr);
	cr_assert_eq(
		pst_addr_from_str(
			pst_arena_printf(w->m.arena, "10.9.%zu.%zu", n / 250, n % 250 + 1), addr),
		0);
	*e = (struct pst_endpoint){
		.name = pst_arena_printf(w->m.arena, "pod-%zu", n),
		.ns = "default",
		.labels = model_labels(&w->m, labels),
		.addrs = addr,
		.n_addrs = 1,
	};
}

static void put_policies(struct world *w)
{
	w->n_policies = w->m.set.n_policies;
	memcpy(w->policies, w->m.set.policies, w->n_policies * sizeof(*w->policies));
}

/* Nobody but those whom neither rule means stands between the peers of two rules, until one comes.
 */
Test(memo, rule_sets_have_the_same_order_wherever_a_new_peer_stands)
{
	struct world w = {0};
	struct pst_spec *spec;

	begin_plain(&w);
	spec = model_policy(&w.m, "p", "k8s:s=1");
	for (int i = 0; i < 2; i++) {
		struct pst_rule *rule = model_rule(&w.m, spec, PST_DIRECTION_INGRESS, false);

		model_peer(&w.m, rule, i ? "k8s:b=1" : "k8s:a=1");
		model_http(&w.m, model_port(&w.m, rule, PST_PROTOCOL_TCP, 80, 0), "GET",
			   i ? "/b" : "/a", NULL);
	}
	put_policies(&w);
	for (int i = 0; i < 3 * 64 - 2; i++) /* the own node and the world are there, too */
		put_pod(&w, pst_arena_printf(w.m.arena, "k8s:0=n%03d%s", i, i ? "" : " k8s:s=1"));
	for (int i = 0; i < 72; i++)
		put_pod(&w,
			pst_arena_printf(w.m.arena, "k8s:1=n%03d k8s:%s=1", i, i % 2 ? "a" : "b"));
	check(&w);
	put_pod(&w, "k8s:1=n020x");
	check(&w);
	cr_assert_eq(pst_memo_n_resolved(w.memo), 2); /* those of the new one */
	w.n_endpoints--;
	check(&w);
	cr_assert_eq(pst_memo_n_resolved(w.memo), 0);
	end(&w);
}

/* One rule means all alike, but what its port is called means something for the new one alone. */
Test(memo, a_peer_with_a_named_port_is_answered_by_itself)
{
	struct world w = {0};
	struct pst_named_port http = {.name = "http", .port = 8080, .protocol = PST_PROTOCOL_TCP};
	struct pst_spec *spec;
	struct pst_rule *rule;

	begin_plain(&w);
	spec = model_policy(&w.m, "p", "k8s:s=1");
	rule = model_rule(&w.m, spec, PST_DIRECTION_EGRESS, false);
	model_port(&w.m, rule, PST_PROTOCOL_TCP, 0, 0)->ports[0].name =
		(struct pst_text){.s = "http", .len = 4};
	put_policies(&w);
	put_pod(&w, "k8s:s=1");
	for (int i = 0; i < 9; i++)
		put_pod(&w, pst_arena_printf(w.m.arena, "k8s:c=n%d", i));
	check(&w);
	put_pod(&w, "k8s:c=x");
	w.endpoints[w.n_endpoints - 1].ports = &http;
	w.endpoints[w.n_endpoints - 1].n_ports = 1;
	check(&w);
	w.n_endpoints--;
	check(&w);
	end(&w);
}

/* Whoever goes, PST_ID_ANY stands for those who save most: from one step to the next others. */
Test(memo, peers_that_go_one_by_one_leave_the_choice_of_any_as_it_would_be)
{
	struct world w = {0};
	struct pst_spec *spec;
	struct pst_rule *rule;

	begin_plain(&w);
	spec = model_policy(&w.m, "p", "k8s:s=1");
	rule = model_rule(&w.m, spec, PST_DIRECTION_INGRESS, false);
	model_peer(&w.m, rule, "k8s:a=1");
	model_port(&w.m, rule, PST_PROTOCOL_TCP, 80, 0);
	put_policies(&w);
	put_pod(&w, "k8s:s=1");
	for (int i = 0; i < 6; i++)
		put_pod(&w, pst_arena_printf(w.m.arena, "k8s:b=n%d", i));
	for (int i = 0; i < 18; i++)
		put_pod(&w, pst_arena_printf(w.m.arena, "k8s:a=1 k8s:c=n%d", i));
	check(&w);
	for (int i = 0; i < 18; i++) {
		w.n_endpoints--;
		check(&w);
	}
	for (int i = 0; i < 18; i++) {
		put_pod(&w, pst_arena_printf(w.m.arena, "k8s:a=1 k8s:c=n%d", i));
		check(&w);
	}
	end(&w);
}

/* The labels of the own node say that it is the API server: all is resolved. */
Test(memo, the_own_node_with_other_labels_is_somebody_else)
{
	struct world w = {0};
	struct pst_rule *rule;

	begin_plain(&w);
	rule = model_rule(&w.m, model_policy(&w.m, "p", "k8s:s=1"), PST_DIRECTION_INGRESS, true);
	model_peer(&w.m, rule, "reserved:kube-apiserver");
	put_policies(&w);
	put_pod(&w, "k8s:s=1");
	model_service(&w.m, "kubernetes", "", "10.9.9.1");
	w.host = "10.9.9.1";
	check(&w);
	w.host = "10.9.9.2";
	check(&w);
	cr_assert_eq(pst_memo_n_resolved(w.memo), 2);
	end(&w);
}

/* Rows without rules have no signatures: nothing may be added to the place of none. */
Test(memo, default_deny_without_rules_is_kept_as_well)
{
	struct world w = {0};

	begin_plain(&w);
	model_policy(&w.m, "p", "k8s:s=1")->default_deny[PST_DIRECTION_INGRESS] = true;
	put_policies(&w);
	put_pod(&w, "k8s:s=1");
	check(&w);
	put_pod(&w, "k8s:c=1");
	check(&w);
	cr_assert_eq(pst_memo_n_resolved(w.memo), 2); /* those of the new one */
	end(&w);
}

Test(memo, nothing_changed_resolves_nothing)
{
	struct world w = {0};

	srand(SEED);
	begin(&w);
	for (size_t i = 0; i < POOL; i += 2)
		w.policies[w.n_policies++] = w.m.set.policies[i];
	check(&w);
	cr_assert_gt(pst_memo_n_resolved(w.memo), 0);
	check(&w);
	cr_assert_eq(pst_memo_n_resolved(w.memo), 0);
	end(&w);
}

Test(memo, a_compilation_that_fails_leaves_nothing_behind, .timeout = 120)
{
	struct world w = {0};
	bool failed = true;

	srand(SEED);
	begin(&w);
	for (int i = 0; i < 4; i++)
		put_policy(&w);
	check(&w);
	for (long n = 0; failed; n += 1 + n / 40) {
		struct outcome o;

		edit(&w);
		w.limits = pst_automaton_default_limits;
		o = compile(&w, w.memo, n);
		failed = o.r == -ENOMEM;
		outcome_fini(&o);
		check(&w);
	}
	end(&w);
}
