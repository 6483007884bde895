// SPDX-License-Identifier: Apache-2.0
/*
 * The second half of policy/conflict.h: rules that conflict for an endpoint that both select, where
 * neither subject implies the other.
 */
#include "policy/conflict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "policy/conflict_claim.h"
#include "policy/conflict_kind.h"
#include "policy/selector_algebra.h"

/* Pairs of claims looked at, a comparison of subjects counting for more: well below a second. */
enum { MAX_WORK = 1 << 22 };

/* A claim, and the one namespace that its subject requires; 0: it requires no single one. */
struct placed {
	const struct pst_claim *claim;
	uint64_t ns;
};

/*
 * Claims with one direction, peer, protocol and wish, all on ranges of ports or none; by namespace,
 * then by port.
 */
struct run {
	const struct placed *first, *end;
};

struct overlap {
	const struct pst_wish *first, *second; /* in the order of the set */
	unsigned int kind;
};

struct search {
	struct pst_claims claims;
	struct placed *placed;
	struct PST_VEC(struct overlap) found;
	size_t work; /* left */
};

static bool spend(struct search *s, size_t work)
{
	s->work -= work < s->work ? work : s->work;
	return s->work;
}

static uint64_t namespace_of(const struct pst_selector *subject)
{
	for (size_t i = 0; i < subject->n_reqs; i++) {
		if (pst_claim_is_namespace(&subject->reqs[i]))
			return pst_claim_anchor(&subject->reqs[i]);
	}
	return 0;
}

/* Those that can meet at all beside each other. */
static int compare_places(const struct pst_claim *a, const struct pst_claim *b)
{
	int r = (int)a->wish->rule->direction - (int)b->wish->rule->direction;

	if (!r)
		r = (a->protocol > b->protocol) - (a->protocol < b->protocol);
	return r ? r : strcmp(a->peer, b->peer);
}

static int compare_runs(const struct placed *a, const struct placed *b)
{
	int r = compare_places(a->claim, b->claim);

	if (!r)
		r = strcmp(a->claim->wish->text, b->claim->wish->text);
	return r ? r : (int)pst_claim_is_range(a->claim) - (int)pst_claim_is_range(b->claim);
}

/* Names behind numbers. */
static int compare_ports(const struct placed *a, const struct placed *b)
{
	const char *an = a->claim->port_name, *bn = b->claim->port_name;
	int r = (a->ns > b->ns) - (a->ns < b->ns);

	if (!r)
		r = strcmp(an ? an : "", bn ? bn : "");
	return r ? r : (a->claim->first > b->claim->first) - (a->claim->first < b->claim->first);
}

static int compare_placed(const void *va, const void *vb)
{
	const struct placed *a = va, *b = vb;
	int r = compare_runs(a, b);

	if (!r)
		r = compare_ports(a, b);
	return r ? r : pst_wish_compare(a->claim->wish, b->claim->wish);
}

static bool implied(const struct pst_selector *a, const struct pst_selector *b)
{
	return pst_selector_implies(a, b) || pst_selector_implies(b, a);
}

/* Can an endpoint be selected by both, without one subject implying the other? */
static bool overlap(struct search *s, const struct pst_claim *a, const struct pst_claim *b)
{
	const struct pst_spec *sa = a->wish->spec, *sb = b->wish->spec;

	if (sa == sb || sa->subject_is_node != sb->subject_is_node || !pst_claims_share_port(a, b))
		return false;
	if (!spend(s, 1 + sa->subject.n_reqs * (1 + sa->subject.n_reqs + sb->subject.n_reqs)))
		return false;
	return !pst_selector_disjoint(&sa->subject, &sb->subject) &&
	       !implied(&sa->subject, &sb->subject);
}

static int note(struct search *s, unsigned int kinds, const struct pst_claim *a,
		const struct pst_claim *b)
{
	const bool swap = pst_wish_compare(a->wish, b->wish) > 0;

	for (unsigned int k = 0; k < PST_CONFLICT_KINDS; k++) {
		const struct overlap o = {
			.first = swap ? b->wish : a->wish,
			.second = swap ? a->wish : b->wish,
			.kind = k,
		};

		if (kinds >> k & 1 && pst_vec_push(&s->found, o))
			return -ENOMEM;
	}
	return 0;
}

/* The first of B that is not in front of AT. */
static const struct placed *lower_bound(const struct run *b, const struct placed *at)
{
	const struct placed *low = b->first, *high = b->end;

	while (low < high) {
		const struct placed *middle = low + (high - low) / 2;

		if (compare_ports(middle, at) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The part of B in the namespace NS among which are all that share a port with A. */
static struct run part_of(const struct run *b, uint64_t ns, const struct pst_claim *a)
{
	const bool ranges = pst_claim_is_range(b->first->claim);
	struct pst_claim low = {.port_name = a->port_name, .first = ranges ? 0 : a->first};
	struct pst_claim high = {.port_name = a->port_name, .first = a->last + 1};
	const struct placed from = {&low, ns}, to = {&high, ns};

	return (struct run){lower_bound(b, &from), lower_bound(b, &to)};
}

/* Looks in B's claims for the first that overlaps with A. 1 when there is one. */
static int look_among(struct search *s, unsigned int kinds, const struct placed *a,
		      const struct run *b)
{
	for (const struct placed *p = b->first; p < b->end && spend(s, 1); p++) {
		if (overlap(s, a->claim, p->claim))
			return note(s, kinds, a->claim, p->claim) ? -ENOMEM : 1;
	}
	return 0;
}

/* Looks in B in all namespaces, because A requires none. */
static int look_everywhere(struct search *s, unsigned int kinds, const struct placed *a,
			   const struct run *b)
{
	static const struct pst_claim lowest = {.first = 0};
	struct placed next = {&lowest, 0};
	const struct placed *p = b->first;
	int r = 0;

	while (!r && p < b->end && spend(s, 1)) {
		const struct run part = part_of(b, p->ns, a->claim);

		r = look_among(s, kinds, a, &part);
		next.ns = p->ns + 1;
		p = next.ns ? lower_bound(b, &next) : b->end;
	}
	return r;
}

/* Two runs whose wishes conflict: of each claim of A one finding is enough. */
static int compare_two(struct search *s, unsigned int kinds, const struct run *a,
		       const struct run *b)
{
	int r = 0;

	for (const struct placed *p = a->first; r >= 0 && p < a->end && spend(s, 1); p++) {
		const struct run same = part_of(b, p->ns, p->claim);
		const struct run any = part_of(b, 0, p->claim);

		if (!p->ns) {
			r = look_everywhere(s, kinds, p, b);
			continue;
		}
		r = look_among(s, kinds, p, &same);
		if (!r)
			r = look_among(s, kinds, p, &any);
	}
	return r < 0 ? r : 0;
}

static struct run run_at(const struct search *s, const struct placed *first)
{
	struct run run = {first, first};

	while (run.end < s->placed + s->claims.n && !compare_runs(first, run.end))
		run.end++;
	return run;
}

/* Each run with those behind it that stand at the same place. */
static int find(struct search *s)
{
	const struct placed *end = s->placed + s->claims.n;
	struct run a, b;
	int r = 0;

	for (const struct placed *p = s->placed; !r && p < end && s->work; p = a.end) {
		a = run_at(s, p);
		for (const struct placed *q = a.end; !r && q < end && spend(s, 1); q = b.end) {
			unsigned int kinds;

			if (compare_places(p->claim, q->claim))
				break;
			b = run_at(s, q);
			kinds = pst_conflict_kinds_between(p->claim->wish, q->claim->wish);
			if (kinds)
				r = compare_two(s, kinds, &a, &b);
		}
	}
	return r;
}

static int compare_found(const void *va, const void *vb)
{
	const struct overlap *a = va, *b = vb;
	int r = pst_wish_compare(a->second, b->second);

	if (!r)
		r = (a->kind > b->kind) - (a->kind < b->kind);
	return r ? r : pst_wish_compare(a->first, b->first);
}

/* One for each kind at a rule. */
static void report(struct search *s, struct pst_diags *diags)
{
	if (s->found.n)
		qsort(s->found.v, s->found.n, sizeof(*s->found.v), compare_found);
	for (size_t i = 0; i < s->found.n; i++) {
		const struct overlap *o = &s->found.v[i];
		const struct pst_conflict_kind *kind = &pst_conflict_kinds[o->kind];
		const struct pst_policy *p = o->first->policy;

		if (i && o[-1].second == o->second && o[-1].kind == o->kind)
			continue;
		pst_diags_add(
			diags, PST_SEVERITY_WARNING, "conflict-overlap", kind->pos(o->second),
			"%s for the same peers, where an endpoint has the labels of both subjects: this rule and one of %s%s%s",
			kind->what, p->ns, *p->ns ? "/" : "", p->name);
		pst_diags_note(diags, kind->pos(o->first), "the other rule");
	}
}

static int place(struct search *s)
{
	s->placed = pst_mem_calloc(s->claims.n, sizeof(*s->placed));
	if (!s->placed)
		return -ENOMEM;
	for (size_t i = 0; i < s->claims.n; i++) {
		const struct pst_claim *claim = &s->claims.v[i];

		s->placed[i] = (struct placed){claim, namespace_of(&claim->wish->spec->subject)};
	}
	if (s->claims.n)
		qsort(s->placed, s->claims.n, sizeof(*s->placed), compare_placed);
	return 0;
}

static void search_fini(struct search *s)
{
	free(s->claims.v);
	free(s->placed);
	pst_vec_free(&s->found);
}

int pst_conflicts_find_overlaps(const struct pst_policy_set *set, struct pst_diags *diags)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();
	struct search s pst_cleanup(search_fini) = {.work = MAX_WORK};

	if (!arena || pst_claims_collect(arena, set, &s.claims) || place(&s) || find(&s))
		return -ENOMEM;
	report(&s, diags);
	if (!s.work)
		pst_diags_add(
			diags, PST_SEVERITY_WARNING, "conflict-limit", &set->policies[0].pos,
			"too many rules to compare each with each: there may be subjects that overlap and are not reported");
	return 0;
}
