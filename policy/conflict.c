// SPDX-License-Identifier: Apache-2.0
#include "policy/conflict.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "policy/conflict_claim.h"
#include "policy/conflict_kind.h"
#include "policy/fields.h"
#include "policy/selector_algebra.h"

/* Pairs of claims looked at, a comparison of subjects counting for more: well below a second. */
enum { MAX_WORK = 1 << 22, MAX_ANCHORS = 64 };

struct finding {
	const struct pst_wish *first, *second; /* in the order of the set */
	unsigned int kind;
	bool same_ports;
};

struct findings PST_VEC(struct finding);

struct search {
	struct pst_claims claims;
	struct findings found;
	size_t work; /* left */
};

static bool spend(struct search *s, size_t work)
{
	s->work -= work < s->work ? work : s->work;
	return s->work;
}

/* Both rules concern some flow of some endpoint: as far as it can be shown. */
static bool meet(struct search *s, const struct pst_claim *a, const struct pst_claim *b)
{
	const struct pst_spec *sa = a->wish->spec, *sb = b->wish->spec;

	if (a->wish == b->wish || a->protocol != b->protocol ||
	    a->wish->rule->direction != b->wish->rule->direction || !pst_claims_share_port(a, b) ||
	    strcmp(a->peer, b->peer) || sa->subject_is_node != sb->subject_is_node)
		return false;
	if (!spend(s, 1 + sa->subject.n_reqs * (1 + sa->subject.n_reqs + sb->subject.n_reqs)))
		return false;
	if (pst_selector_is_impossible(&sa->subject) || pst_selector_is_impossible(&sb->subject))
		return false;
	return pst_selector_implies(&sa->subject, &sb->subject) ||
	       pst_selector_implies(&sb->subject, &sa->subject);
}

static int note(struct search *s, unsigned int kind, const struct pst_claim *a,
		const struct pst_claim *b)
{
	bool swap = pst_wish_compare(a->wish, b->wish) > 0;
	struct finding f = {
		.first = swap ? b->wish : a->wish,
		.second = swap ? a->wish : b->wish,
		.kind = kind,
		.same_ports = pst_claims_same_ports(a, b),
	};

	return pst_vec_push(&s->found, f);
}

/*
 * The kinds that are still to be found for a claim, one bit each: on overlapping ports, and on the
 * same ones. Of each one finding is enough.
 */
struct open_kinds {
	unsigned int by_ports[2];
};

/* Looks for conflicts of A with the claims of a bucket. */
static int search_bucket(struct search *s, const struct pst_claim *a, uint64_t bucket,
			 struct open_kinds *open)
{
	size_t low = 0, high = s->claims.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->claims.v[middle].bucket < bucket)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < s->claims.n && s->claims.v[low].bucket == bucket && spend(s, 1)) {
		const struct pst_claim *b = &s->claims.v[low];
		unsigned int bits = pst_conflict_kinds_between(a->wish, b->wish);
		unsigned int *wanted = &open->by_ports[pst_claims_same_ports(a, b)];

		/* Claims with the same wish conflict in the same ways. */
		if (!(bits & (open->by_ports[false] | open->by_ports[true]))) {
			low = b->run_end;
			continue;
		}
		low++;
		bits &= *wanted;
		if (!bits || !meet(s, a, b))
			continue;
		for (unsigned int k = 0; k < PST_CONFLICT_KINDS; k++) {
			if (bits >> k & 1 && note(s, k, a, b))
				return -ENOMEM;
		}
		/* Where there is an error, a warning of the same kind says nothing more. */
		open->by_ports[false] &= ~bits;
		*wanted &= ~bits;
	}
	return 0;
}

/* Whatever A's subject implies requires a label that it requires itself, or none. */
static int search_claim(struct search *s, const struct pst_claim *a)
{
	const struct pst_selector *subject = &a->wish->spec->subject;
	uint64_t anchors[MAX_ANCHORS] = {0}, ns[2] = {0};
	const unsigned int all = (1U << PST_CONFLICT_KINDS) - 1;
	struct open_kinds open = {{all, all}};
	size_t n = 1;
	int e = 0;

	for (size_t i = 0; i < subject->n_reqs && n < MAX_ANCHORS; i++) {
		uint64_t hash = pst_claim_anchor(&subject->reqs[i]);

		if (!hash)
			continue;
		if (pst_claim_is_namespace(&subject->reqs[i]))
			ns[1] = hash;
		else
			anchors[n++] = hash;
	}
	for (size_t i = 0; !e && i < (ns[1] ? 2 : 1) * n; i++) {
		e = search_bucket(s, a, pst_claim_bucket(a, ns[i / n], anchors[i % n], false),
				  &open);
		if (!e)
			e = search_bucket(
				s, a, pst_claim_bucket(a, ns[i / n], anchors[i % n], true), &open);
	}
	return e;
}

static int compare_findings(const void *a, const void *b)
{
	const struct finding *fa = a, *fb = b;
	int r = pst_wish_compare(fa->second, fb->second);

	if (!r)
		r = (fa->kind > fb->kind) - (fa->kind < fb->kind);
	if (!r)
		r = pst_wish_compare(fa->first, fb->first);
	return r ? r : (int)fb->same_ports - (int)fa->same_ports;
}

static bool is_same(const struct finding *a, const struct finding *b)
{
	return a->first == b->first && a->second == b->second && a->kind == b->kind;
}

static const char *slash(const struct pst_policy *p)
{
	return *p->ns ? "/" : "";
}

static void report(const struct search *s, const struct pst_policy_options *options,
		   struct pst_diags *diags)
{
	for (size_t i = 0; i < s->found.n; i++) {
		const struct finding *f = &s->found.v[i];
		const struct pst_policy *p = f->first->policy;
		const char *overlap = " on overlapping ports; which one counts depends on the port";
		const bool is_error =
			f->same_ports &&
			!pst_policy_options_accept(options, pst_conflict_kinds[f->kind].id);

		if (i && is_same(f - 1, f))
			continue;
		pst_diags_add(diags, is_error ? PST_SEVERITY_ERROR : PST_SEVERITY_WARNING,
			      pst_conflict_kinds[f->kind].id,
			      pst_conflict_kinds[f->kind].pos(f->second),
			      "%s for the same peers and endpoints: this rule and one of %s%s%s%s",
			      pst_conflict_kinds[f->kind].what, p->ns, slash(p), p->name,
			      f->same_ports ? "" : overlap);
		pst_diags_note(diags, pst_conflict_kinds[f->kind].pos(f->first), "the other rule");
	}
}

static int find(struct search *s)
{
	for (size_t i = 0; i < s->claims.n && s->work; i++) {
		if (search_claim(s, &s->claims.v[i]))
			return -ENOMEM;
	}
	if (s->found.n)
		qsort(s->found.v, s->found.n, sizeof(*s->found.v), compare_findings);
	return 0;
}

static void search_fini(struct search *s)
{
	free(s->claims.v);
	pst_vec_free(&s->found);
}

int pst_conflicts_find(const struct pst_policy_set *set, const struct pst_policy_options *options,
		       struct pst_diags *diags)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();
	struct search s pst_cleanup(search_fini) = {.work = MAX_WORK};

	if (!arena || pst_claims_collect(arena, set, &s.claims) || find(&s))
		return -ENOMEM;
	report(&s, options, diags);
	if (s.claims.truncated || !s.work)
		pst_diags_add(
			diags, PST_SEVERITY_WARNING, "conflict-limit", &set->policies[0].pos,
			"too many rules to compare each with each: there may be conflicts that are not reported");
	return 0;
}

/* The first claim behind I with another peer, or with another wish. */
static size_t next_claim(const struct pst_claims *c, size_t i, bool other_peer)
{
	size_t k = i + 1;

	while (k < c->n && !strcmp(c->v[k].peer, c->v[i].peer) &&
	       (other_peer || !strcmp(c->v[k].wish->text, c->v[i].wish->text)))
		k++;
	return k;
}

/* Wishes with the same text go together, so the first of each stands for all. */
static const struct pst_claim *find_opponent(const struct pst_claims *c, size_t i,
					     unsigned int *ret_kinds)
{
	const size_t end = next_claim(c, i, true);

	for (size_t k = next_claim(c, i, false); k < end; k = next_claim(c, k, false)) {
		*ret_kinds = pst_conflict_kinds_between(c->v[i].wish, c->v[k].wish);
		if (*ret_kinds)
			return &c->v[k];
	}
	return NULL;
}

static void free_claims(struct pst_claims *c)
{
	free(c->v);
}

int pst_conflict_among(const struct pst_conflict_party *parties, size_t n,
		       struct pst_conflict *ret_conflict)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();
	struct pst_claims claims pst_cleanup(free_claims) = {0};
	struct pst_wish *w = arena ? pst_arena_calloc(arena, n, sizeof(*w)) : NULL;

	for (size_t i = 0; w && i < n; i++)
		w[i] = (struct pst_wish){.policy = parties[i].policy,
					 .rule = parties[i].rule,
					 .entry = parties[i].entry};
	if (!w || pst_claims_of_wishes(arena, w, n, &claims))
		return -ENOMEM;
	for (size_t i = 0; i < claims.n; i = next_claim(&claims, i, false)) {
		const struct pst_conflict_kind *kind;
		unsigned int bits = 0;
		const struct pst_claim *other = find_opponent(&claims, i, &bits);
		const size_t a = (size_t)(claims.v[i].wish - w);
		const size_t b = other ? (size_t)(other->wish - w) : a;

		if (!other)
			continue;
		kind = &pst_conflict_kinds[__builtin_ctz(bits)];
		*ret_conflict = (struct pst_conflict){
			.first = a < b ? a : b,
			.second = a < b ? b : a,
			.id = kind->id,
			.what = kind->what,
			.first_pos = kind->pos(&w[a < b ? a : b]),
			.second_pos = kind->pos(&w[a < b ? b : a]),
		};
		return 1;
	}
	return 0;
}
