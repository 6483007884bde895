// SPDX-License-Identifier: Apache-2.0
#include "compiler/resolver.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/census.h"
#include "compiler/httpsets.h"
#include "compiler/identity.h"
#include "compiler/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Past this many questions the port maps are forgotten: those of rules that went are among them. */
enum { MAX_MAPS = 1 << 16 };

/* A policy in force. */
struct tenant {
	const struct pst_policy *policy;
	struct pst_arena *arena;
	struct pst_catalog catalog;
	uint32_t base; /* of its numbers */
	uint64_t order;
	uint64_t **peers; /* per rule: whom it means */
};

struct ref {
	const struct tenant *tenant;
	size_t rule; /* of the tenant's catalogue */
};

/* A subject in one direction. */
struct lane {
	struct PST_VEC(struct ref) rules; /* in order */
	size_t n_enforce;		  /* specs that ask for default deny */
	struct pst_row_entries entries;
	uint32_t any; /* the map of PST_ID_ANY, while it is known */
	bool is_any_known, dirty;
};

struct pst_resolver {
	struct pst_census *census;
	struct pst_httpsets *sets;
	struct pst_mapcache *maps;
	struct pst_row_scratch scratch;
	struct PST_VEC(struct pst_row_rule) row;
	struct PST_VEC(struct tenant *) tenants;	      /* sorted by namespace and name */
	struct PST_VEC(const struct pst_bundle_rule *) rules; /* by number */
	struct PST_VEC(struct lane) lanes;		      /* two per slot */
	struct pst_row_entries gone;			      /* of subjects that went */
	uint64_t next_order;
	size_t words; /* room of each set */
};

static struct lane *lane_of(struct pst_resolver *r, size_t slot, int direction)
{
	return &r->lanes.v[2 * slot + (size_t)direction];
}

static bool is_subject(const struct pst_crowd_member *m)
{
	for (size_t i = 0; m->id && i < m->labels->n; i++) {
		if (!strcmp(m->labels->v[i].source, "reserved"))
			return false;
	}
	return m->id;
}

/* Rules of a lane. */

static bool is_before(const struct ref *a, const struct ref *b)
{
	return a->tenant->order != b->tenant->order ? a->tenant->order < b->tenant->order
						    : a->rule < b->rule;
}

static int add_ref(struct lane *lane, const struct ref *ref)
{
	size_t at = lane->rules.n;

	if (pst_vec_push(&lane->rules, *ref))
		return -ENOMEM;
	for (; at && is_before(ref, &lane->rules.v[at - 1]); at--)
		lane->rules.v[at] = lane->rules.v[at - 1];
	lane->rules.v[at] = *ref;
	return 0;
}

static void drop_refs(struct lane *lane, const struct tenant *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < lane->rules.n; i++) {
		if (lane->rules.v[i].tenant != t)
			lane->rules.v[kept++] = lane->rules.v[i];
	}
	lane->rules.n = kept;
}

/* SPEC of T, whose rules begin at FIRST, selects the subject in SLOT. */
static int select_subject(struct pst_resolver *r, const struct tenant *t,
			  const struct pst_spec *spec, size_t first, size_t slot)
{
	for (int d = 0; d < PST_DIRECTION_MAX; d++) {
		struct lane *lane = lane_of(r, slot, d);

		lane->n_enforce += spec->default_deny[d];
		lane->dirty = true;
	}
	for (size_t i = 0; i < spec->n_rules; i++) {
		const struct ref ref = {t, first + i};

		if (add_ref(lane_of(r, slot, spec->rules[i].direction), &ref))
			return -ENOMEM;
	}
	return 0;
}

static void deselect_subject(struct pst_resolver *r, const struct tenant *t,
			     const struct pst_spec *spec, size_t slot)
{
	for (int d = 0; d < PST_DIRECTION_MAX; d++) {
		struct lane *lane = lane_of(r, slot, d);

		lane->n_enforce -= spec->default_deny[d];
		lane->dirty = true;
		drop_refs(lane, t);
	}
}

/* Calls for each subject of T's specs: they come, or they go. */
static int each_subject(struct pst_resolver *r, const struct tenant *t, bool come)
{
	const struct pst_crowd *crowd = pst_census_crowd(r->census);
	pst_auto_free uint64_t *set = pst_mem_calloc(r->words, sizeof(*set));
	size_t first = 0;
	int err = 0;

	if (!set)
		return -ENOMEM;
	for (size_t s = 0; s < t->policy->n_specs; s++) {
		const struct pst_spec *spec = &t->policy->specs[s];

		memset(set, 0, r->words * sizeof(*set));
		pst_crowd_select(crowd, &spec->subject, set);
		for (size_t i = 0; !err && i < crowd->members.n; i++) {
			if (!pst_crowd_has(set, i) || !is_subject(&crowd->members.v[i]))
				continue;
			if (come)
				err = select_subject(r, t, spec, first, i);
			else
				deselect_subject(r, t, spec, i);
		}
		first += spec->n_rules;
	}
	return err;
}

/* The question of a lane; its rules stand in R->row. */
static int ask(struct pst_resolver *r, size_t slot, int direction, struct pst_row_query *ret_q)
{
	const struct lane *lane = lane_of(r, slot, direction);

	r->row.n = 0;
	for (size_t i = 0; i < lane->rules.n; i++) {
		const struct ref *ref = &lane->rules.v[i];
		const struct pst_row_rule rule = {
			.rule = &ref->tenant->catalog.l4[ref->rule],
			.peers = ref->tenant->peers[ref->rule],
		};

		if (pst_vec_push(&r->row, rule))
			return -ENOMEM;
	}
	*ret_q = (struct pst_row_query){
		.crowd = pst_census_crowd(r->census),
		.rules = r->row.v,
		.n_rules = r->row.n,
		.subject = slot,
		.world = pst_census_world(r->census),
		.host = pst_census_host(r->census),
		.direction = (enum pst_direction)direction,
		.enforce = lane->n_enforce,
	};
	return 0;
}

/* Identities that come and go. */

static int grow_set(uint64_t **set, size_t from, size_t to)
{
	uint64_t *more = pst_mem_calloc(to, sizeof(*more));

	if (!more)
		return -ENOMEM;
	if (from)
		memcpy(more, *set, from * sizeof(*more));
	free(*set);
	*set = more;
	return 0;
}

/* Room for all slots, in the lanes and in the sets of all rules. */
static int make_room(struct pst_resolver *r)
{
	const struct pst_crowd *crowd = pst_census_crowd(r->census);
	const size_t words = 2 * crowd->live.n;
	static const struct lane empty;

	while (r->lanes.n < 2 * crowd->members.n) {
		if (pst_vec_push(&r->lanes, empty))
			return -ENOMEM;
	}
	if (crowd->live.n <= r->words)
		return 0;
	for (size_t t = 0; t < r->tenants.n; t++) {
		const struct tenant *tenant = r->tenants.v[t];

		for (size_t i = 0; i < tenant->catalog.n_l4; i++) {
			if (grow_set(&tenant->peers[i], r->words, words))
				return -ENOMEM;
		}
	}
	r->words = words;
	return 0;
}

/* Whether the rules of T mean, and its specs select, the identity in SLOT. */
static int meet(struct pst_resolver *r, const struct tenant *t, uint32_t slot)
{
	const struct pst_crowd *crowd = pst_census_crowd(r->census);
	const struct pst_crowd_member *m = &crowd->members.v[slot];
	size_t first = 0;

	for (size_t i = 0; i < t->catalog.n_l4; i++) {
		const uint64_t bit = UINT64_C(1) << slot % 64;
		uint64_t *word = &t->peers[i][slot / 64];

		*word &= ~bit;
		if (pst_crowd_is_peer(crowd, t->catalog.l4[i].rule, t->policy->ns, slot))
			*word |= bit;
	}
	for (size_t s = 0; s < t->policy->n_specs; s++) {
		const struct pst_spec *spec = &t->policy->specs[s];

		if (is_subject(m) && pst_selector_matches(&spec->subject, m->labels) &&
		    select_subject(r, t, spec, first, slot))
			return -ENOMEM;
		first += spec->n_rules;
	}
	return 0;
}

/* Does the lane give the identity in SLOT what it gives to others without entries? */
static int check_lane(struct pst_resolver *r, size_t subject, int direction, uint32_t slot)
{
	struct lane *lane = lane_of(r, subject, direction);
	struct pst_row_query q;
	uint32_t map = 0;
	int err;

	if (lane->dirty || (!lane->rules.n && !lane->n_enforce))
		return 0;
	if (!lane->is_any_known) {
		lane->dirty = true;
		return 0;
	}
	err = ask(r, subject, direction, &q);
	if (!err)
		err = pst_row_map_of(&q, r->maps, &r->scratch, slot, &map);
	lane->dirty = lane->any != map;
	return err;
}

static int arrive(struct pst_resolver *r, uint32_t slot)
{
	const struct pst_crowd *crowd = pst_census_crowd(r->census);
	int err = make_room(r);

	for (size_t t = 0; !err && t < r->tenants.n; t++)
		err = meet(r, r->tenants.v[t], slot);
	for (size_t i = 0; !err && i < crowd->members.n; i++) {
		if (!is_subject(&crowd->members.v[i]))
			continue;
		err = check_lane(r, i, PST_DIRECTION_INGRESS, slot);
		if (!err)
			err = check_lane(r, i, PST_DIRECTION_EGRESS, slot);
	}
	return err;
}

static bool has_peer(const struct lane *lane, uint32_t id)
{
	size_t low = 0, high = lane->entries.n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (lane->entries.v[mid].key.peer < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < lane->entries.n && lane->entries.v[low].key.peer == id;
}

static int empty_lane(struct pst_resolver *r, struct lane *lane)
{
	for (size_t i = 0; i < lane->entries.n; i++) {
		if (pst_vec_push(&r->gone, lane->entries.v[i]))
			return -ENOMEM;
	}
	lane->entries.n = lane->rules.n = lane->n_enforce = 0;
	lane->is_any_known = lane->dirty = false;
	return 0;
}

static int depart(struct pst_resolver *r, const struct pst_census_change *change)
{
	for (size_t i = 0; i < r->lanes.n; i++) {
		struct lane *lane = &r->lanes.v[i];

		if (i / 2 == change->slot) {
			if (empty_lane(r, lane))
				return -ENOMEM;
		} else if (has_peer(lane, change->id)) {
			lane->dirty = true;
		}
	}
	return 0;
}

/* Follows what the census has found. */
static int follow(struct pst_resolver *r)
{
	size_t n;
	const struct pst_census_change *v = pst_census_changes(r->census, &n);
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		/* One that has gone again by now is gone. */
		if (v[i].gone)
			err = depart(r, &v[i]);
		else if (pst_census_crowd(r->census)->members.v[v[i].slot].id == v[i].id)
			err = arrive(r, v[i].slot);
	}
	return err ? err : pst_census_settle(r->census);
}

/* Policies. */

static int cmp_tenant(const struct tenant *t, const char *ns, const char *name)
{
	int c = strcmp(t->policy->ns, ns);

	return c ? c : strcmp(t->policy->name, name);
}

static size_t find_tenant(const struct pst_resolver *r, const char *ns, const char *name)
{
	size_t low = 0, high = r->tenants.n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (cmp_tenant(r->tenants.v[mid], ns, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void tenant_free(struct tenant *t)
{
	for (size_t i = 0; t->peers && i < t->catalog.n_l4; i++)
		free(t->peers[i]);
	free(t->peers);
	pst_arena_free(&t->arena);
	free(t);
}

/* Numbers of the catalogue become numbers of the resolver. */
static int number_rules(struct pst_resolver *r, struct tenant *t)
{
	t->base = (uint32_t)r->rules.n;
	for (size_t i = 0; i < t->catalog.n_l4; i++) {
		struct pst_catalog_rule *l4 = &t->catalog.l4[i];
		uint32_t *first = (uint32_t *)l4->first_http; /* in our arena */

		l4->index += t->base;
		for (size_t k = 0; k < l4->rule->n_ports; k++)
			first[k] += t->base;
	}
	for (size_t i = 0; i < t->catalog.n_rules; i++) {
		if (pst_vec_push(&r->rules, &t->catalog.rules[i]) ||
		    pst_httpsets_use(r->sets, t->base + (uint32_t)i, t->catalog.http[i]))
			return -ENOMEM;
	}
	return 0;
}

static int find_peers(struct pst_resolver *r, struct tenant *t)
{
	t->peers = pst_mem_calloc(t->catalog.n_l4, sizeof(*t->peers));
	if (!t->peers)
		return -ENOMEM;
	for (size_t i = 0; i < t->catalog.n_l4; i++) {
		if (grow_set(&t->peers[i], 0, r->words))
			return -ENOMEM;
		if (pst_crowd_find_peers(pst_census_crowd(r->census), t->catalog.l4[i].rule,
					 t->policy->ns, t->peers[i]))
			return -ENOMEM;
	}
	return 0;
}

static int move_in(struct pst_resolver *r, struct tenant *t, size_t at, struct pst_diags *diags)
{
	const struct pst_policy_set set = {
		.policies = (struct pst_policy *)t->policy,
		.n_policies = 1,
	};
	int err = pst_catalog_build(&set, pst_census_crowd(r->census)->inventory, t->arena, diags,
				    &t->catalog);

	if (!err)
		err = number_rules(r, t);
	if (!err)
		err = find_peers(r, t);
	if (!err)
		err = pst_vec_push(&r->tenants, t);
	if (err)
		return err;
	memmove(&r->tenants.v[at + 1], &r->tenants.v[at],
		(r->tenants.n - 1 - at) * sizeof(*r->tenants.v));
	r->tenants.v[at] = t;
	return each_subject(r, t, true);
}

static int move_out(struct pst_resolver *r, size_t at)
{
	struct tenant *t = r->tenants.v[at];
	int err = each_subject(r, t, false);

	r->tenants.n--;
	memmove(&r->tenants.v[at], &r->tenants.v[at + 1],
		(r->tenants.n - at) * sizeof(*r->tenants.v));
	for (size_t i = 0; i < t->catalog.n_rules; i++)
		r->rules.v[t->base + i] = NULL;
	if (!err)
		err = pst_census_forget(r->census, t->policy);
	tenant_free(t);
	return err ? err : follow(r);
}

int pst_resolver_put_policy(struct pst_resolver *r, const struct pst_policy *policy,
			    struct pst_diags *diags)
{
	const size_t at = find_tenant(r, policy->ns, policy->name);
	struct tenant *t = pst_mem_calloc(1, sizeof(*t));
	int err = t ? 0 : -ENOMEM;

	if (err)
		return err;
	t->policy = policy;
	t->arena = pst_arena_new();
	t->order = r->next_order++;
	if (!t->arena)
		err = -ENOMEM;
	/* What it tells apart stays told apart when it takes the place of one like it. */
	if (!err)
		err = pst_census_note(r->census, policy);
	if (!err)
		err = follow(r);
	if (!err && at < r->tenants.n && !cmp_tenant(r->tenants.v[at], policy->ns, policy->name)) {
		t->order = r->tenants.v[at]->order;
		err = move_out(r, at);
	}
	if (!err)
		err = move_in(r, t, at, diags);
	if (err && (at >= r->tenants.n || r->tenants.v[at] != t))
		tenant_free(t);
	return err;
}

int pst_resolver_drop_policy(struct pst_resolver *r, const char *ns, const char *name)
{
	const size_t at = find_tenant(r, ns, name);

	if (at == r->tenants.n || cmp_tenant(r->tenants.v[at], ns, name))
		return -ENOENT;
	return move_out(r, at);
}

int pst_resolver_put_endpoint(struct pst_resolver *r, const struct pst_endpoint *endpoint)
{
	int err = pst_census_put(r->census, endpoint);

	return err ? err : follow(r);
}

int pst_resolver_drop_endpoint(struct pst_resolver *r, const char *ns, const char *name)
{
	int err = pst_census_drop(r->census, ns, name);

	return err ? err : follow(r);
}

/* What has changed. */

static bool same_value(const struct pst_policy_value *a, const struct pst_policy_value *b)
{
	return a->verdict == b->verdict && a->deny_rule == b->deny_rule &&
	       a->ruleset == b->ruleset && a->rule == b->rule;
}

static int compare(const struct pst_row_entries *old, const struct pst_row_entries *now,
		   struct pst_resolver_delta *delta)
{
	size_t i = 0, k = 0;
	int err = 0;

	while (!err && (i < old->n || k < now->n)) {
		int order = i == old->n ? 1 : -1;

		if (i < old->n && k < now->n)
			order = pst_bundle_entry_cmp(&old->v[i], &now->v[k]);
		if (order < 0)
			err = pst_vec_push(&delta->gone, old->v[i].key);
		else if (order > 0 || !same_value(&old->v[i].value, &now->v[k].value))
			err = pst_vec_push(&delta->put, now->v[k]);
		i += order <= 0;
		k += order >= 0;
	}
	return err;
}

static int resolve_lane(struct pst_resolver *r, size_t slot, int direction,
			struct pst_resolver_delta *delta)
{
	struct lane *lane = lane_of(r, slot, direction);
	struct pst_row_entries now = {0};
	struct pst_row_query q;
	int err = ask(r, slot, direction, &q);

	if (!err)
		err = pst_row_resolve(&q, r->maps, &r->scratch, &now);
	if (!err)
		err = compare(&lane->entries, &now, delta);
	if (err) {
		pst_vec_free(&now);
		return err;
	}
	pst_vec_free(&lane->entries);
	lane->entries = now;
	lane->any = r->scratch.any;
	lane->is_any_known = q.n_rules || q.enforce;
	lane->dirty = false;
	return 0;
}

/* Maps of rules that went are never asked for again. */
static void tidy_maps(struct pst_resolver *r)
{
	if (pst_mapcache_count(r->maps) < MAX_MAPS)
		return;
	pst_mapcache_clear(r->maps);
	for (size_t i = 0; i < r->lanes.n; i++)
		r->lanes.v[i].is_any_known = false;
}

int pst_resolver_commit(struct pst_resolver *r, struct pst_resolver_delta *ret_delta)
{
	int err = 0;

	ret_delta->put.n = ret_delta->gone.n = 0;
	tidy_maps(r);
	for (size_t i = 0; !err && i < r->gone.n; i++)
		err = pst_vec_push(&ret_delta->gone, r->gone.v[i].key);
	r->gone.n = 0;
	for (size_t i = 0; !err && i < r->lanes.n; i++) {
		if (r->lanes.v[i].dirty)
			err = resolve_lane(r, i / 2, (int)(i % 2), ret_delta);
	}
	return err;
}

void pst_resolver_delta_fini(struct pst_resolver_delta *delta)
{
	pst_vec_free(&delta->put);
	pst_vec_free(&delta->gone);
}

/* The whole. */

struct pst_resolver *pst_resolver_new(const struct pst_resolve_input *input)
{
	struct pst_resolver *r = pst_mem_calloc(1, sizeof(*r));
	struct pst_http_sets sets;

	if (!r)
		return NULL;
	r->census = pst_census_new(input);
	r->sets = pst_httpsets_new();
	if (r->sets) {
		sets = pst_httpsets_as_sets(r->sets);
		r->maps = pst_mapcache_new(&sets);
	}
	if (!r->census || !r->maps || follow(r))
		pst_resolver_free(&r);
	return r;
}

void pst_resolver_free(struct pst_resolver **r)
{
	struct pst_resolver *x = *r;

	if (!x)
		return;
	for (size_t i = 0; i < x->tenants.n; i++)
		tenant_free(x->tenants.v[i]);
	for (size_t i = 0; i < x->lanes.n; i++) {
		pst_vec_free(&x->lanes.v[i].rules);
		pst_vec_free(&x->lanes.v[i].entries);
	}
	pst_census_free(&x->census);
	pst_httpsets_free(&x->sets);
	pst_mapcache_free(&x->maps);
	pst_row_scratch_fini(&x->scratch);
	pst_vec_free(&x->row);
	pst_vec_free(&x->tenants);
	pst_vec_free(&x->rules);
	pst_vec_free(&x->lanes);
	pst_vec_free(&x->gone);
	free(x);
	*r = NULL;
}

struct pst_addr_value pst_resolver_endpoint(const struct pst_resolver *r, const char *ns,
					    const char *name)
{
	static const uint32_t flags[PST_DIRECTION_MAX] = {PST_ADDR_ENFORCE_INGRESS,
							  PST_ADDR_ENFORCE_EGRESS};
	struct pst_addr_value v = {0};
	const struct pst_crowd_member *m;
	uint32_t slot;

	if (pst_census_find(r->census, ns, name, &slot))
		return v;
	m = &pst_census_crowd(r->census)->members.v[slot];
	v.identity = m->id;
	if (m->id == PST_ID_HOST)
		v.flags |= PST_ADDR_HOST;
	if (!is_subject(m))
		return v;
	v.flags |= PST_ADDR_ENDPOINT;
	for (size_t d = 0; d < PST_DIRECTION_MAX; d++) {
		const struct lane *lane = &r->lanes.v[2 * slot + d];

		if (lane->n_enforce || lane->entries.n)
			v.flags |= flags[d];
	}
	return v;
}

const struct pst_crowd *pst_resolver_crowd(const struct pst_resolver *r)
{
	return pst_census_crowd(r->census);
}

const struct pst_bundle_rule *pst_resolver_rule(const struct pst_resolver *r, uint32_t number)
{
	return number < r->rules.n ? r->rules.v[number] : NULL;
}

const uint32_t *pst_resolver_ruleset(const struct pst_resolver *r, uint32_t number, size_t *ret_n)
{
	return pst_httpsets_get(r->sets, number, ret_n);
}
