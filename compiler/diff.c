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
	enum pst_verdict rest[PST_DIFF_SIDES]; /* what it lets through */
	size_t first, n;		       /* in the list of spans */
};

struct findings PST_VEC(struct pst_diff_finding);

struct run {
	const struct pst_diff_query *q;
	struct pst_diags *diags;
	struct pst_diff *out;
	struct pst_diff_cast cast;
	struct findings findings;
	/* Of the scene at hand: */
	struct pst_diff_scene scene;
	struct pst_diff_http http;
	struct pst_diff_groups groups;
	/* Of the subject and direction at hand: */
	struct PST_VEC(struct known_maps) maps;
	struct pst_diff_spans spans;
};

static int compile(struct run *r, int side, struct pst_diags *diags)
{
	const struct pst_diff_stage *stage = &r->cast.stage[side];
	const struct pst_compile_opts opts = {.also = &r->cast.stage[!side].policies};

	return pst_compile(&stage->policies, &stage->inventory, &opts, diags,
			   &r->scene.bundles[side]);
}

static struct pst_diff_map map_of(const struct run *r, int side,
				  const struct pst_diff_actor *subject, enum pst_dir direction,
				  const struct pst_diff_actor *peer)
{
	if (!subject->known[side])
		return pst_diff_map_unknown();
	return pst_diff_map_of(r->scene.bundles[side], subject->id[side], direction,
			       peer->id[side]);
}

/* The gate is what decides; who has no rule set, has number 0. */
static struct pst_diff_gate gate(const struct pst_diff_span *s, int side)
{
	const struct pst_policy_value *v = &s->value[side];
	const enum pst_verdict lets = pst_diff_lets(v);
	const bool judged = lets == PST_VERDICT_JUDGE || lets == PST_VERDICT_FALLBACK;

	return (struct pst_diff_gate){side, lets, judged ? v->ruleset : 0};
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
		k.rest[s] = pst_diff_lets(&maps[s].rest);
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
	if (r->out->n_peers < r->cast.actors.n)
		r->out->n_peers = r->cast.actors.n;
	return e;
}

static struct pst_diff_verdict verdict(const struct run *r, const struct pst_diff_group *g,
				       int side)
{
	const struct pst_bundle *b = r->scene.bundles[side];
	const struct pst_policy_value *v = &g->span.value[side];

	return (struct pst_diff_verdict){
		.verdict = v->verdict,
		.audited = v->deny_rule & PST_POLICY_AUDIT,
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
	qsort_r(v, n, sizeof(*v), cmp_kind, r->cast.actors.v);
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
		.anybody = g->n_peers > 1 && g->n_peers == r->cast.actors.n,
	};

	order(r, g->subjects, g->n_subjects);
	order(r, g->peers, g->n_peers);
	for (int s = 0; s < PST_DIFF_SIDES; s++)
		f.side[s] = verdict(r, g, s);
	return f;
}

/* What MORE allows beyond the other side in group G, if it is of KIND. */
static int add_finding(struct run *r, const struct pst_diff_group *g, enum pst_diff_side more,
		       enum pst_diff_kind kind)
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
	return pst_vec_push(&r->findings, f);
}

static int add_findings(struct run *r, const struct pst_diff_group *g)
{
	int e = add_finding(r, g, PST_DIFF_NEW, PST_DIFF_WIDENED);

	if (!e)
		e = add_finding(r, g, PST_DIFF_OLD, PST_DIFF_NARROWED);
	if (!e)
		e = add_finding(r, g, PST_DIFF_NEW, PST_DIFF_UNKNOWN);
	return e ? e : add_finding(r, g, PST_DIFF_OLD, PST_DIFF_UNKNOWN);
}

/* The scene's actors become the result's, with numbers behind those that are there. */
static int keep_scene(struct run *r, size_t first_finding)
{
	struct pst_diff *out = r->out;
	const uint32_t before = (uint32_t)out->actors.n;

	for (size_t i = 0; i < r->cast.actors.n; i++) {
		if (pst_vec_push(&out->actors, r->cast.actors.v[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < r->groups.n; i++) {
		const struct pst_diff_group *g = &r->groups.v[i];

		for (size_t k = 0; k < g->n_subjects; k++)
			g->subjects[k] += before;
		for (size_t k = 0; k < g->n_peers; k++)
			g->peers[k] += before;
	}
	/* Without findings nothing points into the bundles. */
	if (r->findings.n == first_finding)
		return 0;
	if (pst_vec_push(&out->scenes, r->scene))
		return -ENOMEM;
	r->scene = (struct pst_diff_scene){0};
	return 0;
}

static int play(struct run *r)
{
	const size_t before = r->findings.n;
	int e = pst_diff_cast_find(&r->cast, r->scene.bundles);

	for (int s = 0; s < PST_DIFF_SIDES; s++)
		r->http.bundles[s] = r->scene.bundles[s];
	if (!e)
		e = pst_diff_http_init(&r->http);
	if (!e)
		e = compare_all(r);
	if (e == -E2BIG)
		pst_diff_groups_report(&r->groups, r->diags);
	if (!e)
		e = pst_diff_groups_form(&r->groups, r->out->arena);
	for (size_t i = 0; !e && i < r->groups.n; i++)
		e = add_findings(r, &r->groups.v[i]);
	return e ? e : keep_scene(r, before);
}

static bool is_known(const struct pst_diags *diags, const struct pst_diag *d)
{
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_diag *k = pst_diags_at(diags, i);

		if (!strcmp(k->id, d->id) && k->pos.line == d->pos.line &&
		    k->pos.col == d->pos.col && !strcmp(k->message, d->message))
			return true;
	}
	return false;
}

/* Is it a warning about a name that the inventory does not have? See compiler/dangling.h. */
static bool is_unresolved(const char *id)
{
	static const char *const ids[] = {"cidr-group-unknown", "service-unknown", "name-unknown",
					  "secret-unknown"};

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		if (!strcmp(ids[i], id))
			return true;
	}
	return false;
}

/* The value of a header, which stands in a Secret. */
static void report_secrets(const struct pst_http_rule *http, const char *policy_ns,
			   const struct pst_inventory *inv, struct pst_diags *diags)
{
	for (size_t i = 0; i < http->n_matches; i++) {
		const struct pst_secret *secret = &http->matches[i].secret;
		const char *ns = secret->ns.s && secret->ns.len ? secret->ns.s : policy_ns;
		size_t k = 0;

		while (secret->name.s && k < inv->n_secrets &&
		       (strcmp(inv->secrets[k].ns, ns) ||
			strcmp(inv->secrets[k].name, secret->name.s)))
			k++;
		if (secret->name.s && k == inv->n_secrets)
			pst_diags_add(diags, PST_SEVERITY_WARNING, "secret-unknown",
				      &secret->name.pos,
				      "the inventory has no Secret \"%s\" in the namespace \"%s\"",
				      secret->name.s, ns);
	}
}

static void report_open(const struct pst_rule *rule, const struct pst_inventory *inv,
			struct pst_diags *diags)
{
	for (size_t i = 0; !inv->n_services && i < rule->n_services; i++) {
		if (rule->services[i].selector)
			pst_diags_add(diags, PST_SEVERITY_WARNING, "service-unknown",
				      &rule->services[i].selector->pos,
				      "the inventory has no Services: this means nobody");
	}
	for (size_t i = 0; !inv->n_cidr_groups && i < rule->n_cidrs; i++) {
		if (rule->cidrs[i].group_selector)
			pst_diags_add(diags, PST_SEVERITY_WARNING, "cidr-group-unknown",
				      &rule->cidrs[i].group_selector->pos,
				      "the inventory has no CiliumCIDRGroups: this means nobody");
	}
}

static void report_ports(const struct pst_rule *rule, const char *policy_ns,
			 const struct pst_inventory *inv, struct pst_diags *diags)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		for (size_t k = 0; k < rule->ports[i].n_http; k++)
			report_secrets(&rule->ports[i].http[k], policy_ns, inv, diags);
	}
}

/* Errors of a compilation, and what is unresolved, each once: a policy can stand in several scenes.
 */
static void keep_errors(struct run *r, const struct pst_diags *diags)
{
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_diag *d = pst_diags_at(diags, i);

		const bool open = is_unresolved(d->id) && !r->q->only_inventory;

		if ((d->severity != PST_SEVERITY_ERROR && !open) || is_known(r->diags, d))
			continue;
		pst_diags_add(r->diags, d->severity, d->id, &d->pos, "%s", d->message);
		r->out->n_unresolved += open;
		r->out->count[PST_DIFF_UNKNOWN] += open;
	}
}

/* A selector of services or groups says as little as their names where there are none. */
static void find_open_selectors(const struct pst_policy_set *set, const struct pst_inventory *inv,
				struct pst_diags *diags)
{
	for (size_t p = 0; p < set->n_policies; p++) {
		for (size_t s = 0; s < set->policies[p].n_specs; s++) {
			const struct pst_spec *spec = &set->policies[p].specs[s];

			for (size_t i = 0; i < spec->n_rules; i++) {
				report_open(&spec->rules[i], inv, diags);
				report_ports(&spec->rules[i], set->policies[p].ns, inv, diags);
			}
		}
	}
}

static void drop_scene(struct run *r)
{
	pst_diff_http_fini(&r->http);
	pst_diff_groups_fini(&r->groups);
	r->groups = (struct pst_diff_groups){0};
	for (int s = 0; s < PST_DIFF_SIDES; s++)
		pst_bundle_free(&r->scene.bundles[s]);
}

/* A scene of N subjects; *RET_FITS: they have room in the tables together. */
static int try(struct run *r, size_t first, size_t n, bool *ret_fits)
{
	struct pst_diags *diags = pst_diags_new();
	int e = diags ? pst_diff_cast_set(&r->cast, first, n) : -ENOMEM;

	for (int s = 0; !e && s < PST_DIFF_SIDES; s++) {
		find_open_selectors(&r->cast.stage[s].policies, r->q->inventory[s], diags);
		e = compile(r, s, diags);
	}
	*ret_fits = e != -E2BIG || n <= 1 || pst_diff_cast_has_two(&r->cast);
	if (diags && *ret_fits)
		keep_errors(r, diags);
	pst_diags_free(&diags);
	if (!e)
		e = play(r);
	drop_scene(r);
	return e;
}

/* All subjects at once if that is possible, else in halves, and so on. */
static int run_scenes(struct run *r, size_t first, size_t n)
{
	bool fits = true;
	int e = n ? try(r, first, n, &fits) : 0;

	if (fits)
		return e;
	e = run_scenes(r, first, n / 2);
	return e ? e : run_scenes(r, first + n / 2, n - n / 2);
}

/* By kinds; within a kind in the order in which they were found. */
static int write_findings(struct run *r)
{
	struct pst_diff *out = r->out;

	out->findings = pst_arena_calloc(out->arena, r->findings.n, sizeof(*out->findings));
	if (!out->findings)
		return -ENOMEM;
	for (int kind = 0; kind < PST_DIFF_KINDS; kind++) {
		for (size_t i = 0; i < r->findings.n; i++) {
			if (r->findings.v[i].kind == (enum pst_diff_kind)kind)
				out->findings[out->n_findings++] = r->findings.v[i];
		}
	}
	return 0;
}

static int write_cast(struct run *r)
{
	struct pst_diff *out = r->out;
	const size_t names = r->cast.port_names.n;

	out->port_names = pst_arena_calloc(out->arena, names, sizeof(*out->port_names));
	if (!out->port_names)
		return -ENOMEM;
	if (names)
		memcpy(out->port_names, r->cast.port_names.v, names * sizeof(*out->port_names));
	out->n_port_names = names;
	out->all_subjects = r->cast.all_subjects;
	out->all_peers = r->cast.all_peers;
	memcpy(out->n_policies, r->cast.n_policies, sizeof(out->n_policies));
	return 0;
}

static int run(struct run *r)
{
	int e = pst_diff_cast_init(&r->cast, r->q, r->out->arena);

	if (!e)
		e = run_scenes(r, 0, r->cast.subjects.n);
	if (!e)
		e = write_cast(r);
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
	drop_scene(&r);
	pst_diags_free(&r.http.diags);
	pst_diff_cast_fini(&r.cast);
	pst_vec_free(&r.findings);
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

	if (!*d)
		return;
	for (size_t i = 0; i < (*d)->scenes.n; i++) {
		for (int s = 0; s < PST_DIFF_SIDES; s++)
			pst_bundle_free(&(*d)->scenes.v[i].bundles[s]);
	}
	pst_vec_free(&(*d)->scenes);
	pst_vec_free(&(*d)->actors);
	pst_arena_free(&arena);
	*d = NULL;
}
