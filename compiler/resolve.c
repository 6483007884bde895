// SPDX-License-Identifier: Apache-2.0
#include "compiler/resolve.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/clash.h"
#include "compiler/crowd.h"
#include "compiler/identity.h"
#include "compiler/memo.h"
#include "compiler/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct resolver {
	const struct pst_resolve_input *in;
	struct pst_diags *diags;
	struct pst_bundle *b;
	struct pst_crowd crowd;
	struct pst_memo_findings found;
	struct pst_recall recall;	/* what was found before */
	struct pst_row_entries entries; /* of the row that is being resolved */
	uint64_t *set;			/* of slots, of whoever is being looked for */
	bool *is_strict;		/* by row: a policy in force concerns the subject */
	struct pst_mapcache *maps;
	struct pst_row_scratch scratch;
	struct PST_VEC(struct pst_row_rule) row;
	size_t host, world; /* slots */
	size_t subject;	    /* whose row is being resolved */
	struct pst_clashes clashes;
};

/* A spec, and where its rules begin in the catalogue. */
struct spec_place {
	const struct pst_policy *policy;
	const struct pst_spec *spec;
	size_t first;
};

static size_t row_of(size_t subject, int direction)
{
	return PST_DIRECTION_MAX * subject + (size_t)direction;
}

static int fill_crowd(struct resolver *r, const struct pst_identity_map *map)
{
	const struct pst_bundle *b = r->b;

	r->crowd.inventory = r->in->inventory;
	for (size_t i = 0; i < b->n_identities; i++) {
		const struct pst_crowd_member m = {
			.id = b->identities[i].id,
			.labels = &b->identities[i].labels,
			.facts = map->facts[i],
		};

		if (pst_crowd_add(&r->crowd, &m))
			return -ENOMEM;
		if (m.id == PST_ID_HOST)
			r->host = i;
		else if (m.id == PST_ID_WORLD)
			r->world = i;
	}
	return 0;
}

static void include(uint64_t *set, size_t slot)
{
	set[slot / 64] |= UINT64_C(1) << slot % 64;
}

static void clear_set(struct resolver *r)
{
	memset(r->set, 0, r->found.whom.words * sizeof(*r->set));
}

/* Whom the l4 rule means: those who were there before are known. */
static int find_peers(struct resolver *r, size_t l4, uint32_t *ret_set)
{
	const struct pst_catalog_rule *rule = &r->in->catalog->l4[l4];
	const uint32_t known = pst_recall_peers(&r->recall, l4);
	bool has_come = false;

	clear_set(r);
	if (known == PST_BUCKETS_NONE) {
		if (pst_crowd_find_peers(&r->crowd, rule->rule, rule->policy->ns, r->set))
			return -ENOMEM;
		return pst_setpool_add(&r->found.whom, r->set, ret_set);
	}
	for (size_t i = 0; i < r->recall.news.n_come; i++) {
		const uint32_t slot = r->recall.news.come[i];

		if (!pst_crowd_is_peer(&r->crowd, rule->rule, rule->policy->ns, slot))
			continue;
		include(r->set, slot);
		has_come = true;
	}
	if (!has_come)
		return pst_recall_keep_set(&r->recall, known, &r->found, ret_set);
	pst_recall_copy_set(&r->recall, known, r->set);
	return pst_setpool_add(&r->found.whom, r->set, ret_set);
}

static int match_peers(struct resolver *r)
{
	const size_t n = r->in->catalog->n_l4;
	int err = pst_vec_reserve(&r->found.peers, n);

	for (size_t i = 0; !err && i < n; i++)
		err = find_peers(r, i, &r->found.peers.v[r->found.peers.n++]);
	return err;
}

static bool concerns(const struct pst_spec *spec, int direction)
{
	bool yes = spec->default_deny[direction];

	for (size_t i = 0; i < spec->n_rules && !yes; i++)
		yes = (int)spec->rules[i].direction == direction;
	return yes;
}

/* A policy in audit counts where none in force concerns the subject, and nowhere else. */
static int note_subject(struct resolver *r, const struct spec_place *at, size_t i)
{
	const struct pst_catalog *c = r->in->catalog;
	struct pst_bundle_identity *who = &r->b->identities[i];

	for (int d = 0; d < PST_DIRECTION_MAX; d++) {
		struct pst_memo_rules *rules = &r->found.rules.v[row_of(i, d)];
		bool *is_strict = &r->is_strict[row_of(i, d)];

		if (!concerns(at->spec, d) || (at->policy->audit && *is_strict))
			continue;
		if (!at->policy->audit && !*is_strict) { /* the first in force */
			*is_strict = true;
			rules->n = 0;
			who->enforce[d] = who->audit[d] = false;
		}
		who->enforce[d] |= at->spec->default_deny[d];
		who->audit[d] |= at->policy->audit;
		for (size_t k = at->first; k < at->first + at->spec->n_rules; k++) {
			if ((int)c->l4[k].rule->direction == d && pst_vec_push(rules, (uint32_t)k))
				return -ENOMEM;
		}
	}
	return 0;
}

/* The spec AT selects everybody in SET: few, of many. */
static int note_subjects(struct resolver *r, const struct spec_place *at, const uint64_t *set)
{
	int err = 0;

	for (size_t w = 0; w < r->found.whom.words; w++) {
		for (uint64_t left = set[w]; !err && left; left &= left - 1) {
			const size_t i = w * 64 + (size_t)__builtin_ctzll(left);

			if (pst_identity_is_subject(&r->b->identities[i]))
				err = note_subject(r, at, i);
		}
	}
	return err;
}

static int make_rows(struct resolver *r)
{
	const size_t n = row_of(r->b->n_identities, 0);
	static const struct pst_memo_rules none;
	int err = 0;

	r->is_strict = pst_mem_calloc(n, sizeof(*r->is_strict));
	for (size_t i = 0; !err && i < n; i++)
		err = pst_vec_push(&r->found.rules, none);
	return r->is_strict ? err : -ENOMEM;
}

/* Whom the spec NUMBER selects: those who were there before are known. */
static int select_subjects(struct resolver *r, const struct pst_spec *spec, size_t number,
			   uint32_t *ret_set)
{
	const uint32_t known = pst_recall_selected(&r->recall, number);
	bool has_come = false;

	clear_set(r);
	if (known == PST_BUCKETS_NONE) {
		pst_crowd_select(&r->crowd, &spec->subject, r->set);
		return pst_setpool_add(&r->found.whom, r->set, ret_set);
	}
	for (size_t i = 0; i < r->recall.news.n_come; i++) {
		const uint32_t slot = r->recall.news.come[i];

		if (!pst_selector_matches(&spec->subject, r->crowd.members.v[slot].labels))
			continue;
		include(r->set, slot);
		has_come = true;
	}
	if (!has_come)
		return pst_recall_keep_set(&r->recall, known, &r->found, ret_set);
	pst_recall_copy_set(&r->recall, known, r->set);
	return pst_setpool_add(&r->found.whom, r->set, ret_set);
}

/* The spec NUMBER and whom it selects. */
static int match_spec(struct resolver *r, const struct spec_place *at, size_t number)
{
	uint32_t set;

	if (select_subjects(r, at->spec, number, &set) || pst_vec_push(&r->found.selected, set))
		return -ENOMEM;
	return note_subjects(r, at, pst_setpool_at(&r->found.whom, set));
}

/* Default deny: any spec that selects the identity asks for it, also one without rules. */
static int match_subjects(struct resolver *r)
{
	size_t first = 0, number = 0;

	if (make_rows(r))
		return -ENOMEM;
	for (size_t p = 0; p < r->in->policies->n_policies; p++) {
		const struct pst_policy *policy = &r->in->policies->policies[p];

		for (size_t i = 0; i < policy->n_specs; i++) {
			const struct spec_place at = {policy, &policy->specs[i], first};

			if (match_spec(r, &at, number++))
				return -ENOMEM;
			first += at.spec->n_rules;
		}
	}
	return 0;
}

static int report_full(struct resolver *r, uint32_t subject)
{
	const struct pst_pos nowhere = {0};

	pst_diags_error(r->diags, "table-full", &nowhere,
			"the policies need more than the %d policy entries that the table holds "
			"(reached at identity %u of %zu identities)",
			PST_POLICY_ENTRIES, subject, r->b->n_identities);
	return -E2BIG;
}

static int resolve_row(struct resolver *r, size_t subject, enum pst_direction direction)
{
	const struct pst_catalog *c = r->in->catalog;
	const struct pst_memo_rules *rules = &r->found.rules.v[row_of(subject, direction)];
	struct pst_row_query q = {
		.crowd = &r->crowd,
		.subject = subject,
		.world = r->world,
		.host = r->host,
		.direction = direction,
		.enforce = r->b->identities[subject].enforce[direction],
	};

	r->subject = subject;
	r->row.n = 0;
	for (size_t i = 0; i < rules->n; i++) {
		const struct pst_row_rule rule = {
			.rule = &c->l4[rules->v[i]],
			.peers = pst_setpool_at(&r->found.whom, r->found.peers.v[rules->v[i]]),
		};

		if (pst_vec_push(&r->row, rule))
			return -ENOMEM;
	}
	q.rules = r->row.v;
	q.n_rules = r->row.n;
	r->found.n_resolved++;
	return pst_row_resolve(&q, r->maps, &r->scratch, &r->entries);
}

/* The policies of the subject are all in audit. */
static void mark_audit(struct pst_row_entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		if (entries->v[i].value.verdict != PST_VERDICT_ALLOW)
			entries->v[i].value.deny_rule |= PST_POLICY_AUDIT;
	}
}

/* The row is resolved, and what belongs to it noted. */
static int find_row(struct resolver *r, size_t subject, enum pst_direction direction,
		    struct pst_memo_row *row)
{
	int err;

	r->entries.n = 0;
	err = resolve_row(r, subject, direction);
	if (row->audit)
		mark_audit(&r->entries);
	if (!err)
		err = pst_memo_note_entries(&r->entries, &r->found, row);
	return err ? err : pst_memo_note_row(&r->scratch, r->row.n, &r->found, row);
}

static int add_row(struct resolver *r, size_t subject, enum pst_direction direction)
{
	const struct pst_bundle_identity *who = &r->b->identities[subject];
	struct pst_memo_row row = {.enforce = who->enforce[direction],
				   .audit = who->audit[direction]};
	int err = 0;

	if (pst_identity_is_subject(who)) {
		err = pst_recall_row(&r->recall, subject, (int)direction, &r->found, &row);
		if (!err)
			err = find_row(r, subject, direction, &row);
	}
	return err < 0 ? err : pst_vec_push(&r->found.rows, row);
}

static int resolve_subjects(struct resolver *r)
{
	for (size_t i = 0; i < r->b->n_identities; i++) {
		int err = 0;

		for (int d = 0; !err && d < PST_DIRECTION_MAX; d++)
			err = add_row(r, i, d);
		if (err)
			return err;
		if (r->found.n_entries > PST_POLICY_ENTRIES)
			return report_full(r, r->b->identities[i].id);
	}
	return 0;
}

/* Subjects ascend, and so do the entries of each. */
static int write_entries(const struct resolver *r)
{
	struct pst_bundle *b = r->b;
	struct pst_bundle_entry *at;

	b->entry_arena = pst_arena_new();
	if (!b->entry_arena)
		return -ENOMEM;
	at = b->entries = pst_arena_calloc(b->entry_arena, r->found.n_entries, sizeof(*b->entries));
	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < r->found.rows.n; i++) {
		const struct pst_memo_row *row = &r->found.rows.v[i];
		const struct pst_policy_key like = {
			.subject = b->identities[i / PST_DIRECTION_MAX].id,
			.direction = (uint8_t)(i % PST_DIRECTION_MAX),
		};

		at = pst_rowstore_write(&r->found.store, row->first, row->n, &like, at);
	}
	b->n_entries = r->found.n_entries;
	return 0;
}

/*
 * Who asks for the userspace proxy gets it wherever HTTP rules would be judged in the kernel. One
 * pod that asks speaks for all of its identity: the kernel does not tell them apart.
 */
static void send_to_proxy(const struct pst_inventory *inventory, const struct pst_identity_map *map,
			  struct pst_bundle *b)
{
	uint32_t done = 0;

	for (size_t i = 0; i < inventory->n_endpoints; i++) {
		const uint32_t subject = map->endpoint_ids[i];
		size_t e;

		if (!inventory->endpoints[i].proxied || subject == done)
			continue;
		done = subject;
		/* Of both directions: ingress is the lower one. */
		e = pst_bundle_lower_bound(b, subject, PST_DIR_INGRESS, 0);
		for (; e < b->n_entries && b->entries[e].key.subject == subject; e++) {
			if (b->entries[e].value.verdict == PST_VERDICT_JUDGE &&
			    !(b->entries[e].value.deny_rule & PST_POLICY_AUDIT))
				b->entries[e].value.verdict = PST_VERDICT_FALLBACK;
		}
	}
}

static bool is_usable(void *ctx, uint32_t rule)
{
	return ((struct pst_ruleset_table *)ctx)->catalog->http[rule];
}

static int intern(void *ctx, const uint32_t *rules, size_t n, struct pst_http_set *ret_set)
{
	struct pst_ruleset_table *t = ctx;
	uint32_t set;
	int err = pst_ruleset_intern(t, rules, n, &set);

	if (!err)
		*ret_set = (struct pst_http_set){(uint16_t)set, t->sets.v[set].fallback};
	return err;
}

static int note_conflict(void *ctx, const struct pst_portmap_conflict *c)
{
	struct resolver *r = ctx;

	return pst_clashes_add(&r->clashes, c, r->subject);
}

/* "the endpoint ns/name", in ARENA: the first with the identity ID. */
static const char *name_subject(const struct resolver *r, const struct pst_identity_map *map,
				struct pst_arena *arena, uint32_t id)
{
	const struct pst_inventory *inventory = r->in->inventory;

	for (size_t i = 0; i < inventory->n_endpoints; i++) {
		const struct pst_endpoint *e = &inventory->endpoints[i];

		if (map->endpoint_ids[i] == id)
			return pst_arena_printf(arena, "the endpoint %s/%s", e->ns, e->name);
	}
	return pst_arena_printf(arena, "the identity %u", id);
}

static int report_clashes(struct resolver *r, const struct pst_identity_map *map)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();

	pst_clashes_settle(&r->clashes);
	for (size_t i = 0; arena && i < r->clashes.n; i++) {
		const struct pst_clash *c = &r->clashes.v[i];
		const char *whom = name_subject(r, map, arena, r->b->identities[c->subject].id);

		if (!whom)
			return -ENOMEM;
		pst_clash_report(c, whom, r->diags);
	}
	return arena ? 0 : -ENOMEM;
}

static int resolve_all(struct resolver *r, struct pst_ruleset_table *t,
		       const struct pst_identity_map *map)
{
	const struct pst_http_sets sets = {
		.is_usable = is_usable,
		.intern = intern,
		.ctx = t,
		.note_conflict = note_conflict,
		.conflict_ctx = r,
	};
	int err = fill_crowd(r, map);

	r->found.whom.words = pst_crowd_words(&r->crowd);
	r->set = pst_mem_calloc(r->found.whom.words, sizeof(*r->set));
	r->maps = pst_mapcache_new(&sets);
	if (!r->set || !r->maps)
		return -ENOMEM;
	if (!err)
		err = pst_memo_note_places(r->in, &r->found);
	if (!err && r->in->memo)
		err = pst_scene_write(r->b, map->facts, r->in->inventory, &r->found.scene);
	if (!err)
		err = pst_recall_begin(r->in->memo, &r->found, &sets, &r->recall);
	if (!err)
		err = match_peers(r);
	if (!err)
		err = match_subjects(r);
	if (!err)
		err = resolve_subjects(r);
	pst_recall_fini(&r->recall); /* SETS ends here */
	if (!err)
		err = report_clashes(r, map);
	return err ? err : write_entries(r);
}

static void resolver_fini(struct resolver *r)
{
	pst_memo_findings_fini(&r->found);
	pst_vec_free(&r->entries);
	free(r->set);
	free(r->is_strict);
	pst_crowd_fini(&r->crowd);
	pst_mapcache_free(&r->maps);
	pst_row_scratch_fini(&r->scratch);
	pst_vec_free(&r->row);
	pst_vec_free(&r->clashes);
}

int pst_resolve(const struct pst_resolve_input *in, struct pst_ruleset_table *t,
		struct pst_diags *diags, struct pst_bundle *b)
{
	struct resolver r = {.in = in, .diags = diags, .b = b};
	struct pst_arena *scratch pst_cleanup(pst_arena_free) = pst_arena_new();
	struct pst_identity_map map;
	int err = scratch ? pst_identities_collect(in, scratch, b, &map) : -ENOMEM;

	if (!err)
		err = resolve_all(&r, t, &map);
	if (!err)
		send_to_proxy(in->inventory, &map, b);
	if (!err)
		err = pst_identity_addrs(in, &map, diags, b);
	if (!err && in->memo)
		err = pst_memo_keep(in->memo, t, &r.found);
	resolver_fini(&r);
	return err;
}
