// SPDX-License-Identifier: Apache-2.0
#include "compiler/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/compile.h"
#include "compiler/diff_cast.h"
#include "compiler/diff_group.h"
#include "compiler/diff_http.h"
#include "compiler/diff_ports.h"

/* The spans of one pair of maps: most peers of a subject share both. */
struct known_maps {
	const struct pst_bundle_entry *entries[PST_DIFF_SIDES];
	enum pst_verdict rest[PST_DIFF_SIDES];
	size_t first, n; /* in the list of spans */
};

struct run {
	const struct pst_diff_query *q;
	struct pst_diags *diags;
	struct pst_diff *out;
	struct pst_diff_cast cast;
	struct pst_diff_http http;
	struct pst_diff_groups groups;
	/* Of the subject and direction at hand: */
	struct PST_VEC(struct known_maps) maps;
	struct pst_diff_spans spans;
};

static int compile(struct run *r, int side)
{
	const struct pst_diff_stage *stage = &r->cast.stage[side];
	const struct pst_compile_opts opts = {.also = &r->cast.stage[!side].policies};

	r->out->n_policies[side] = stage->policies.n_policies;
	return pst_compile(&stage->policies, &stage->inventory, &opts, r->diags,
			   &r->out->bundles[side]);
}

static struct pst_diff_map map_of(const struct run *r, int side,
				  const struct pst_diff_actor *subject, enum pst_dir direction,
				  const struct pst_diff_actor *peer)
{
	if (!subject->known[side])
		return pst_diff_map_unknown();
	return pst_diff_map_of(r->out->bundles[side], subject->id[side], direction, peer->id[side]);
}

/* The gate is what decides; who has no rule set, has number 0. */
static struct pst_diff_gate gate(const struct pst_diff_span *s, int side)
{
	const struct pst_policy_value *v = &s->value[side];
	const bool judged = v->verdict == PST_VERDICT_JUDGE || v->verdict == PST_VERDICT_FALLBACK;

	return (struct pst_diff_gate){side, v->verdict, judged ? v->ruleset : 0};
}

/* Drops from the spans behind FIRST those without a difference. */
static int keep_differing(struct run *r, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < r->spans.n; i++) {
		const struct pst_diff_span s = r->spans.v[i];
		const struct pst_diff_gate old = gate(&s, PST_DIFF_OLD),
					   new = gate(&s, PST_DIFF_NEW);
		struct pst_diff_surplus more, less;
		int e = pst_diff_http_surplus(&r->http, &new, &old, &more);

		if (!e)
			e = pst_diff_http_surplus(&r->http, &old, &new, &less);
		if (e)
			return e;
		if (more.found || less.found || more.unknown || less.unknown)
			r->spans.v[kept++] = s;
	}
	r->spans.n = kept;
	return 0;
}

static int find_spans(struct run *r, const struct pst_diff_map maps[PST_DIFF_SIDES],
		      struct known_maps *ret)
{
	struct known_maps k = {.first = r->spans.n};
	int e;

	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		k.entries[s] = maps[s].entries;
		k.rest[s] = maps[s].rest.verdict;
	}
	for (size_t i = 0; i < r->maps.n; i++) {
		const struct known_maps *m = &r->maps.v[i];

		if (!memcmp(m->entries, k.entries, sizeof(k.entries)) &&
		    !memcmp(m->rest, k.rest, sizeof(k.rest))) {
			*ret = *m;
			return 0;
		}
	}
	e = pst_diff_spans_find(maps, &r->spans);
	if (!e)
		e = keep_differing(r, k.first);
	k.n = r->spans.n - k.first;
	*ret = k;
	return e ? e : pst_vec_push(&r->maps, k);
}

static int compare_peer(struct run *r, uint32_t subject, enum pst_dir direction, uint32_t peer)
{
	const struct pst_diff_actor *actors = r->cast.actors.v;
	struct pst_diff_map maps[PST_DIFF_SIDES];
	struct known_maps k;
	int e;

	for (int s = 0; s < PST_DIFF_SIDES; s++)
		maps[s] = map_of(r, s, &actors[subject], direction, &actors[peer]);
	e = find_spans(r, maps, &k);
	for (size_t i = 0; !e && i < k.n; i++)
		e = pst_diff_groups_add(&r->groups, &r->spans.v[k.first + i], direction, subject,
					peer);
	return e;
}

static int compare_subject(struct run *r, uint32_t subject)
{
	int e = 0;

	for (int d = 0; d < PST_DIRECTION_MAX; d++) {
		r->maps.n = 0;
		r->spans.n = 0;
		for (uint32_t peer = 0; !e && peer < r->cast.actors.n; peer++)
			e = compare_peer(r, subject, d, peer);
	}
	return e;
}

static int compare_all(struct run *r)
{
	int e = 0;

	for (uint32_t i = 0; !e && i < r->cast.actors.n; i++) {
		const struct pst_diff_actor *a = &r->cast.actors.v[i];

		if (a->kind == PST_DIFF_OUTSIDE || a->kind == PST_DIFF_RESERVED ||
		    a->kind == PST_DIFF_NODE || !a->subject)
			continue;
		r->out->n_subjects++;
		e = compare_subject(r, i);
	}
	r->out->n_peers = r->cast.actors.n;
	return e;
}

static struct pst_diff_verdict verdict(const struct run *r, const struct pst_diff_group *g,
				       int side)
{
	const struct pst_bundle *b = r->out->bundles[side];
	const struct pst_policy_value *v = &g->span.value[side];

	return (struct pst_diff_verdict){
		.verdict = v->verdict,
		.unknown_subject =
			v->verdict == PST_VERDICT_DENY && v->ruleset == PST_DIFF_NO_SUBJECT,
		.rule = v->rule < b->n_rules ? &b->rules[v->rule] : NULL,
	};
}

/* A number that people know, if there is one. */
static uint16_t choose_port(const struct pst_diff_span *s)
{
	static const uint16_t usual[] = {80, 443, 8080, 53};
	const bool has_ports = s->protocols & 7;

	for (size_t i = 0; has_ports && i < sizeof(usual) / sizeof(*usual); i++) {
		if (s->first <= usual[i] && usual[i] <= s->last)
			return usual[i];
	}
	return has_ports && !s->first && s->last ? 1 : s->first;
}

static int cmp_kind(const void *va, const void *vb, void *ctx)
{
	const uint32_t *a = va, *b = vb;
	const struct pst_diff_actor *actors = ctx;
	int r = (int)actors[*a].kind - (int)actors[*b].kind;

	return r ? r : (*a > *b) - (*a < *b);
}

/* Who is best known comes first, and is the witness. */
static void order(const struct run *r, uint32_t *v, size_t n)
{
	qsort_r(v, n, sizeof(*v), cmp_kind, r->out->actors);
}

static struct pst_diff_finding describe(const struct run *r, const struct pst_diff_group *g)
{
	struct pst_diff_finding f = {
		.direction = (enum pst_direction)g->direction,
		.protocols = g->span.protocols,
		.first = g->span.first,
		.last = g->span.last,
		.port = choose_port(&g->span),
		.subjects = g->subjects,
		.n_subjects = g->n_subjects,
		.peers = g->peers,
		.n_peers = g->n_peers,
	};

	order(r, g->subjects, g->n_subjects);
	order(r, g->peers, g->n_peers);
	for (int s = 0; s < PST_DIFF_SIDES; s++)
		f.side[s] = verdict(r, g, s);
	return f;
}

struct findings PST_VEC(struct pst_diff_finding);

/* What MORE allows beyond the other side in group G, if it is of KIND. */
static int add_finding(struct run *r, const struct pst_diff_group *g, enum pst_diff_side more,
		       enum pst_diff_kind kind, struct findings *all)
{
	struct pst_diff_gate a = gate(&g->span, more), b = gate(&g->span, !more);
	struct pst_diff_finding f = describe(r, g);
	struct pst_diff_surplus s;
	int e = pst_diff_http_surplus(&r->http, &a, &b, &s);

	if (e || (kind == PST_DIFF_UNKNOWN ? s.found || !s.unknown : !s.found))
		return e;
	f.kind = kind;
	f.why = s.unknown;
	f.has_request = s.found && !s.whole;
	f.request = s.request;
	f.side[more].http = s.rule;
	r->out->count[kind]++;
	return pst_vec_push(all, f);
}

static int write_findings(struct run *r)
{
	static const struct {
		enum pst_diff_kind kind;
		enum pst_diff_side more;
	} passes[] = {
		{PST_DIFF_WIDENED, PST_DIFF_NEW},
		{PST_DIFF_NARROWED, PST_DIFF_OLD},
		{PST_DIFF_UNKNOWN, PST_DIFF_NEW},
		{PST_DIFF_UNKNOWN, PST_DIFF_OLD},
	};
	struct findings all = {0};
	int e = 0;

	for (size_t p = 0; p < sizeof(passes) / sizeof(*passes); p++) {
		for (size_t i = 0; !e && i < r->groups.n; i++)
			e = add_finding(r, &r->groups.v[i], passes[p].more, passes[p].kind, &all);
	}
	if (!e) {
		r->out->findings =
			pst_arena_calloc(r->out->arena, all.n, sizeof(*r->out->findings));
		e = r->out->findings ? 0 : -ENOMEM;
	}
	if (!e && all.n)
		memcpy(r->out->findings, all.v, all.n * sizeof(*all.v));
	if (!e)
		r->out->n_findings = all.n;
	pst_vec_free(&all);
	return e;
}

/* The cast's lists, as parts of the result. */
static int write_cast(struct run *r)
{
	struct pst_diff *out = r->out;
	const size_t actors = r->cast.actors.n, names = r->cast.port_names.n;

	out->actors = pst_arena_calloc(out->arena, actors, sizeof(*out->actors));
	out->port_names = pst_arena_calloc(out->arena, names, sizeof(*out->port_names));
	if (!out->actors || !out->port_names)
		return -ENOMEM;
	if (actors)
		memcpy(out->actors, r->cast.actors.v, actors * sizeof(*out->actors));
	if (names)
		memcpy(out->port_names, r->cast.port_names.v, names * sizeof(*out->port_names));
	out->n_actors = actors;
	out->n_port_names = names;
	out->all_subjects = r->cast.all_subjects;
	out->all_peers = r->cast.all_peers;
	return 0;
}

static int run(struct run *r)
{
	int e = pst_diff_cast_init(&r->cast, r->q, r->out->arena);

	for (int s = 0; !e && s < PST_DIFF_SIDES; s++) {
		e = compile(r, s);
		r->http.bundles[s] = r->out->bundles[s];
	}
	if (!e)
		e = pst_diff_cast_find(&r->cast, r->out->bundles);
	if (!e)
		e = pst_diff_http_init(&r->http);
	if (!e)
		e = compare_all(r);
	if (e == -E2BIG)
		pst_diff_groups_report(&r->groups, r->diags);
	if (!e)
		e = write_cast(r);
	if (!e)
		e = pst_diff_groups_form(&r->groups, r->out->arena);
	return e ? e : write_findings(r);
}

int pst_diff_run(const struct pst_diff_query *q, struct pst_diags *diags,
		 struct pst_diff **ret_diff)
{
	struct pst_arena *arena = pst_arena_new();
	struct pst_diff *out = arena ? pst_arena_alloc(arena, sizeof(*out)) : NULL;
	struct run r = {.q = q, .diags = diags, .out = out};
	int e;

	if (!out) {
		pst_arena_free(&arena);
		return -ENOMEM;
	}
	out->arena = arena;
	r.http.arena = arena;
	/* Patterns over the budget are not mistakes: what is unknown is a finding. */
	r.http.diags = pst_diags_new();
	e = r.http.diags ? run(&r) : -ENOMEM;
	pst_diff_http_fini(&r.http);
	pst_diags_free(&r.http.diags);
	pst_diff_cast_fini(&r.cast);
	pst_diff_groups_fini(&r.groups);
	pst_vec_free(&r.maps);
	pst_vec_free(&r.spans);
	if (e)
		pst_diff_free(&out);
	else
		*ret_diff = out;
	return e;
}

void pst_diff_free(struct pst_diff **d)
{
	struct pst_arena *arena = *d ? (*d)->arena : NULL;

	for (int s = 0; *d && s < PST_DIFF_SIDES; s++)
		pst_bundle_free(&(*d)->bundles[s]);
	pst_arena_free(&arena);
	*d = NULL;
}
