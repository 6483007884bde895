// SPDX-License-Identifier: Apache-2.0
#include "compiler/diff_cast.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/prefix.h"

enum { FIRST_NAMED_PORT = 40001 };

struct selectors PST_VEC(const struct pst_selector *);

static bool has_two_inventories(const struct pst_diff_query *q)
{
	return q->inventory[PST_DIFF_OLD] != q->inventory[PST_DIFF_NEW];
}

bool pst_diff_cast_has_two(const struct pst_diff_cast *c)
{
	return has_two_inventories(c->q);
}

/* Other pods may be other subjects: then no policy is the same as before. */
static bool has_changed(const struct pst_diff_query *q, int side, size_t policy)
{
	return has_two_inventories(q) || !q->changed[side] || q->changed[side][policy];
}

static int collect_subjects(const struct pst_diff_query *q, bool changed, struct selectors *all)
{
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		for (size_t p = 0; p < q->policies[s]->n_policies; p++) {
			const struct pst_policy *policy = &q->policies[s]->policies[p];

			if (has_changed(q, s, p) != changed)
				continue;
			for (size_t i = 0; i < policy->n_specs; i++) {
				if (pst_vec_push(all, &policy->specs[i].subject))
					return -ENOMEM;
			}
		}
	}
	return 0;
}

/* The pods that each selector asks for by itself: what is left when all combinations are too many.
 */
static int find_one_by_one(struct pst_diff_cast *c, const struct selectors *selectors, size_t n,
			   struct pst_cohorts *cohorts)
{
	int r = 0;

	for (size_t i = 0; !r && i < n && cohorts->n < PST_DIFF_MAX_COHORTS; i++) {
		const struct pst_cohort_query one = {
			.selectors = &selectors->v[i],
			.n = 1,
			.n_among = 1,
			.max = PST_DIFF_MAX_COHORTS,
		};

		r = pst_cohorts_find(&one, c->arena, cohorts);
	}
	return r == -E2BIG ? 0 : r;
}

static int find_cohorts(struct pst_diff_cast *c, const struct selectors *selectors, size_t n_among,
			struct pst_cohorts *cohorts, bool *ret_all)
{
	const struct pst_cohort_query q = {
		.selectors = selectors->v,
		.n = selectors->n,
		.n_among = n_among,
		.max = PST_DIFF_MAX_COHORTS,
	};
	int r = pst_cohorts_find(&q, c->arena, cohorts);

	*ret_all = !r;
	if (r == -E2BIG)
		r = find_one_by_one(c, selectors, n_among ? n_among : selectors->n, cohorts);
	return r;
}

static int add_cohorts(struct pst_diff_cast *c)
{
	struct selectors all = {0};
	struct pst_cohorts cohorts = {0};
	size_t n_changed;
	int r = collect_subjects(c->q, true, &all);

	n_changed = all.n;
	if (!r)
		r = collect_subjects(c->q, false, &all);
	c->all_subjects = true;
	if (!r && n_changed && !c->q->only_inventory)
		r = find_cohorts(c, &all, n_changed, &cohorts, &c->all_subjects);
	for (size_t i = 0; !r && i < cohorts.n; i++)
		r = pst_vec_push(&c->subjects, (struct pst_diff_subject){cohorts.v[i], true});
	pst_vec_free(&all);
	pst_vec_free(&cohorts);
	return r;
}

/* Does a changed policy select LABELS? */
static bool is_selected(const struct pst_diff_query *q, const struct pst_labels *labels)
{
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		for (size_t p = 0; p < q->policies[s]->n_policies; p++) {
			const struct pst_policy *policy = &q->policies[s]->policies[p];

			for (size_t i = 0; has_changed(q, s, p) && i < policy->n_specs; i++) {
				if (pst_selector_matches(&policy->specs[i].subject, labels))
					return true;
			}
		}
	}
	return false;
}

static int cmp_subject(const void *va, const void *vb)
{
	const struct pst_diff_subject *a = va, *b = vb;

	return pst_labels_cmp(&a->labels, &b->labels);
}

/* Sorted, each label set once. */
static void sort_subjects(struct pst_diff_cast *c)
{
	size_t kept = 0;

	if (c->subjects.n)
		qsort(c->subjects.v, c->subjects.n, sizeof(*c->subjects.v), cmp_subject);
	for (size_t i = 0; i < c->subjects.n; i++) {
		struct pst_diff_subject *last = kept ? &c->subjects.v[kept - 1] : NULL;

		if (last && !cmp_subject(last, &c->subjects.v[i]))
			last->is_cohort |= c->subjects.v[i].is_cohort;
		else
			c->subjects.v[kept++] = c->subjects.v[i];
	}
	c->subjects.n = kept;
}

/* Cohorts, and the pods of the inventories. */
static int choose_subjects(struct pst_diff_cast *c)
{
	const int n = has_two_inventories(c->q) ? 2 : 1;
	int r = add_cohorts(c);

	for (int s = 0; s < n; s++) {
		const struct pst_inventory *inv = c->q->inventory[s];

		for (size_t i = 0; !r && i < inv->n_endpoints; i++) {
			const struct pst_labels *labels = &inv->endpoints[i].labels;

			if (n == 2 || is_selected(c->q, labels))
				r = pst_vec_push(&c->subjects,
						 (struct pst_diff_subject){*labels, false});
		}
	}
	sort_subjects(c);
	return r;
}

bool pst_diff_cast_is_subject(const struct pst_diff_cast *c, const struct pst_labels *labels)
{
	const struct pst_diff_subject key = {.labels = *labels};

	return c->n && bsearch(&key, c->subjects.v + c->first, c->n, sizeof(key), cmp_subject);
}

/* Does the policy select one of N subjects? */
static bool selects_one(const struct pst_diff_cast *c, const struct pst_policy *policy,
			size_t first, size_t n)
{
	for (size_t i = 0; i < policy->n_specs; i++) {
		for (size_t k = first; k < first + n; k++) {
			if (pst_selector_matches(&policy->specs[i].subject,
						 &c->subjects.v[k].labels))
				return true;
		}
	}
	return false;
}

/* Those that have a say about a subject of the scene, in the order of the documents. */
static int choose_policies(struct pst_diff_cast *c, int side)
{
	const struct pst_policy_set *from = c->q->policies[side];
	struct pst_policy_set *to = &c->stage[side].policies;

	*to = *from;
	to->n_policies = 0;
	to->policies = pst_arena_calloc(c->arena, from->n_policies, sizeof(*to->policies));
	if (!to->policies)
		return -ENOMEM;
	for (size_t p = 0; p < from->n_policies; p++) {
		if (has_two_inventories(c->q) || selects_one(c, &from->policies[p], c->first, c->n))
			to->policies[to->n_policies++] = from->policies[p];
	}
	return 0;
}

static void count_policies(struct pst_diff_cast *c)
{
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		const struct pst_policy_set *set = c->q->policies[s];

		for (size_t p = 0; p < set->n_policies; p++)
			c->n_policies[s] += has_two_inventories(c->q) ||
					    selects_one(c, &set->policies[p], 0, c->subjects.n);
	}
}

typedef int (*take_rule)(struct pst_diff_cast *c, const struct pst_rule *rule, void *ctx);

/* Calls TAKE with each rule of both sets. */
static int each_rule(struct pst_diff_cast *c,
		     const struct pst_policy_set *const sets[PST_DIFF_SIDES], take_rule take,
		     void *ctx)
{
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		const struct pst_policy_set *set = sets[s];

		for (size_t p = 0; p < set->n_policies; p++) {
			for (size_t i = 0; i < set->policies[p].n_specs; i++) {
				const struct pst_spec *spec = &set->policies[p].specs[i];

				for (size_t k = 0; k < spec->n_rules; k++) {
					if (take(c, pst_rule_as_written(&spec->rules[k]), ctx))
						return -ENOMEM;
				}
			}
		}
	}
	return 0;
}

/* The pods behind the services of all inventories: which of them are meant does not matter here. */
static int take_services(struct pst_diff_cast *c, struct selectors *all)
{
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		const struct pst_inventory *inv = c->q->inventory[s];

		for (size_t i = 0; i < inv->n_services; i++) {
			if (inv->services[i].pods.n_reqs &&
			    pst_vec_push(all, &inv->services[i].pods))
				return -ENOMEM;
		}
	}
	return 0;
}

struct peers {
	struct selectors selectors;
	bool has_services;
};

static int take_peers(struct pst_diff_cast *c, const struct pst_rule *rule, void *ctx)
{
	struct peers *peers = ctx;

	(void)c;
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (pst_vec_push(&peers->selectors, &rule->peers[i]))
			return -ENOMEM;
	}
	peers->has_services |= rule->n_services != 0;
	return 0;
}

static int choose_peers(struct pst_diff_cast *c)
{
	static const struct pst_selector anybody;
	const struct pst_policy_set *const sets[] = {&c->stage[0].policies, &c->stage[1].policies};
	struct peers peers = {0};
	bool all = true;
	int r;

	c->peers.n = 0;
	if (c->q->only_inventory)
		return 0;
	r = each_rule(c, sets, take_peers, &peers);
	if (!r && peers.has_services)
		r = take_services(c, &peers.selectors);
	/* A pod that nobody names, also when not all can be looked at. */
	if (!r)
		r = pst_vec_push(&peers.selectors, &anybody);
	if (!r)
		r = find_cohorts(c, &peers.selectors, 0, &c->peers, &all);
	pst_vec_free(&peers.selectors);
	if (!r && !all && c->n > 1 && !has_two_inventories(c->q))
		return -E2BIG;
	c->all_peers &= all;
	return r;
}

static int take_names(struct pst_diff_cast *c, const struct pst_rule *rule, void *ctx)
{
	(void)ctx;
	for (size_t i = 0; i < rule->n_ports; i++) {
		for (size_t k = 0; k < rule->ports[i].n_ports; k++) {
			const char *name = rule->ports[i].ports[k].name.s;
			size_t at = 0;

			while (name && at < c->port_names.n &&
			       strcmp(c->port_names.v[at].name, name))
				at++;
			if (name && at == c->port_names.n &&
			    pst_vec_push(&c->port_names,
					 (struct pst_diff_port_name){
						 name, (uint16_t)(FIRST_NAMED_PORT + at)}))
				return -ENOMEM;
		}
	}
	return 0;
}

static int collect_prefixes(struct pst_diff_cast *c)
{
	c->told.n = 0;
	for (int i = 0; i < PST_DIFF_SIDES * PST_DIFF_SIDES; i++) {
		const struct pst_prefix *v;
		size_t n;

		/* Each side's services, as the policies of both sides know them. */
		if (pst_prefixes_collect(&c->stage[i / 2].policies, c->q->inventory[i % 2],
					 c->arena, &v, &n))
			return -ENOMEM;
		for (size_t k = 0; k < n; k++) {
			if (pst_vec_push(&c->told, v[k]))
				return -ENOMEM;
		}
	}
	pst_prefix_list_sort(&c->told);
	return 0;
}

int pst_diff_cast_init(struct pst_diff_cast *c, const struct pst_diff_query *q,
		       struct pst_arena *arena)
{
	int r;

	c->q = q;
	c->arena = arena;
	c->all_peers = true;
	r = choose_subjects(c);
	if (!r)
		r = each_rule(c, q->policies, take_names, NULL);
	if (!r)
		count_policies(c);
	return r;
}

int pst_diff_cast_set(struct pst_diff_cast *c, size_t first, size_t n)
{
	int r = 0;

	c->first = first;
	c->n = n;
	c->taken.n = 0;
	c->actors.n = 0;
	for (int s = 0; !r && s < PST_DIFF_SIDES; s++)
		r = choose_policies(c, s);
	if (!r)
		r = choose_peers(c);
	if (!r)
		r = collect_prefixes(c);
	for (int s = 0; !r && s < PST_DIFF_SIDES; s++)
		r = pst_diff_stage_set(c, s);
	return r;
}

void pst_diff_cast_fini(struct pst_diff_cast *c)
{
	pst_vec_free(&c->actors);
	pst_vec_free(&c->port_names);
	pst_vec_free(&c->subjects);
	pst_vec_free(&c->peers);
	pst_vec_free(&c->told);
	pst_vec_free(&c->taken);
}
