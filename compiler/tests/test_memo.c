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
};

/* What is in force, in order. */
struct world {
	struct model m; /* the pool */
	struct pst_policy policies[MAX_IN_FORCE];
	size_t n_policies;
	struct pst_endpoint endpoints[MODEL_ENDPOINTS];
	size_t n_endpoints;
	struct pst_automaton_limits limits;
	struct pst_memo *memo;
	size_t n_rows, n_resolved; /* of all compilations */
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

static void end(struct world *w)
{
	pst_memo_free(&w->memo);
	model_fini(&w->m);
}

/* FAIL: which allocation fails; negative: none. */
static struct outcome compile(struct world *w, struct pst_memo *memo, long fail)
{
	struct pst_policy_set set = {.policies = w->policies, .n_policies = w->n_policies};
	const struct pst_compile_opts opts = {.limits = &w->limits, .memo = memo};
	struct pst_inventory inv = w->m.inventory;
	struct pst_diags *diags = pst_diags_new();
	struct pst_bundle *b = NULL;
	struct outcome o = {0};
	FILE *f;

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
	if (w->n_endpoints < w->m.inventory.n_endpoints)
		w->endpoints[w->n_endpoints++] =
			w->m.inventory.endpoints[pick(w->m.inventory.n_endpoints)];
}

/* It or its namespace has other labels: perhaps such as others have. */
static void relabel_endpoint(struct world *w)
{
	struct pst_endpoint *e = &w->endpoints[pick(w->n_endpoints)];

	if (pick(3))
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

Test(memo, what_changes_between_two_compilations_changes_the_same_with_a_memo, .timeout = 120)
{
	size_t n_rows = 0, n_resolved = 0;

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
		n_rows += w.n_rows;
		n_resolved += w.n_resolved;
		end(&w);
	}
	cr_assert_gt(n_resolved, 0);
	cr_assert_lt(n_resolved, n_rows / 4, "the memo is of use");
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
