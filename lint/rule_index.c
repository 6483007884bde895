// SPDX-License-Identifier: Apache-2.0
#include "lint/rule_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lint/cover.h"
#include "policy/labels.h"
#include "policy/selector_algebra.h"

enum {
	STEPS_PER_POLICY = 512,
	STEPS_AT_LEAST = 1 << 16,
	STEPS_PER_COMPARISON = 8,
	LOOKS_PER_STEP = 4,
	NO_SELECTORS = 63, /* a bit of a sketch; those below are for labels */
	MAX_REQS = 64,	   /* of a subject, that are looked up; the others only cost findings */
};

/* The only value that the requirement lets through, or NULL. */
static const char *only_value(const struct pst_requirement *req)
{
	return req->op == PST_LABEL_IN && req->n_values == 1 ? req->values[0] : NULL;
}

static bool is_namespace(const struct pst_requirement *req)
{
	return !strcmp(req->key, PST_LABEL_NAMESPACE);
}

/* The last one: the loader appends the namespace of a policy. */
static const char *namespace_of(const struct pst_selector *subject)
{
	for (size_t i = subject->n_reqs; i; i--) {
		const struct pst_requirement *req = &subject->reqs[i - 1];

		if (is_namespace(req) && only_value(req))
			return only_value(req);
	}
	return NULL;
}

static const struct pst_requirement *label_of(const struct pst_selector *subject)
{
	for (size_t i = 0; i < subject->n_reqs && i < MAX_REQS; i++) {
		if (!is_namespace(&subject->reqs[i]) && only_value(&subject->reqs[i]))
			return &subject->reqs[i];
	}
	return NULL;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a; the zero that ends a text separates it from the next. Bad luck costs time, and the time
 * is limited. */
static uint64_t hash_text(uint64_t h, const char *s)
{
	do {
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	} while (*s++);
	return h;
}

/* Its low bits depend on the low bits of the text only. */
static uint64_t mix(uint64_t h)
{
	return h ^ h >> 32;
}

static uint64_t hash_label(const struct pst_requirement *req)
{
	return hash_text(hash_text(HASH_START, req->key), only_value(req));
}

/* What a rule is filed under. The namespace and the label may be missing. */
static uint64_t hash_key(enum pst_direction direction, const char *ns,
			 const struct pst_requirement *label)
{
	uint64_t h = hash_text(HASH_START + (uint64_t)direction, ns ? ns : "");

	return mix(label ? h ^ hash_label(label) : h);
}

/* A bit for each value that SEL demands. The cluster is left out: lint/cover.h takes it for
 * granted.
 */
static uint64_t sketch_selector(const struct pst_selector *sel)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < sel->n_reqs && i < MAX_REQS; i++) {
		if (only_value(&sel->reqs[i]) && strcmp(sel->reqs[i].key, PST_LABEL_CLUSTER))
			bits |= UINT64_C(1) << mix(hash_label(&sel->reqs[i])) % NO_SELECTORS;
	}
	return bits;
}

/*
 * What all peers demand. A peer demands what those that cover it demand; so a rule that covers
 * another has no bit that the other has not. Addresses and names demand to be addresses.
 */
static uint64_t sketch_peers(const struct pst_rule *rule)
{
	uint64_t bits = UINT64_MAX >> 1;

	if (rule->peer_kind == PST_PEER_ABSENT || rule->n_services || rule->n_groups)
		return 0;
	if (!rule->n_peers)
		return UINT64_C(1) << NO_SELECTORS;
	for (size_t i = 0; bits && i < rule->n_peers; i++)
		bits &= sketch_selector(&rule->peers[i]);
	return rule->n_cidrs || rule->n_fqdns ? 0 : bits;
}

static struct pst_rule_sketch sketch_of(const struct pst_rule_ref *ref)
{
	const struct pst_requirement *label = label_of(&ref->spec->subject);
	struct pst_rule_sketch sketch = {.peers = sketch_peers(ref->rule)};

	if (label) {
		sketch.label = (uint32_t)hash_text(HASH_START, label->key) | 1;
		sketch.value = (uint32_t)mix(hash_label(label));
	}
	return sketch;
}

/* Counts the rules that are wanted, and files them when there are entries to fill. */
struct collection {
	struct pst_rule_index *index;
	pst_rule_wanted wanted;
};

static void collect(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	const struct collection *c = ctx;
	struct pst_rule_index *index = c->index;
	const struct pst_selector *subject = &ref->spec->subject;

	(void)env;
	if (!c->wanted(ref))
		return;
	if (index->v)
		index->v[index->n] = (struct pst_rule_entry){
			.ref = *ref,
			.sketch = sketch_of(ref),
			.key = hash_key(ref->rule->direction, namespace_of(subject),
					index->by_namespace ? NULL : label_of(subject)),
		};
	index->n++;
}

static void file(struct pst_rule_index *index)
{
	/* Backwards, so that a chain begins with the first rule. */
	for (size_t i = index->n; i; i--) {
		uint32_t *head = &index->heads[index->v[i - 1].key & (index->n_heads - 1)];

		index->v[i - 1].next = *head;
		*head = (uint32_t)i;
	}
}

int pst_rule_index_init(struct pst_rule_index *index, const struct pst_policy_set *set,
			bool by_namespace, pst_rule_wanted wanted)
{
	const struct pst_lint_env env = {.set = set};
	struct collection c = {.index = index, .wanted = wanted};

	*index = (struct pst_rule_index){
		.by_namespace = by_namespace,
		.n_heads = 1,
		.steps = STEPS_AT_LEAST + STEPS_PER_POLICY * set->n_policies,
	};
	pst_lint_each_rule(&env, collect, &c);
	while (index->n_heads < index->n)
		index->n_heads *= 2;
	index->v = pst_mem_calloc(index->n + 1, sizeof(*index->v));
	index->heads = pst_mem_calloc(index->n_heads, sizeof(*index->heads));
	if (!index->v || !index->heads) {
		pst_rule_index_fini(index);
		return -ENOMEM;
	}
	index->n = 0;
	pst_lint_each_rule(&env, collect, &c);
	file(index);
	return 0;
}

void pst_rule_index_fini(struct pst_rule_index *index)
{
	free(index->v);
	free(index->heads);
	*index = (struct pst_rule_index){0};
}

struct pst_rule_cursor pst_rule_cursor_init(const struct pst_rule_ref *ref)
{
	return (struct pst_rule_cursor){.ref = ref, .sketch = sketch_of(ref)};
}

/* Has an earlier requirement of the subject the same key and value? */
static bool is_repeated(const struct pst_selector *subject, size_t label)
{
	const struct pst_requirement *req = &subject->reqs[label];

	for (size_t i = 0; i < label; i++) {
		const struct pst_requirement *other = &subject->reqs[i];

		if (only_value(other) && !strcmp(other->key, req->key) &&
		    !strcmp(only_value(other), only_value(req)))
			return true;
	}
	return false;
}

/*
 * The keys under which candidates are filed: with the subject's namespace and without one, each
 * with no label and with each of its labels. False behind the last; SKIP for a label that is none.
 */
static bool nth_key(const struct pst_rule_index *index, const struct pst_rule_cursor *cursor,
		    uint64_t *ret_key, bool *ret_skip)
{
	const struct pst_selector *subject = &cursor->ref->spec->subject;
	const char *ns = namespace_of(subject);
	size_t n_labels = subject->n_reqs < MAX_REQS ? subject->n_reqs : MAX_REQS;
	size_t per_ns = 1 + (index->by_namespace ? 0 : n_labels);
	size_t label = cursor->chain % per_ns;
	const struct pst_requirement *req = label ? &subject->reqs[label - 1] : NULL;

	if (cursor->chain >= per_ns * (ns ? 2 : 1))
		return false;
	if (cursor->chain >= per_ns)
		ns = NULL;
	*ret_skip =
		req && (is_namespace(req) || !only_value(req) || is_repeated(subject, label - 1));
	if (!*ret_skip)
		*ret_key = hash_key(cursor->ref->rule->direction, ns, req);
	return true;
}

/* Can it be told at a glance that ENTRY is no answer? */
static bool is_hopeless(const struct pst_rule_index *index, const struct pst_rule_entry *entry,
			const struct pst_rule_cursor *cursor)
{
	const struct pst_rule_sketch *a = &entry->sketch, *b = &cursor->sketch;

	if (!index->by_namespace)
		return a->peers & ~b->peers;
	return a->label && a->label == b->label && a->value != b->value;
}

static const struct pst_rule_ref *next_of_all(struct pst_rule_index *index,
					      struct pst_rule_cursor *cursor)
{
	while (cursor->at < index->n && index->steps) {
		const struct pst_rule_entry *entry = &index->v[cursor->at++];

		index->steps--;
		if (entry->ref.rule->direction == cursor->ref->rule->direction &&
		    !is_hopeless(index, entry, cursor))
			return &entry->ref;
	}
	return NULL;
}

/* The rest of the chain at CURSOR->at that is filed under KEY. */
static const struct pst_rule_ref *next_of_chain(struct pst_rule_index *index, uint64_t key,
						struct pst_rule_cursor *cursor)
{
	while (cursor->at && index->steps) {
		const struct pst_rule_entry *entry = &index->v[cursor->at - 1];

		index->steps--;
		cursor->at = entry->next;
		if (entry->key == key && !is_hopeless(index, entry, cursor))
			return &entry->ref;
	}
	return NULL;
}

const struct pst_rule_ref *pst_rule_index_next(struct pst_rule_index *index,
					       struct pst_rule_cursor *cursor)
{
	const struct pst_rule_ref *ref;
	uint64_t key = 0;
	bool skip;

	/* A subject in any namespace overlaps with those of all. */
	if (index->by_namespace && !namespace_of(&cursor->ref->spec->subject))
		return next_of_all(index, cursor);
	for (; index->steps && nth_key(index, cursor, &key, &skip); cursor->chain++) {
		if (skip)
			continue;
		if (!cursor->started)
			cursor->at = index->heads[key & (index->n_heads - 1)];
		cursor->started = true;
		ref = next_of_chain(index, key, cursor);
		if (ref)
			return ref;
		cursor->started = false;
	}
	return NULL;
}

bool pst_rule_index_spend(struct pst_rule_index *index, size_t a, size_t b)
{
	size_t looks, steps;

	steps = __builtin_mul_overflow(a, b, &looks)
			? SIZE_MAX
			: STEPS_PER_COMPARISON + looks / LOOKS_PER_STEP;
	if (steps > index->steps) {
		index->steps = 0;
		return false;
	}
	index->steps -= steps;
	return true;
}

static bool spend_on_subjects(struct pst_rule_index *index, const struct pst_rule_ref *ref,
			      const struct pst_spec *spec)
{
	size_t n = ref->spec->subject.n_reqs + spec->subject.n_reqs;

	return ref->spec->subject_is_node == spec->subject_is_node &&
	       pst_rule_index_spend(index, n, n);
}

bool pst_rule_index_selects_all(struct pst_rule_index *index, const struct pst_rule_ref *ref,
				const struct pst_spec *spec)
{
	if (ref->spec == spec)
		return true;
	return spend_on_subjects(index, ref, spec) &&
	       pst_selector_implies(&spec->subject, &ref->spec->subject);
}

bool pst_rule_index_selects_some(struct pst_rule_index *index, const struct pst_rule_ref *ref,
				 const struct pst_spec *spec)
{
	if (ref->spec == spec)
		return true;
	return spend_on_subjects(index, ref, spec) &&
	       !pst_selector_disjoint(&spec->subject, &ref->spec->subject);
}

static size_t size_of_peers(const struct pst_rule *rule)
{
	size_t n = 1 + rule->n_peers + rule->n_cidrs + rule->n_fqdns;

	for (size_t i = 0; i < rule->n_peers; i++)
		n += rule->peers[i].n_reqs;
	for (size_t i = 0; i < rule->n_cidrs; i++)
		n += rule->cidrs[i].n_except;
	return n;
}

bool pst_rule_index_reaches_all(struct pst_rule_index *index, const struct pst_rule_ref *ref,
				const struct pst_rule *rule)
{
	return pst_rule_index_spend(index, size_of_peers(ref->rule), size_of_peers(rule)) &&
	       pst_cover_peers(ref->rule, rule);
}

void pst_rule_index_report(const struct pst_rule_index *index, const struct pst_lint_env *env,
			   const char *what)
{
	const struct pst_pos nowhere = {0};

	if (index->steps)
		return;
	pst_diags_add(env->diags, PST_SEVERITY_INFO, "lint-budget", &nowhere,
		      "%s: too many rules select the same endpoints; not all of them were compared",
		      what);
}

int pst_rule_index_ask(const struct pst_lint_env *env, const struct pst_rule_inquiry *inquiry)
{
	struct pst_rule_index index;
	int r = pst_rule_index_init(&index, env->set, inquiry->by_namespace, inquiry->wanted);

	if (r)
		return r;
	pst_lint_each_rule(env, inquiry->question, &index);
	pst_rule_index_report(&index, env, inquiry->what);
	pst_rule_index_fini(&index);
	return 0;
}
