// SPDX-License-Identifier: Apache-2.0
#include "proxy/policy.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/compile.h"
#include "policy/policy.h"

#include <errno.h>

static int compile(const struct pst_proxy_sources *s, struct pst_diags *diags,
		   struct pst_bundle **ret_bundle)
{
	struct pst_policy_set *policies = NULL;
	struct pst_inventory *inventory = NULL;
	int r = pst_policy_load(s->policies, s->n_policies, diags, &policies);

	if (!r)
		r = pst_inventory_load(s->inventories, s->n_inventories, diags, &inventory);
	if (!r)
		r = pst_compile(policies, inventory, NULL, diags, ret_bundle);
	pst_inventory_free(&inventory);
	pst_policy_set_free(&policies);
	return r;
}

static int get_bundle(const struct pst_proxy_sources *s, struct pst_diags *diags,
		      struct pst_bundle **ret_bundle)
{
	if (s->bytes)
		return pst_bundle_parse(s->bundle, s->bytes, s->n_bytes, diags, ret_bundle);
	return s->bundle ? pst_bundle_read(s->bundle, diags, ret_bundle)
			 : compile(s, diags, ret_bundle);
}

static int load(const struct pst_proxy_sources *s, struct pst_diags *diags,
		struct pst_ruler **ret_ruler)
{
	struct pst_bundle *bundle = NULL;
	int r = get_bundle(s, diags, &bundle);

	if (!r && pst_diags_errors(diags))
		r = -EINVAL;
	if (!r)
		r = pst_bundle_verify(bundle, diags);
	/* A pattern that nothing can hold is reported, and its rule matches nothing. */
	if (!r)
		r = pst_ruler_new(bundle, diags, ret_ruler);
	if (r)
		pst_bundle_free(&bundle);
	return r;
}

int pst_proxy_policy_load(const struct pst_proxy_sources *sources,
			  const struct pst_proxy_judging *how, struct pst_proxy_policy **ret_policy)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_proxy_policy *p = pst_mem_calloc(1, sizeof(*p));
	int r = diags && p ? load(sources, diags, &p->ruler) : -ENOMEM;

	if (diags)
		pst_diags_print(diags, stderr);
	pst_diags_free(&diags);
	if (r) {
		free(p);
		return r;
	}
	pst_ruler_name_rules(p->ruler, how->name_rules, how->wish);
	p->id = sources->id;
	pst_ruler_set_any_form(p->ruler, how->any_form);
	pst_ruler_set_normal(p->ruler, how->normal);
	p->refs = 1;
	*ret_policy = p;
	return 0;
}

int pst_proxy_policy_twin(struct pst_proxy_policy *of, struct pst_proxy_policy **ret_twin)
{
	struct pst_proxy_policy *p = pst_mem_calloc(1, sizeof(*p));

	if (!p || pst_ruler_twin(of->ruler, &p->ruler)) {
		free(p);
		return -ENOMEM;
	}
	p->of = pst_proxy_policy_ref(of);
	p->id = of->id;
	p->refs = 1;
	*ret_twin = p;
	return 0;
}

struct pst_proxy_policy *pst_proxy_policy_ref(struct pst_proxy_policy *p)
{
	p->refs++;
	return p;
}

void pst_proxy_policy_unref(struct pst_proxy_policy **p)
{
	struct pst_proxy_policy *one = PST_TAKE_PTR(*p), *of;

	while (one && atomic_fetch_sub(&one->refs, 1) == 1) {
		of = one->of;
		pst_ruler_free(&one->ruler);
		free(one);
		one = of;
	}
}

struct pst_l4_result pst_proxy_policy_ask(const struct pst_proxy_policy *p,
					  const struct pst_proxy_question *q)
{
	const struct pst_bundle *b = pst_ruler_bundle(p->ruler);
	const struct pst_l4_query query = {
		.subject = pst_judge_addr(b, q->subject->b),
		.peer = pst_judge_addr(b, q->peer->b).identity,
		.direction = q->direction,
		.protocol = PST_PROTOCOL_TCP,
		.port = q->port,
	};

	return pst_judge_l4(b, &query);
}
