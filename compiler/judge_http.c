// SPDX-License-Identifier: Apache-2.0
#include "compiler/judge.h"

#include "base/mem.h"
#include "compiler/automaton.h"
#include "compiler/head.h"
#include "compiler/header.h"
#include "compiler/offer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the shared core finds the bytes of a request. */
struct pst_src {
	const char *bytes;
};

static int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	memcpy(buf, src->bytes + off, n);
	return 0;
}

#include "bpf/ruling.h"

/* The automata of one HTTP rule's own patterns, built when they are first asked for. */
struct rule_automata {
	struct pst_automaton *field[PST_FIELD_MAX];
};

struct pst_judge {
	const struct pst_bundle *b;
	struct pst_table *table;
	struct rule_automata *rules; /* per rule of the bundle */
	bool any_form, proxied;
	char left[PST_MAX_HEAD]; /* of a head that has made an offer of HTTP/2 */
};

void pst_judge_free(struct pst_judge **j)
{
	if (!*j)
		return;
	for (size_t i = 0; (*j)->rules && i < (*j)->b->n_rules; i++) {
		for (int f = 0; f < PST_FIELD_MAX; f++)
			pst_automaton_free(&(*j)->rules[i].field[f]);
	}
	free((*j)->rules);
	free((*j)->table);
	free(*j);
	*j = NULL;
}

/* The grammar needs names for sets that are not for the kernel as well. */
static void know_names(struct pst_judge *j)
{
	for (uint32_t i = 0; i < j->table->n_rulesets; i++) {
		if (!j->b->rulesets[i].fallback)
			continue;
		j->table->rulesets[i].name_start = j->b->name_start;
		j->table->rulesets[i].name_classes = j->b->name_classes;
	}
}

int pst_judge_new(const struct pst_bundle *b, struct pst_judge **ret_judge)
{
	struct pst_judge *j = pst_mem_calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->b = b;
	j->table = pst_mem_calloc(1, sizeof(*j->table));
	j->rules = pst_mem_calloc(b->n_rules, sizeof(*j->rules));
	if (!j->table || !j->rules) {
		pst_judge_free(&j);
		return -ENOMEM;
	}
	pst_bundle_fill_table(b, j->table);
	know_names(j);
	*ret_judge = j;
	return 0;
}

void pst_judge_set_any_form(struct pst_judge *j, bool any)
{
	j->any_form = any;
}

void pst_judge_set_proxied(struct pst_judge *j, bool proxied)
{
	j->proxied = proxied;
}

/* Builds the automaton of TEXT alone. NULL when it cannot be: then no rule is named by it. */
static const struct pst_automaton *rule_automaton(struct pst_judge *j, uint32_t rule,
						  enum pst_field field, const char *text)
{
	struct pst_automaton **slot = &j->rules[rule].field[field];
	struct pst_pattern pattern = {.re = text, .len = strlen(text), .tag = 1};
	struct pst_diags *unused;

	if (*slot)
		return *slot;
	unused = pst_diags_new();
	if (unused && pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, unused, slot))
		*slot = NULL;
	pst_diags_free(&unused);
	return *slot;
}

/* Are all of the rule's conditions on headers met? What it does to headers is none. */
static bool headers_match(const struct pst_bundle_rule *r, const struct pst_head *head)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		const struct pst_bundle_header *h = &r->headers[i];

		if (pst_header_is_condition(h) &&
		    !pst_head_has(head->bytes, head->len, h->name, h->value))
			return false;
	}
	return true;
}

bool pst_judge_matches(struct pst_judge *j, uint32_t rule, const struct pst_head *head)
{
	const struct pst_bundle_rule *r = &j->b->rules[rule];
	const char *const patterns[] = {
		[PST_FIELD_METHOD] = r->method,
		[PST_FIELD_PATH] = r->target,
		[PST_FIELD_HOST] = r->host,
	};
	static_assert(sizeof(patterns) / sizeof(*patterns) == PST_FIELD_MAX, "all fields");

	for (int f = 0; f < PST_FIELD_MAX; f++) {
		const struct pst_span *text = &head->field[f];
		const struct pst_automaton *a;

		if (!patterns[f])
			continue;
		a = text->s ? rule_automaton(j, rule, f, patterns[f]) : NULL;
		if (!a || !pst_automaton_match(a, text->s, text->len))
			return false;
	}
	return headers_match(r, head);
}

/* ALLOW, the tags that were left, keeps rules of other combinations from being looked at; a set for
 * the fallback has no tags. */
static uint32_t first_rule(struct pst_judge *j, uint32_t ruleset, uint64_t allow,
			   const struct pst_head *head)
{
	const struct pst_bundle_ruleset *set = &j->b->rulesets[ruleset];

	for (size_t i = 0; i < set->n_rules; i++) {
		if ((set->fallback || set->rule_tags[i] & allow) &&
		    pst_judge_matches(j, set->rules[i], head))
			return set->rules[i];
	}
	return UINT32_MAX;
}

/* Walks from BYTES + *AT until the recogniser stops; *AT moves to where it did. False: cut off. */
static bool walk(struct pst_judge *j, struct pst_http *h, const char *bytes, size_t len, size_t *at)
{
	struct pst_src src = {.bytes = bytes + *at};
	size_t left = len - *at;
	/* A head that reaches the limit is refused: more of it need not be seen. */
	struct pst_walk w = {
		.http = h,
		.table = j->table,
		.src = &src,
		.end = left < 2 * PST_MAX_HEAD ? (uint32_t)left : 2 * PST_MAX_HEAD,
	};

	pst_walk_head(&w);
	*at += w.off;
	return pst_http_stopped(h);
}

/* The head ends at AT: skips the body, framing included. Where it ends, or LEN when it does not. */
static size_t behind_body(struct pst_judge *j, struct pst_http *h, const char *bytes, size_t len,
			  size_t at)
{
	while (h->length <= len - at) {
		at += h->length;
		if (!pst_http_continues(h))
			return at;
		pst_http_resume(h);
		if (!walk(j, h, bytes, len, &at) || h->state == PST_HTTP_ERROR)
			break;
	}
	return len;
}

/* A set that is not for the kernel because it changes headers can be decided rule by rule. */
static bool is_decidable(const struct pst_judge *j, uint32_t ruleset)
{
	const struct pst_bundle_ruleset *set = &j->b->rulesets[ruleset];

	if (ruleset >= j->b->n_rulesets)
		return false;
	if (!set->fallback)
		return true;
	for (size_t i = 0; ruleset < PST_RULESETS && i < set->n_rules; i++) {
		if (pst_header_acts(&j->b->rules[set->rules[i]]))
			return true;
	}
	return false;
}

/* What the automata would have left, from the rules themselves. */
static void judge_slowly(struct pst_judge *j, uint32_t ruleset, struct pst_http *h,
			 const char *bytes)
{
	struct pst_head head;

	pst_head_split(bytes, h->stop, &head);
	h->allow = first_rule(j, ruleset, 0, &head) != UINT32_MAX;
}

static void begin(struct pst_judge *j, uint32_t ruleset, struct pst_http *h)
{
	pst_http_request(h, j->table, ruleset);
	if (j->any_form)
		h->flags |= PST_HTTP_ANY_FORM;
}

/* Takes an offer out of the head at *HEAD, as the proxy does, which is then elsewhere. */
static void take_offer(struct pst_judge *j, uint32_t ruleset, struct pst_http *h, const char **head)
{
	const size_t len = h->head;
	size_t cut, at = 0;

	assert(len <= sizeof(j->left));
	memcpy(j->left, *head, len);
	cut = pst_offer_take(j->left, len);
	*head = j->left + cut;
	begin(j, ruleset, h);
	walk(j, h, *head, len - cut, &at);
}

/* Reads the head at *AT, which moves behind it. Returns what is judged. */
static const char *read_head(struct pst_judge *j, uint32_t ruleset, struct pst_http *h,
			     const struct pst_span *bytes, size_t *at)
{
	const bool fallback = j->b->rulesets[ruleset].fallback;
	const char *head = bytes->s + *at;

	begin(j, ruleset, h);
	walk(j, h, bytes->s, bytes->len, at);
	if ((fallback || j->proxied) && pst_offer_is_held(h)) {
		*at = (size_t)(head - bytes->s) + h->head;
		take_offer(j, ruleset, h, &head);
	}
	if (h->state == PST_HTTP_DONE && fallback)
		judge_slowly(j, ruleset, h, head);
	return head;
}

size_t pst_judge_request(struct pst_judge *j, uint32_t ruleset, const char *bytes, size_t len,
			 size_t offset, struct pst_l7_result *ret_result)
{
	struct pst_l7_result result = {.rule = UINT32_MAX, .offset = offset};
	size_t at = offset;
	struct pst_http h;
	struct pst_head head;
	__u32 ruling;

	if (!is_decidable(j, ruleset)) {
		result.reason = PST_REASON_FALLBACK_GONE;
		*ret_result = result;
		return len;
	}
	result.head = read_head(j, ruleset, &h, &(struct pst_span){bytes, len}, &at);
	ruling = pst_judge_head_ruling(&h, 0);
	result.reason = ruling & 0xff;
	if (h.state != PST_HTTP_DONE) {
		*ret_result = result;
		return len;
	}
	result.head_len = h.stop;
	result.body_len = h.length;
	result.allowed = ruling >> 8 == PST_ACTION_PASS;
	result.last = h.flags & PST_HTTP_LAST;
	result.handshake = (h.flags & (PST_HTTP_UPGRADE | PST_HTTP_H2C)) == PST_HTTP_UPGRADE;
	if (result.allowed) {
		pst_head_split(result.head, h.stop, &head);
		if (j->b->rulesets[ruleset].fallback)
			result.reason = PST_REASON_RULE_FALLBACK;
		result.rule = first_rule(j, ruleset, h.allow, &head);
	}
	at = behind_body(j, &h, bytes, len, at);
	if (result.allowed && h.state == PST_HTTP_ERROR) {
		result.allowed = false;
		result.reason = h.reason;
		result.rule = UINT32_MAX;
	}
	*ret_result = result;
	return at;
}
