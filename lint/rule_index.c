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
	MAX_REQS = 64, /* of a subject, that are looked up; the others only cost findings */
};

/* What a rule is filed under. Either may be missing. */
struct key {
	const char *ns;
	const struct pst_requirement *label;
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

/* FNV-1a; the zero that ends a text separates it from the next. Bad luck costs time, and the time
 * is limited. */
static uint64_t hash_text(uint64_t h, const char *s)
{
	do {
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	} while (*s++);
	return h;
}

static size_t chain_of(const struct pst_rule_index *index, const struct key *key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = hash_text(h, key->ns ? key->ns : "");
	if (key->label) {
		h = hash_text(h, key->label->key);
		h = hash_text(h, only_value(key->label));
	}
	return (size_t)(h ^ h >> 32) & (index->n_heads - 1);
}

static bool same_key(const struct key *a, const struct key *b)
{
	if (!a->ns != !b->ns || (a->ns && strcmp(a->ns, b->ns)) || !a->label != !b->label)
		return false;
	return !a->label || (!strcmp(a->label->key, b->label->key) &&
			     !strcmp(only_value(a->label), only_value(b->label)));
}

static struct key key_of(const struct pst_rule_index *index, const struct pst_selector *subject)
{
	return (struct key){
		.ns = namespace_of(subject),
		.label = index->by_namespace ? NULL : label_of(subject),
	};
}

/* Calls once for counting (refs NULL), once for filling. */
static size_t collect(struct pst_rule_ref *refs, const struct pst_policy_set *set,
		      pst_rule_wanted wanted)
{
	size_t n = 0;

	for (size_t p = 0; p < set->n_policies; p++) {
		struct pst_rule_ref ref = {.policy = &set->policies[p]};

		for (size_t s = 0; s < ref.policy->n_specs; s++) {
			ref.spec = &ref.policy->specs[s];
			for (size_t i = 0; i < ref.spec->n_rules; i++) {
				ref.rule = &ref.spec->rules[i];
				if (ref.rule->refused || !wanted(&ref))
					continue;
				if (refs)
					refs[n] = ref;
				n++;
			}
		}
	}
	return n;
}

static void file(struct pst_rule_index *index)
{
	/* Backwards, so that a chain begins with the first rule. */
	for (size_t i = index->n; i; i--) {
		const struct key key = key_of(index, &index->refs[i - 1].spec->subject);
		size_t chain = chain_of(index, &key);

		index->next[i - 1] = index->heads[chain];
		index->heads[chain] = (uint32_t)i;
	}
}

int pst_rule_index_init(struct pst_rule_index *index, const struct pst_policy_set *set,
			bool by_namespace, pst_rule_wanted wanted)
{
	size_t n = collect(NULL, set, wanted);

	*index = (struct pst_rule_index){
		.by_namespace = by_namespace,
		.n = n,
		.n_heads = 1,
		.steps = STEPS_AT_LEAST + STEPS_PER_POLICY * set->n_policies,
	};
	while (index->n_heads < n)
		index->n_heads *= 2;
	index->refs = pst_mem_calloc(n + 1, sizeof(*index->refs));
	index->next = pst_mem_calloc(n + 1, sizeof(*index->next));
	index->heads = pst_mem_calloc(index->n_heads, sizeof(*index->heads));
	if (!index->refs || !index->next || !index->heads) {
		pst_rule_index_fini(index);
		return -ENOMEM;
	}
	collect(index->refs, set, wanted);
	file(index);
	return 0;
}

void pst_rule_index_fini(struct pst_rule_index *index)
{
	free(index->refs);
	free(index->next);
	free(index->heads);
	*index = (struct pst_rule_index){0};
}

/*
 * The keys under which candidates for SUBJECT are filed: with and without its namespace, with each
 * of its labels and with none. False behind the last; a key without *ret_key's label twice is left
 * to the caller.
 */
static bool nth_key(const struct pst_rule_index *index, const struct pst_selector *subject,
		    size_t i, struct key *ret_key, bool *ret_skip)
{
	size_t n_labels = subject->n_reqs < MAX_REQS ? subject->n_reqs : MAX_REQS;
	size_t per_ns = 1 + (index->by_namespace ? 0 : n_labels);
	const char *ns = namespace_of(subject);
	size_t label = i % per_ns;

	*ret_key = (struct key){.ns = i < per_ns ? NULL : ns};
	*ret_skip = false;
	if (i >= per_ns * (ns ? 2 : 1))
		return false;
	if (!label)
		return true;
	ret_key->label = &subject->reqs[label - 1];
	*ret_skip = is_namespace(ret_key->label) || !only_value(ret_key->label);
	for (size_t k = 0; !*ret_skip && k + 1 < label; k++) {
		const struct key earlier = {.ns = ret_key->ns, .label = &subject->reqs[k]};

		*ret_skip = only_value(earlier.label) && same_key(&earlier, ret_key);
	}
	return true;
}

static const struct pst_rule_ref *next_of_all(struct pst_rule_index *index,
					      struct pst_rule_cursor *cursor)
{
	if (cursor->at >= index->n || !index->steps)
		return NULL;
	index->steps--;
	return &index->refs[cursor->at++];
}

/* The rest of the chain at CURSOR->at that is filed under KEY. */
static const struct pst_rule_ref *next_of_chain(struct pst_rule_index *index, const struct key *key,
						struct pst_rule_cursor *cursor)
{
	while (cursor->at && index->steps) {
		const struct pst_rule_ref *ref = &index->refs[cursor->at - 1];
		const struct key filed = key_of(index, &ref->spec->subject);

		index->steps--;
		cursor->at = index->next[cursor->at - 1];
		if (same_key(key, &filed))
			return ref;
	}
	return NULL;
}

const struct pst_rule_ref *pst_rule_index_next(struct pst_rule_index *index,
					       struct pst_rule_cursor *cursor)
{
	const struct pst_selector *subject = &cursor->spec->subject;
	const struct pst_rule_ref *ref;
	struct key key;
	bool skip;

	/* A subject in any namespace overlaps with those of all. */
	if (index->by_namespace && !namespace_of(subject))
		return next_of_all(index, cursor);
	/* Even numbers: the chain's head is to be read; odd: in the midst of it. */
	while (index->steps && nth_key(index, subject, cursor->chain / 2, &key, &skip)) {
		if (skip) {
			cursor->chain += 2;
			continue;
		}
		if (!(cursor->chain & 1)) {
			cursor->at = index->heads[chain_of(index, &key)];
			cursor->chain++;
		}
		ref = next_of_chain(index, &key, cursor);
		if (ref)
			return ref;
		cursor->chain++;
	}
	return NULL;
}

bool pst_rule_index_spend(struct pst_rule_index *index, size_t a, size_t b)
{
	enum { SIZES_PER_STEP = 16 };
	size_t steps;

	if (__builtin_mul_overflow(a, b, &steps) || steps / SIZES_PER_STEP > index->steps) {
		index->steps = 0;
		return false;
	}
	index->steps -= steps / SIZES_PER_STEP;
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
