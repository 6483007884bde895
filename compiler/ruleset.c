// SPDX-License-Identifier: Apache-2.0
#include "compiler/ruleset.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/header.h"
#include "compiler/pathsplit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Matches every text, also one that is not UTF-8: \C is any byte. */
static const char any_text[] = "\\C*";

struct combination {
	const struct pst_text *method, *host; /* NULL: not restricted */
	const struct pst_bundle_rule *rule;   /* one of it, for its headers */
};

/* The rule set being formed. */
struct form {
	struct pst_ruleset_table *t;
	const uint32_t *rules;
	size_t n;
	struct combination combinations[PST_RULESET_MAX_COMBINATIONS];
	size_t n_combinations;
	uint64_t *rule_tags;		     /* per rule */
	const char *slots[PST_HEADER_SLOTS]; /* names of the fields that are asked for, sorted */
	size_t n_slots;
	struct refusal *refusal; /* not NULL: something else can be tried, no warning yet */
};

/* Why something does not fit, and where that is written. */
struct refusal {
	struct pst_pos pos;
	const char *why;
};

struct patterns PST_VEC(struct pst_pattern);

void pst_ruleset_table_init(struct pst_ruleset_table *t, const struct pst_ruleset_table *borrowed)
{
	*t = (struct pst_ruleset_table){
		.catalog = borrowed->catalog,
		.limits = borrowed->limits,
		.packer = borrowed->packer,
		.larder = borrowed->larder,
		.arena = borrowed->arena,
		.diags = borrowed->diags,
		.names = borrowed->names,
	};
}

void pst_ruleset_table_fini(struct pst_ruleset_table *t)
{
	for (size_t i = 0; i < t->shared.n; i++)
		free(t->shared.v[i].patterns);
	pst_vec_free(&t->shared);
	pst_vec_free(&t->sets);
	free(t->by_rules.v);
	free(t->by_patterns.v);
}

/* What is there already, by what it says. */

static uint64_t hash_rules(const uint32_t *rules, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = pst_buckets_mix(h, rules[i]);
	return h;
}

static uint64_t hash_pattern(uint64_t h, const struct pst_pattern *p)
{
	h = pst_buckets_mix(pst_buckets_mix(h, p->len), p->tag);
	for (size_t i = 0; i < p->len; i++)
		h = pst_buckets_mix(h, (unsigned char)p->re[i]);
	return h;
}

static uint64_t hash_patterns(const struct patterns *p)
{
	uint64_t h = p->n;

	for (size_t i = 0; i < p->n; i++)
		h = hash_pattern(h, &p->v[i]);
	return h;
}

static uint64_t hash_of_set(const void *ctx, size_t i)
{
	const struct pst_ruleset_table *t = ctx;

	return hash_rules(t->sets.v[i].rules, t->sets.v[i].n_rules);
}

static uint64_t hash_of_shared(const void *ctx, size_t i)
{
	return ((const struct pst_ruleset_table *)ctx)->shared.v[i].hash;
}

static bool same_text(const struct pst_text *a, const struct pst_text *b)
{
	if (!a || !b)
		return a == b;
	return a->len == b->len && !memcmp(a->s, b->s, a->len);
}

/* The tag of the combination that rule INDEX belongs to; 0 when it would be one too many. */
static uint64_t combination_tag(struct form *f, uint32_t index)
{
	const struct pst_http_rule *rule = f->t->catalog->http[index];
	struct combination c = {
		.method = pst_catalog_field(rule, PST_FIELD_METHOD),
		.host = pst_catalog_field(rule, PST_FIELD_HOST),
		.rule = &f->t->catalog->rules[index],
	};

	for (size_t i = 0; i < f->n_combinations; i++) {
		if (same_text(f->combinations[i].method, c.method) &&
		    same_text(f->combinations[i].host, c.host) &&
		    !pst_header_cmp(f->combinations[i].rule, c.rule))
			return 1ull << i;
	}
	if (f->n_combinations == PST_RULESET_MAX_COMBINATIONS)
		return 0;
	f->combinations[f->n_combinations] = c;
	return 1ull << f->n_combinations++;
}

/* Patterns in canonical order, so that equal sets are found whatever the order of the rules. */
static int cmp_pattern(const void *va, const void *vb)
{
	const struct pst_pattern *a = va, *b = vb;
	size_t len = a->len < b->len ? a->len : b->len;
	int r = len ? memcmp(a->re, b->re, len) : 0;

	return r ? r : (a->len > b->len) - (a->len < b->len);
}

/* Sorts and joins equal patterns; the place of the first one written stays. */
static void join_patterns(struct patterns *p)
{
	size_t n = 0;

	if (!p->n)
		return;
	qsort(p->v, p->n, sizeof(*p->v), cmp_pattern);
	for (size_t i = 1; i < p->n; i++) {
		if (cmp_pattern(&p->v[n], &p->v[i]))
			p->v[++n] = p->v[i];
		else
			p->v[n].tag |= p->v[i].tag;
	}
	p->n = n + 1;
}

static int collect_patterns(const struct form *f, enum pst_field field, struct patterns *ret)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct pst_http_rule *rule = f->t->catalog->http[f->rules[i]];
		const struct pst_text *text = pst_catalog_field(rule, field);
		struct pst_pattern pattern = {
			.re = text ? text->s : any_text,
			.len = text ? text->len : strlen(any_text),
			.pos = text ? text->pos : rule->pos,
			.tag = f->rule_tags[i],
		};

		if (pst_vec_push(ret, pattern))
			return -ENOMEM;
	}
	join_patterns(ret);
	return 0;
}

static bool is_shared(const struct pst_ruleset_shared *s, const struct patterns *p, uint64_t hash)
{
	size_t k = 0;

	if (s->hash != hash || s->n != p->n)
		return false;
	while (k < s->n && s->patterns[k].tag == p->v[k].tag &&
	       !cmp_pattern(&s->patterns[k], &p->v[k]))
		k++;
	return k == s->n;
}

static const struct pst_packed *find_shared(const struct pst_ruleset_table *t,
					    const struct patterns *p, uint64_t hash)
{
	uint32_t i;

	for (size_t at = hash; (i = pst_buckets_at(&t->by_patterns, at)) != PST_BUCKETS_NONE;
	     at++) {
		if (is_shared(&t->shared.v[i], p, hash))
			return &t->shared.v[i].packed;
	}
	return NULL;
}

/* Takes the patterns of ONE over. */
static int add_shared(struct pst_ruleset_table *t, const struct pst_ruleset_shared *one)
{
	int r = pst_buckets_reserve(&t->by_patterns, t->shared.n, hash_of_shared, t);

	if (!r)
		r = pst_vec_push(&t->shared, *one);
	if (!r)
		pst_buckets_add(&t->by_patterns, one->hash, t->shared.n - 1);
	return r;
}

/* What a message names; a set whose rules were all refused has no first rule. */
static const struct pst_bundle_rule *first_rule(const struct form *f)
{
	static const struct pst_bundle_rule none = {.policy = "no policy", .path = "no rule"};

	return f->n ? &f->t->catalog->rules[f->rules[0]] : &none;
}

/* A place may come from a list of diagnostics that is gone before it is told. */
static int keep_file(struct pst_ruleset_table *t, struct pst_pos *pos)
{
	if (!pos->file)
		return 0;
	pos->file = pst_arena_strndup(t->arena, pos->file, strlen(pos->file));
	return pos->file ? 0 : -ENOMEM;
}

/* Why the set goes to the fallback: into *RET_WHY and, once per rule set, as a warning. */
static int give_up(const struct form *f, const struct pst_pos *pos, const char *why,
		   const char **ret_why)
{
	const struct pst_bundle_rule *first = first_rule(f);

	if (!why)
		return -ENOMEM;
	if (f->refusal) {
		*f->refusal = (struct refusal){*pos, why};
		return keep_file(f->t, &f->refusal->pos) ? -ENOMEM : -E2BIG;
	}
	*ret_why = why;
	pst_diags_add(f->t->diags, PST_SEVERITY_WARNING, "ruleset-fallback", pos,
		      "the rule set of %zu HTTP rule%s that begins with %s of %s does not fit the "
		      "kernel, its requests are for the userspace proxy: %s",
		      f->n, f->n == 1 ? "" : "s", first->path, first->policy, why);
	return -E2BIG;
}

/* The automaton builder's own words tell which pattern, which limit, and how far it came. */
static int give_up_building(const struct form *f, const struct pst_diags *said,
			    const char **ret_why)
{
	const struct pst_bundle_rule *first = first_rule(f);
	const struct pst_diag *d = pst_diags_count(said) ? pst_diags_at(said, 0) : NULL;

	return give_up(f, d ? &d->pos : &first->pos,
		       pst_arena_printf(f->t->arena, "%s",
					d ? d->message : "an automaton cannot be built"),
		       ret_why);
}

static int build(const struct form *f, const struct patterns *p,
		 struct pst_automaton **ret_automaton, const char **ret_why)
{
	struct pst_diags *said = pst_diags_new();
	int r;

	if (!said)
		return -ENOMEM;
	r = pst_larder_build(f->t->larder, p->v, p->n, f->t->limits, said, ret_automaton);
	/* The catalogue has let only valid patterns through: -EINVAL here is as good as too big. */
	if (r && r != -ENOMEM)
		r = give_up_building(f, said, ret_why);
	pst_diags_free(&said);
	return r;
}

static int put_in_tables(const struct form *f, const struct pst_automaton *a,
			 struct pst_packed *ret_packed, const char **ret_why)
{
	struct pst_pack_full full;
	int r = pst_packer_add(f->t->packer, a, ret_packed, &full);

	if (r == -E2BIG)
		r = give_up(
			f, &first_rule(f)->pos,
			pst_arena_printf(f->t->arena,
					 "an automaton of %u states would need %zu %s, the limit "
					 "is %zu",
					 a->n_states, full.need, full.table, full.limit),
			ret_why);
	/* To divide it would not help. */
	return r == -E2BIG && f->refusal ? -ENOSPC : r;
}

/* BUILT: the automaton of P; NULL: to be built. Takes P->v over when it is a new automaton. */
static int intern_automaton(const struct form *f, struct patterns *p,
			    const struct pst_automaton *built, struct pst_packed *ret_packed,
			    const char **ret_why)
{
	struct pst_automaton *own = NULL;
	struct pst_ruleset_shared shared = {.hash = hash_patterns(p), .patterns = p->v, .n = p->n};
	const struct pst_packed *known = find_shared(f->t, p, shared.hash);
	int r = 0;

	if (known) {
		*ret_packed = *known;
		return 0;
	}
	if (!built)
		r = build(f, p, &own, ret_why);
	if (!r)
		r = put_in_tables(f, built ? built : own, &shared.packed, ret_why);
	pst_automaton_free(&own);
	if (!r)
		r = add_shared(f->t, &shared);
	if (r)
		return r;
	*p = (struct patterns){0};
	*ret_packed = shared.packed;
	return 0;
}

static int pack_patterns(const struct form *f, struct patterns *patterns, uint32_t *ret_start,
			 uint32_t *ret_classes, const char **ret_why)
{
	struct pst_packed place;
	int r = intern_automaton(f, patterns, NULL, &place, ret_why);

	if (r)
		return r;
	*ret_start = place.start;
	*ret_classes = place.classes;
	return 0;
}

struct part {
	struct patterns patterns;
	struct pst_automaton *a;
};

static int deal(const struct patterns *p, const uint8_t *part, struct part *parts)
{
	int r = 0;

	for (size_t i = 0; !r && i < p->n; i++)
		r = pst_vec_push(&parts[part[i]].patterns, p->v[i]);
	return r;
}

/* All parts are built before one goes into the tables: what is there cannot be taken out again. */
static int pack_parts(const struct form *f, struct part *parts, unsigned n,
		      struct pst_ruleset *packed, const char **ret_why)
{
	struct pst_packed places[PST_PATH_PARTS];
	int r = 0;

	for (unsigned i = 0; !r && i < n; i++)
		if (!find_shared(f->t, &parts[i].patterns, hash_patterns(&parts[i].patterns)))
			r = build(f, &parts[i].patterns, &parts[i].a, ret_why);
	for (unsigned i = 0; !r && i < n; i++)
		r = intern_automaton(f, &parts[i].patterns, parts[i].a, &places[i], ret_why);
	if (r)
		return r;
	packed->start[PST_FIELD_PATH] = places[0].start;
	packed->classes[PST_FIELD_PATH] = places[0].classes;
	packed->n_more_paths = n - 1;
	for (unsigned i = 1; i < n; i++) {
		packed->more_path_start[i - 1] = places[i].start;
		packed->more_path_classes[i - 1] = places[i].classes;
	}
	return 0;
}

static int try_plan(const struct form *f, unsigned plan, const struct patterns *p,
		    struct pst_ruleset *packed)
{
	struct part parts[PST_PATH_PARTS] = {0};
	pst_auto_free uint8_t *part = pst_mem_calloc(p->n, 1);
	const char *unused;
	unsigned n;
	int r;

	if (!part)
		return -ENOMEM;
	n = pst_pathsplit_plan(plan, p->v, p->n, part);
	if (!n)
		return -E2BIG;
	r = deal(p, part, parts);
	if (!r)
		r = pack_parts(f, parts, n, packed, &unused);
	for (unsigned i = 0; i < PST_PATH_PARTS; i++) {
		pst_vec_free(&parts[i].patterns);
		pst_automaton_free(&parts[i].a);
	}
	return r;
}

/* One automaton, or as few as will do. Whatever comes of it, why one does not do is the reason. */
static int pack_paths(const struct form *f, struct patterns *p, struct pst_ruleset *packed,
		      const char **ret_why)
{
	struct refusal whole, part;
	struct form attempt = *f;
	int r;

	attempt.refusal = &whole;
	r = pack_patterns(&attempt, p, &packed->start[PST_FIELD_PATH],
			  &packed->classes[PST_FIELD_PATH], ret_why);
	if (r != -E2BIG && r != -ENOSPC)
		return r;
	attempt.refusal = &part;
	for (unsigned plan = 0; r == -E2BIG && plan < PST_PATHSPLIT_PLANS; plan++)
		r = try_plan(&attempt, plan, p, packed);
	if (r == -E2BIG || r == -ENOSPC)
		return give_up(f, &whole.pos, whole.why, ret_why);
	if (!r)
		*ret_why = whole.why;
	return r;
}

static int pack_field(const struct form *f, enum pst_field field, struct pst_ruleset *packed,
		      const char **ret_why)
{
	struct patterns patterns = {0};
	int r = collect_patterns(f, field, &patterns);

	if (!r && field == PST_FIELD_PATH)
		r = pack_paths(f, &patterns, packed, ret_why);
	else if (!r)
		r = pack_patterns(f, &patterns, &packed->start[field], &packed->classes[field],
				  ret_why);
	pst_vec_free(&patterns);
	return r;
}

static int assign_tags(struct form *f, const char **ret_why)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct pst_http_rule *rule = f->t->catalog->http[f->rules[i]];

		f->rule_tags[i] = combination_tag(f, f->rules[i]);
		if (!f->rule_tags[i])
			return give_up(f, &rule->pos,
				       pst_arena_printf(f->t->arena,
							"more than %d combinations of method, host "
							"and headers in one rule set",
							PST_RULESET_MAX_COMBINATIONS),
				       ret_why);
	}
	return 0;
}

/* Finds the place of NAME among the slots, or makes one. False: there are too many. */
static bool add_slot(struct form *f, const char *name)
{
	size_t at = 0;

	while (at < f->n_slots && strcmp(f->slots[at], name) < 0)
		at++;
	if (at < f->n_slots && !strcmp(f->slots[at], name))
		return true;
	if (f->n_slots == PST_HEADER_SLOTS)
		return false;
	memmove(&f->slots[at + 1], &f->slots[at], (f->n_slots - at) * sizeof(*f->slots));
	f->slots[at] = name;
	f->n_slots++;
	return true;
}

static int collect_rule_slots(struct form *f, const struct pst_bundle_rule *rule,
			      const char **ret_why)
{
	if (pst_header_acts(rule))
		return give_up(f, &rule->pos,
			       "header-action: a rule adds, deletes or replaces headers", ret_why);
	for (size_t k = 0; k < rule->n_headers; k++) {
		if (pst_header_is_condition(&rule->headers[k]) &&
		    !add_slot(f, rule->headers[k].name))
			return give_up(f, &rule->pos,
				       pst_arena_printf(f->t->arena,
							"more than %d different headers in one "
							"rule set",
							PST_HEADER_SLOTS),
				       ret_why);
	}
	return 0;
}

static int collect_slots(struct form *f, const char **ret_why)
{
	int r = 0;

	for (size_t i = 0; !r && i < f->n; i++)
		r = collect_rule_slots(f, &f->t->catalog->rules[f->rules[i]], ret_why);
	return r;
}

/* What RULE says about the field NAME; NULL: nothing. */
static const struct pst_bundle_header *condition_on(const struct pst_bundle_rule *rule,
						    const char *name)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		if (pst_header_is_condition(&rule->headers[i]) &&
		    !strcmp(rule->headers[i].name, name))
			return &rule->headers[i];
	}
	return NULL;
}

/* The patterns of slot K, one per combination; the tags of the field's absence to *RET_ABSENT. */
static int collect_slot(const struct form *f, size_t k, struct patterns *ret, uint64_t *ret_absent)
{
	for (size_t i = 0; i < f->n_combinations; i++) {
		const struct pst_bundle_rule *rule = f->combinations[i].rule;
		const struct pst_bundle_header *h = condition_on(rule, f->slots[k]);
		struct pst_pattern pattern = {.re = any_text, .pos = rule->pos, .tag = 1ull << i};

		if (h && h->value)
			pattern.re = pst_header_value_pattern(f->t->arena, h->value);
		if (!h)
			*ret_absent |= pattern.tag;
		if (!pattern.re)
			return -ENOMEM;
		pattern.len = strlen(pattern.re);
		if (pst_vec_push(ret, pattern))
			return -ENOMEM;
	}
	join_patterns(ret);
	return 0;
}

static int add_name(struct patterns *ret, const char *re, uint64_t tag)
{
	if (!re)
		return -ENOMEM;
	if (!*re)
		return 0;
	return pst_vec_push(ret, ((struct pst_pattern){.re = re, .len = strlen(re), .tag = tag}));
}

static int collect_names(const struct form *f, struct patterns *ret)
{
	struct pst_arena *arena = f->t->arena;
	int r = 0;

	for (size_t i = 0; !r && i < pst_n_header_names; i++)
		r = pst_vec_push(ret, pst_header_names[i]);
	for (size_t k = 0; !r && k < f->n_slots; k++) {
		r = add_name(ret, pst_header_name_pattern(arena, f->slots[k]),
			     (k + 1) << PST_HEADER_SLOT_SHIFT);
		if (!r)
			r = add_name(ret, pst_header_alias_pattern(arena, f->slots[k]),
				     PST_HEADER_JUDGED_ALIAS);
	}
	join_patterns(ret);
	return r;
}

static int pack_slot(const struct form *f, size_t k, struct pst_ruleset *packed,
		     const char **ret_why)
{
	struct patterns patterns = {0};
	uint64_t absent = 0;
	int r = collect_slot(f, k, &patterns, &absent);

	packed->slot_absent[k] = absent;
	if (!r)
		r = pack_patterns(f, &patterns, &packed->slot_start[k], &packed->slot_classes[k],
				  ret_why);
	pst_vec_free(&patterns);
	return r;
}

/* A set that asks for no headers shares the names of all. */
static int pack_slots(struct form *f, struct pst_ruleset *packed, const char **ret_why)
{
	struct patterns names = {0};
	int r = 0;

	packed->name_start = f->t->names.start;
	packed->name_classes = f->t->names.classes;
	packed->n_slots = (uint32_t)f->n_slots;
	if (!f->n_slots)
		return 0;
	r = collect_names(f, &names);
	if (!r)
		r = pack_patterns(f, &names, &packed->name_start, &packed->name_classes, ret_why);
	pst_vec_free(&names);
	for (size_t k = 0; !r && k < f->n_slots; k++)
		r = pack_slot(f, k, packed, ret_why);
	return r;
}

static int pack_form(struct form *f, struct pst_ruleset *packed, const char **ret_why)
{
	int r = collect_slots(f, ret_why);

	if (!r)
		r = assign_tags(f, ret_why);
	if (!r && f->t->sets.n >= PST_RULESETS)
		r = give_up(f, &first_rule(f)->pos,
			    pst_arena_printf(f->t->arena, "more than %d rule sets in one bundle",
					     PST_RULESETS),
			    ret_why);
	for (int field = 0; !r && field < PST_FIELD_MAX; field++)
		r = pack_field(f, field, packed, ret_why);
	if (!r)
		r = pack_slots(f, packed, ret_why);
	for (size_t i = 0; !r && i < f->n_combinations; i++) {
		if (!f->combinations[i].host)
			packed->absent[PST_FIELD_HOST] |= 1ull << i;
	}
	return r;
}

static int find_set(const struct pst_ruleset_table *t, const uint32_t *rules, size_t n,
		    uint32_t *ret_index)
{
	uint32_t i;

	for (size_t at = hash_rules(rules, n);
	     (i = pst_buckets_at(&t->by_rules, at)) != PST_BUCKETS_NONE; at++) {
		const struct pst_bundle_ruleset *set = &t->sets.v[i];

		if (set->n_rules != n || (n && memcmp(set->rules, rules, n * sizeof(*rules))))
			continue;
		*ret_index = i;
		return 0;
	}
	return -ENOENT;
}

static int add_set(struct pst_ruleset_table *t, const struct pst_bundle_ruleset *set)
{
	int r = pst_buckets_reserve(&t->by_rules, t->sets.n, hash_of_set, t);

	if (!r)
		r = pst_vec_push(&t->sets, *set);
	if (!r)
		pst_buckets_add(&t->by_rules, hash_rules(set->rules, set->n_rules), t->sets.n - 1);
	return r;
}

static int form_set(struct form *f, struct pst_bundle_ruleset *ret_set)
{
	struct pst_bundle_ruleset set = {.rules = NULL, .n_rules = f->n};
	int r;

	set.rules = pst_arena_calloc(f->t->arena, f->n, sizeof(*set.rules));
	set.rule_tags = pst_arena_calloc(f->t->arena, f->n, sizeof(*set.rule_tags));
	if (!set.rules || !set.rule_tags)
		return -ENOMEM;
	if (f->n)
		memcpy(set.rules, f->rules, f->n * sizeof(*set.rules));
	f->rule_tags = set.rule_tags;
	r = pack_form(f, &set.packed, &set.why);
	if (r && r != -E2BIG)
		return r;
	if (r) {
		set.fallback = true;
		set.packed = (struct pst_ruleset){0};
		memset(set.rule_tags, 0, f->n * sizeof(*set.rule_tags));
	}
	*ret_set = set;
	return 0;
}

int pst_ruleset_intern(struct pst_ruleset_table *t, const uint32_t *rules, size_t n,
		       uint32_t *ret_index)
{
	struct form f = {.t = t, .rules = rules, .n = n};
	struct pst_bundle_ruleset set;
	int r;

	if (!find_set(t, rules, n, ret_index))
		return 0;
	if (t->sets.n > UINT16_MAX) {
		pst_diags_error(t->diags, "table-full",
				n ? &t->catalog->rules[rules[0]].pos : &(struct pst_pos){0},
				"more than %d distinct rule sets: a policy entry cannot name more",
				UINT16_MAX + 1);
		return -E2BIG;
	}
	r = form_set(&f, &set);
	if (!r)
		r = add_set(t, &set);
	if (r)
		return r;
	*ret_index = (uint32_t)(t->sets.n - 1);
	return 0;
}
