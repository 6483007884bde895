// SPDX-License-Identifier: Apache-2.0
#include "compiler/memo.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void pst_memo_findings_fini(struct pst_memo_findings *f)
{
	for (size_t i = 0; i < f->rules.n; i++)
		pst_vec_free(&f->rules.v[i]);
	pst_scene_fini(&f->scene);
	pst_vec_free(&f->places);
	pst_vec_free(&f->rules);
	pst_vec_free(&f->rows);
	pst_vec_free(&f->named);
	pst_vec_free(&f->signatures);
	pst_vec_free(&f->sets);
	pst_vec_free(&f->set_rules);
	pst_vec_free(&f->peers);
	pst_vec_free(&f->selected);
	pst_setpool_fini(&f->whom);
	pst_rowstore_fini(&f->store);
	*f = (struct pst_memo_findings){0};
}

struct pst_memo *pst_memo_new(void)
{
	struct pst_memo *memo = pst_mem_calloc(1, sizeof(*memo));

	if (memo)
		memo->larder.max_bytes = PST_MEMO_AUTOMATA_BYTES;
	return memo;
}

void pst_memo_clear(struct pst_memo *memo)
{
	pst_memo_findings_fini(&memo->last);
	pst_larder_clear(&memo->larder);
	memo->is_known = false;
}

void pst_memo_free(struct pst_memo **memo)
{
	if (*memo)
		pst_memo_clear(*memo);
	free(*memo);
	*memo = NULL;
}

size_t pst_memo_n_resolved(const struct pst_memo *memo)
{
	return memo->last.n_resolved;
}

int pst_memo_note_places(const struct pst_resolve_input *in, struct pst_memo_findings *now)
{
	const struct pst_catalog *c = in->catalog;
	struct pst_memo_place at = {0};

	for (size_t p = 0; p < in->policies->n_policies; p++) {
		const struct pst_policy *policy = &in->policies->policies[p];

		at.specs = policy->specs;
		at.rule = (uint32_t)(at.l4 < c->n_l4 ? c->l4[at.l4].index : c->n_rules);
		if (pst_vec_push(&now->places, at))
			return -ENOMEM;
		for (size_t s = 0; s < policy->n_specs; s++)
			at.l4 += (uint32_t)policy->specs[s].n_rules;
		at.spec += (uint32_t)policy->n_specs;
	}
	at.specs = NULL;
	at.rule = (uint32_t)c->n_rules;
	return pst_vec_push(&now->places, at);
}

static int keep_sets(const struct pst_ruleset_table *t, struct pst_memo_findings *now)
{
	for (size_t i = 0; i < t->sets.n; i++) {
		const struct pst_bundle_ruleset *s = &t->sets.v[i];
		const struct pst_memo_sets set = {now->set_rules.n, s->n_rules, s->fallback};

		if (pst_vec_push(&now->sets, set))
			return -ENOMEM;
		for (size_t k = 0; k < s->n_rules; k++) {
			if (pst_vec_push(&now->set_rules, s->rules[k]))
				return -ENOMEM;
		}
	}
	return 0;
}

int pst_memo_keep(struct pst_memo *memo, const struct pst_ruleset_table *t,
		  struct pst_memo_findings *now)
{
	pst_memo_findings_fini(&memo->last);
	memo->is_known = false;
	if (keep_sets(t, now))
		return -ENOMEM;
	pst_larder_sweep(&memo->larder);
	pst_setpool_seal(&now->whom);
	pst_rowstore_seal(&now->store);
	memo->last = *now;
	memo->is_known = true;
	*now = (struct pst_memo_findings){0};
	return 0;
}

/* From one compilation to the next. */

static int cmp_place(const void *va, const void *vb)
{
	const uintptr_t a = (uintptr_t)(*(const struct pst_memo_place *const *)va)->specs;
	const uintptr_t b = (uintptr_t)(*(const struct pst_memo_place *const *)vb)->specs;

	return (a > b) - (a < b);
}

struct places PST_VEC(const struct pst_memo_place *);

/* The N policies of F from FIRST on, sorted. Some may come twice (the last good version that two
 * files lack). */
static int sort_places(const struct pst_memo_findings *f, size_t first, size_t n,
		       struct places *ret)
{
	for (size_t i = first; i < first + n; i++) {
		if (pst_vec_push(ret, &f->places.v[i]))
			return -ENOMEM;
	}
	if (n)
		qsort(ret->v, ret->n, sizeof(*ret->v), cmp_place);
	return 0;
}

/* Numbers from FROM up to END are now those from TO on. */
static void join(uint32_t *map, uint32_t from, uint32_t end, uint32_t to)
{
	for (uint32_t i = from; i < end; i++)
		map[i] = 1 + to + (i - from);
}

static void join_policy(struct pst_recall *r, const struct pst_memo_place *then,
			const struct pst_memo_place *now)
{
	join(r->l4, now->l4, now[1].l4, then->l4);
	join(r->spec, now->spec, now[1].spec, then->spec);
	join(r->rule, then->rule, then[1].rule, now->rule);
}

/* A policy that comes twice cannot be told from itself, and is none of those that are known. */
static bool is_twice(const struct places *p, size_t i)
{
	return (i && !cmp_place(&p->v[i - 1], &p->v[i])) ||
	       (i + 1 < p->n && !cmp_place(&p->v[i], &p->v[i + 1]));
}

/* Parts of both lists, which begin and end alike around them. */
struct middle {
	size_t first, n_then, n_now;
};

static struct middle find_middle(const struct pst_recall *r)
{
	const struct pst_memo_place *then = r->last->places.v, *now = r->now->places.v;
	struct middle m = {.n_then = r->last->places.n - 1, .n_now = r->now->places.n - 1};

	for (; m.n_then && m.n_now && then[m.first].specs == now[m.first].specs; m.first++) {
		m.n_then--;
		m.n_now--;
	}
	while (m.n_then && m.n_now &&
	       then[m.first + m.n_then - 1].specs == now[m.first + m.n_now - 1].specs) {
		m.n_then--;
		m.n_now--;
	}
	return m;
}

/* What stands in another order, or among others. */
static int join_middle(struct pst_recall *r, const struct middle *m)
{
	struct places then = {0}, now = {0};
	int err = sort_places(r->last, m->first, m->n_then, &then);
	size_t i = 0, k = 0;

	if (!err)
		err = sort_places(r->now, m->first, m->n_now, &now);
	while (!err && i < then.n && k < now.n) {
		const int order = cmp_place(&then.v[i], &now.v[k]);

		if (!order && !is_twice(&then, i) && !is_twice(&now, k))
			join_policy(r, then.v[i], now.v[k]);
		i += order <= 0;
		k += order >= 0;
	}
	pst_vec_free(&then);
	pst_vec_free(&now);
	return err;
}

/* Most policies stand where they stood: nothing has to be sorted for them. */
static int join_policies(struct pst_recall *r)
{
	const struct middle m = find_middle(r);
	const struct pst_memo_place *then = r->last->places.v, *now = r->now->places.v;

	for (size_t i = 0; i < m.first; i++)
		join_policy(r, &then[i], &now[i]);
	for (size_t i = m.first + m.n_then, k = m.first + m.n_now; i + 1 < r->last->places.n;
	     i++, k++)
		join_policy(r, &then[i], &now[k]);
	return join_middle(r, &m);
}

/* The own node and the world, which a row is about as such, must be who they were. */
static bool is_of_use(const struct pst_recall *r)
{
	if (!r->news.is_known)
		return false;
	for (size_t i = 0; i < r->news.n_come; i++) {
		const uint32_t id = r->now->scene.ones.v[r->news.come[i]].id;

		if (id == PST_ID_HOST || id == PST_ID_WORLD)
			return false;
	}
	return true;
}

int pst_recall_begin(const struct pst_memo *memo, const struct pst_memo_findings *now,
		     const struct pst_http_sets *http, struct pst_recall *ret_recall)
{
	const struct pst_memo_findings *last = memo && memo->is_known ? &memo->last : NULL;
	const struct pst_memo_place *end = &now->places.v[now->places.n - 1];
	struct pst_recall r = {.last = last, .now = now, .http = http};
	int err;

	*ret_recall = (struct pst_recall){0};
	if (!last)
		return 0;
	err = pst_scene_join(&last->scene, &now->scene, &r.news);
	if (err || !is_of_use(&r)) {
		pst_scene_news_fini(&r.news);
		return err;
	}
	r.l4 = pst_mem_calloc(end->l4, sizeof(*r.l4));
	r.spec = pst_mem_calloc(end->spec, sizeof(*r.spec));
	r.rule = pst_mem_calloc(last->places.v[last->places.n - 1].rule, sizeof(*r.rule));
	r.set = pst_mem_calloc(last->sets.n, sizeof(*r.set));
	r.whom = pst_mem_calloc(last->whom.n, sizeof(*r.whom));
	r.speech = pst_mem_calloc(last->store.speeches.n, sizeof(*r.speech));
	r.bits = pst_mem_calloc(now->whom.words, sizeof(*r.bits));
	err = r.l4 && r.spec && r.rule && r.set && r.whom && r.speech && r.bits ? join_policies(&r)
										: -ENOMEM;
	if (err)
		pst_recall_fini(&r);
	*ret_recall = r;
	return err;
}

void pst_recall_fini(struct pst_recall *r)
{
	free(r->l4);
	free(r->spec);
	free(r->rule);
	free(r->set);
	free(r->whom);
	free(r->speech);
	free(r->bits);
	pst_scene_news_fini(&r->news);
	*r = (struct pst_recall){0};
}

/* The lowest N of BITS go to those of TO at AT, which are clear. */
static void put_bits(uint64_t *to, size_t at, uint64_t bits, size_t n)
{
	const unsigned int shift = at % 64;

	bits &= UINT64_MAX >> (64 - n);
	to[at / 64] |= bits << shift;
	if (shift && bits >> (64 - shift))
		to[at / 64 + 1] |= bits >> (64 - shift);
}

/* The N bits of FROM at AT go to those of TO, which are clear, at TO_AT. */
static void copy_bits(uint64_t *to, size_t to_at, const uint64_t *from, size_t at, size_t n)
{
	const size_t left = 64 - at % 64, first = n < left ? n : left;

	put_bits(to, to_at, from[at / 64] >> at % 64, first);
	from += at / 64 + 1;
	to_at += first;
	n -= first;
	/* Most words are empty. */
	for (; n >= 64; from++, to_at += 64, n -= 64) {
		if (*from)
			put_bits(to, to_at, *from, 64);
	}
	if (n)
		put_bits(to, to_at, *from, n);
}

void pst_recall_copy_set(const struct pst_recall *r, uint32_t number, uint64_t *set)
{
	const uint64_t *from = pst_setpool_at(&r->last->whom, number);

	for (size_t i = 0; i < r->news.n_runs; i++) {
		const struct pst_scene_run *run = &r->news.runs[i];

		copy_bits(set, run->now, from, run->then, run->n);
	}
}

int pst_recall_keep_set(struct pst_recall *r, uint32_t number, struct pst_memo_findings *now,
			uint32_t *ret_number)
{
	int err = 0;

	if (!r->whom[number]) {
		uint32_t fresh;

		memset(r->bits, 0, now->whom.words * sizeof(*r->bits));
		pst_recall_copy_set(r, number, r->bits);
		err = pst_setpool_add(&now->whom, r->bits, &fresh);
		if (!err)
			r->whom[number] = 1 + fresh;
	}
	*ret_number = r->whom[number] - 1;
	return err;
}

uint32_t pst_recall_peers(const struct pst_recall *r, size_t l4)
{
	return r->last && r->l4[l4] ? r->last->peers.v[r->l4[l4] - 1] : PST_BUCKETS_NONE;
}

uint32_t pst_recall_selected(const struct pst_recall *r, size_t spec)
{
	return r->last && r->spec[spec] ? r->last->selected.v[r->spec[spec] - 1] : PST_BUCKETS_NONE;
}

/* Rows. */

static int note_signature(const uint64_t *v, size_t n_rules, struct pst_memo_findings *now,
			  struct pst_memo_row *row)
{
	row->first_word = now->signatures.n;
	row->common.signature = NULL;
	for (size_t i = 0; row->common.n_peers && i < (n_rules + 63) / 64; i++) {
		if (pst_vec_push(&now->signatures, v[i]))
			return -ENOMEM;
	}
	return 0;
}

int pst_memo_note_row(const struct pst_row_scratch *scratch, size_t n_rules,
		      struct pst_memo_findings *now, struct pst_memo_row *row)
{
	row->clashes = scratch->clashes;
	row->first_set = now->named.n;
	row->n_sets = scratch->sets.n;
	for (size_t i = 0; i < scratch->sets.n; i++) {
		if (pst_vec_push(&now->named, scratch->sets.v[i]))
			return -ENOMEM;
	}
	row->common = scratch->common;
	return note_signature(scratch->common.signature, n_rules, now, row);
}

int pst_memo_note_entries(const struct pst_row_entries *entries, struct pst_memo_findings *now,
			  struct pst_memo_row *row)
{
	int err;

	row->first = now->store.peers.n;
	err = pst_rowstore_add(&now->store, entries->v, entries->n);
	row->n = now->store.peers.n - row->first;
	now->n_entries += entries->n;
	return err;
}

/* The common signature of a row of F. Without rules there is none. */
static const uint64_t *signature_of(const struct pst_memo_findings *f,
				    const struct pst_memo_row *row)
{
	return f->signatures.n ? f->signatures.v + row->first_word : NULL;
}

/* A row of both. */
struct pair {
	const struct pst_memo_row *then;
	const struct pst_memo_rules *rules_then, *rules_now;
	bool is_egress;
};

/* Are the rules of the row the same, in the same order? */
static bool has_same_rules(const struct pst_recall *r, const struct pair *p)
{
	const struct pst_memo_rules *then = p->rules_then, *now = p->rules_now;

	if (then->n != now->n)
		return false;
	for (size_t i = 0; i < now->n; i++) {
		if (r->l4[now->v[i]] != 1 + then->v[i])
			return false;
	}
	return true;
}

/* Do those of the rules, and only those, mean SLOT that mean the common peers of the row? */
static bool is_common(const struct pst_recall *r, const struct pair *p,
		      const struct pst_memo_findings *of, size_t slot)
{
	const struct pst_memo_rules *rules = of == r->last ? p->rules_then : p->rules_now;
	const uint64_t *signature = signature_of(r->last, p->then);

	/* It is answered by itself. */
	if (p->is_egress && p->then->common.uses_names && of->scene.ones.v[slot].has_ports)
		return false;
	for (size_t i = 0; i < rules->n; i++) {
		const uint64_t *meant = pst_setpool_at(&of->whom, of->peers.v[rules->v[i]]);

		if ((meant[slot / 64] >> slot % 64 & 1) != (signature[i / 64] >> i % 64 & 1))
			return false;
	}
	return true;
}

/* Does the row of then say the same whoever has come and gone? Then *RET_COMMON is as of now. */
static bool bears_news(const struct pst_recall *r, const struct pair *p,
		       struct pst_row_common *ret_common)
{
	const struct pst_scene_news *news = &r->news;
	const size_t come = news->n_come, gone = news->n_gone;
	struct pst_row_common c = p->then->common;

	*ret_common = c;
	/* Without rules and default deny there are no entries, and never will be. */
	if (!(come || gone) || !(p->rules_now->n || p->then->enforce))
		return true;
	if (!c.n_peers || c.n_peers + come <= gone || c.margin + come * c.weight <= gone * c.weight)
		return false;
	for (size_t i = 0; i < come; i++) {
		if (!is_common(r, p, r->now, news->come[i]))
			return false;
	}
	for (size_t i = 0; i < gone; i++) {
		if (!is_common(r, p, r->last, news->gone[i]))
			return false;
	}
	ret_common->n_peers = c.n_peers + come - gone;
	ret_common->margin = c.margin + come * c.weight - gone * c.weight;
	return true;
}

/* The set NUMBER of then, which consists of rules that are still there, is made now. */
static int make_set(struct pst_recall *r, uint16_t number)
{
	const struct pst_memo_sets *then = &r->last->sets.v[number];
	pst_auto_free uint32_t *rules = pst_mem_calloc(then->n, sizeof(*rules));
	struct pst_http_set set;
	int err;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < then->n; i++)
		rules[i] = r->rule[r->last->set_rules.v[then->first + i]] - 1;
	err = r->http->intern(r->http->ctx, rules, then->n, &set);
	/* In a table that is full now, or was: the entries say something else. */
	if (!err && set.fallback == then->fallback)
		r->set[number] = 1 + set.number;
	return err;
}

/* All sets that ROW of then came to. 1, 0 when one is not what it was, or an error. */
static int make_sets(struct pst_recall *r, const struct pst_memo_row *then)
{
	bool same = true;
	int err = 0;

	for (size_t i = 0; !err && i < then->n_sets; i++) {
		const uint16_t number = r->last->named.v[then->first_set + i];

		if (!r->set[number])
			err = make_set(r, number);
		same &= r->set[number] != 0;
	}
	return err ? err : same;
}

static int copy_sets(const struct pst_recall *r, const struct pst_memo_row *then,
		     struct pst_memo_findings *now)
{
	for (size_t i = 0; i < then->n_sets; i++) {
		const uint32_t set = r->set[r->last->named.v[then->first_set + i]] - 1;

		if (pst_vec_push(&now->named, (uint16_t)set))
			return -ENOMEM;
	}
	return 0;
}

/* The number that IDENTITY has now; *RUN is where the search goes on, they ascend. */
static uint32_t renumber(const struct pst_recall *r, uint32_t identity, size_t *run)
{
	const struct pst_scene_run *runs = r->news.runs;

	while (*run < r->news.n_runs && identity >= runs[*run].id_end)
		(*run)++;
	/* PST_ID_ANY is nobody, and comes before everybody. */
	if (*run == r->news.n_runs || identity < runs[*run].id_then)
		return identity;
	return runs[*run].id_now + (identity - runs[*run].id_then);
}

/* The speech NUMBER of then, which names rules and rule sets that are still there, as of now. */
static int keep_speech(struct pst_recall *r, uint32_t number, struct pst_rowstore *store)
{
	const struct pst_rowstore_speech *then = &r->last->store.speeches.v[number];
	const size_t first = store->tails.n;
	uint32_t fresh;

	if (pst_vec_reserve(&store->tails, first + then->n))
		return -ENOMEM;
	for (size_t i = 0; i < then->n; i++) {
		struct pst_port_tail *tail = &store->tails.v[first + i];
		struct pst_policy_value *value = &tail->value;

		*tail = r->last->store.tails.v[then->first + i];
		if (value->rule != UINT32_MAX)
			value->rule = r->rule[value->rule] - 1;
		if (value->verdict == PST_VERDICT_JUDGE || value->verdict == PST_VERDICT_FALLBACK)
			value->ruleset = (uint16_t)(r->set[value->ruleset] - 1);
	}
	if (pst_rowstore_find(store, then->n, &fresh))
		return -ENOMEM;
	r->speech[number] = 1 + fresh;
	return 0;
}

static int copy_peers(struct pst_recall *r, const struct pst_memo_row *then,
		      struct pst_memo_findings *now)
{
	struct pst_rowstore *store = &now->store;
	size_t run = 0;

	if (pst_vec_reserve(&store->peers, store->peers.n + then->n))
		return -ENOMEM;
	for (size_t i = 0; i < then->n; i++) {
		struct pst_rowstore_peer peer = r->last->store.peers.v[then->first + i];

		if (!r->speech[peer.speech] && keep_speech(r, peer.speech, store))
			return -ENOMEM;
		peer.speech = r->speech[peer.speech] - 1;
		if (r->news.is_renumbered)
			peer.id = renumber(r, peer.id, &run);
		store->peers.v[store->peers.n++] = peer;
		now->n_entries += store->speeches.v[peer.speech].n;
	}
	return 0;
}

static int copy_row(struct pst_recall *r, const struct pair *p, struct pst_memo_findings *now,
		    struct pst_memo_row *row)
{
	const struct pst_memo_row *then = p->then;
	const uint64_t *signature = signature_of(r->last, then);
	int err;

	row->first = now->store.peers.n;
	row->first_set = now->named.n;
	row->n = then->n;
	row->n_sets = then->n_sets;
	err = copy_sets(r, then, now);
	if (!err)
		err = note_signature(signature, p->rules_now->n, now, row);
	return err ? err : copy_peers(r, then, now);
}

int pst_recall_row(struct pst_recall *r, size_t slot, int direction, struct pst_memo_findings *now,
		   struct pst_memo_row *row)
{
	const size_t was = r->last ? r->news.was[slot] : 0;
	const size_t n_then = PST_DIRECTION_MAX * (was - 1) + (size_t)direction;
	const size_t n_now = PST_DIRECTION_MAX * slot + (size_t)direction;
	struct pair p = {.is_egress = direction == PST_DIRECTION_EGRESS};
	int err;

	if (!was)
		return 0;
	p.then = &r->last->rows.v[n_then];
	p.rules_then = &r->last->rules.v[n_then];
	p.rules_now = &r->now->rules.v[n_now];
	if (p.then->clashes || p.then->enforce != row->enforce || p.then->audit != row->audit ||
	    !has_same_rules(r, &p) || !bears_news(r, &p, &row->common))
		return 0;
	err = make_sets(r, p.then);
	if (err <= 0)
		return err;
	err = copy_row(r, &p, now, row);
	return err ? err : 1;
}
