// SPDX-License-Identifier: Apache-2.0
#include "compiler/compile.h"

#include "base/mem.h"
#include "compiler/catalog.h"
#include "compiler/dangling.h"
#include "compiler/header.h"
#include "compiler/memo.h"
#include "compiler/pack.h"
#include "compiler/resolve.h"
#include "compiler/ruleset.h"

#include <errno.h>
#include <string.h>

struct compiler {
	struct pst_bundle *b;
	struct pst_catalog catalog;
	struct pst_packer packer;
	struct pst_ruleset_table table;
};

/* The names are disjoint, so the tags, numbers here, are never joined. */
static int pack_names(struct compiler *c, struct pst_diags *diags)
{
	struct pst_automaton *a = NULL;
	struct pst_packed packed;
	struct pst_pack_full full;
	int r = pst_larder_build(c->table.larder, pst_header_names, pst_n_header_names,
				 &pst_automaton_default_limits, diags, &a);

	if (!r)
		r = pst_packer_add(&c->packer, a, &packed, &full);
	pst_automaton_free(&a);
	if (r)
		return r;
	c->b->name_start = packed.start;
	c->b->name_classes = packed.classes;
	c->table.names = packed;
	return 0;
}

static int seal(struct compiler *c)
{
	struct pst_bundle *b = c->b;
	size_t n = c->table.sets.n;

	b->rules = c->catalog.rules;
	b->n_rules = c->catalog.n_rules;
	b->rulesets = pst_arena_calloc(b->arena, n, sizeof(*b->rulesets));
	if (!b->rulesets)
		return -ENOMEM;
	if (n)
		memcpy(b->rulesets, c->table.sets.v, n * sizeof(*b->rulesets));
	b->n_rulesets = n;
	return pst_packer_seal(&c->packer, b);
}

static int compile(struct compiler *c, const struct pst_resolve_input *in,
		   const struct pst_automaton_limits *limits, struct pst_diags *diags)
{
	struct pst_ruleset_table borrowed = {
		.catalog = &c->catalog,
		.limits = limits,
		.packer = &c->packer,
		.larder = in->memo ? &in->memo->larder : NULL,
		.arena = c->b->arena,
		.diags = diags,
	};
	int r;

	pst_ruleset_table_init(&c->table, &borrowed);
	/* Before the rule sets: whatever they need, the recogniser's own table is always there. */
	r = pack_names(c, diags);
	if (!r)
		r = pst_catalog_build(in->policies, in->inventory, c->b->arena, diags, &c->catalog);
	if (!r)
		pst_dangling_report(in->policies, in->inventory, diags);
	if (!r)
		r = pst_resolve(in, &c->table, diags, c->b);
	if (!r)
		r = seal(c);
	pst_ruleset_table_fini(&c->table);
	return r;
}

static struct pst_bundle *bundle_new(void)
{
	struct pst_arena *arena = pst_arena_new();
	struct pst_bundle *b = arena ? pst_arena_alloc(arena, sizeof(*b)) : NULL;

	if (!b) {
		pst_arena_free(&arena);
		return NULL;
	}
	b->arena = arena;
	return b;
}

int pst_compile(const struct pst_policy_set *policies, const struct pst_inventory *inventory,
		const struct pst_compile_opts *opts, struct pst_diags *diags,
		struct pst_bundle **ret_bundle)
{
	static const struct pst_compile_opts none;
	const struct pst_compile_opts *o = opts ? opts : &none;
	struct compiler c = {.b = bundle_new()};
	struct pst_resolve_input in = {
		.catalog = &c.catalog,
		.policies = policies,
		.also = o->also,
		.inventory = inventory,
		.host_addrs = o->host_addrs,
		.n_host_addrs = o->n_host_addrs,
		.memo = o->memo,
	};
	int r = c.b ? pst_packer_init(&c.packer) : -ENOMEM;

	if (!r)
		r = compile(&c, &in, o->limits ? o->limits : &pst_automaton_default_limits, diags);
	pst_packer_fini(&c.packer);
	if (r) {
		if (o->memo)
			pst_memo_clear(o->memo);
		pst_bundle_free(&c.b);
		return r;
	}
	*ret_bundle = c.b;
	return 0;
}

int pst_compile_check(const struct pst_policy *policy, struct pst_diags *diags)
{
	const struct pst_policy_set set = {
		.policies = (struct pst_policy *)policy,
		.n_policies = 1,
	};
	struct pst_arena *arena = pst_arena_new();
	struct pst_catalog catalog;
	int r = arena ? pst_catalog_build(&set, NULL, arena, diags, &catalog) : -ENOMEM;

	pst_arena_free(&arena);
	return r;
}
