// SPDX-License-Identifier: Apache-2.0
#include "compiler/catalog.h"

#include "base/mem.h"
#include "compiler/header.h"
#include "compiler/pattern.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { KNOWN_PATHS = 64, KNOWN_PATTERNS = 256 };

/* A path that was made: most rules stand where others do, in their own policy, and share it. */
struct known_path {
	const char *parent; /* NULL: none is known */
	size_t first, second;
	const char *path;
};

struct builder {
	struct pst_arena *arena;
	struct pst_diags *diags;
	const struct pst_inventory *inventory;
	struct pst_catalog c;
	const char *file_from, *file; /* the file name copied last */
	struct known_path sections[PST_DIRECTION_MAX][2];
	struct known_path http[KNOWN_PATHS];
	const struct pst_text
		*good[KNOWN_PATTERNS]; /* patterns that were found to be good, by hash */
};

const struct pst_text *pst_catalog_field(const struct pst_http_rule *http, enum pst_field field)
{
	const struct pst_text *const texts[] = {
		[PST_FIELD_METHOD] = &http->method,
		[PST_FIELD_PATH] = &http->path,
		[PST_FIELD_HOST] = &http->host,
	};
	static_assert(sizeof(texts) / sizeof(*texts) == PST_FIELD_MAX, "a text for each field");

	/* An empty pattern does not restrict, exactly like an absent one (Cilium's HTTP rule). */
	return texts[field]->s && texts[field]->len ? texts[field] : NULL;
}

static size_t hash_text(const struct pst_text *text)
{
	size_t h = text->len;

	for (size_t i = 0; i < text->len; i++)
		h = h * 31 + (unsigned char)text->s[i];
	return h;
}

/* Whether TEXT is in the dialect. An automaton that is too big is a matter of the rule set. */
static int check_pattern(struct builder *b, const struct pst_text *text)
{
	const struct pst_pattern pattern = {
		.re = text->s,
		.len = text->len,
		.pos = text->pos,
		.tag = 1,
	};

	const struct pst_text **known = &b->good[hash_text(text) % KNOWN_PATTERNS];
	int r = 0;

	if (*known && (*known)->len == text->len && !memcmp((*known)->s, text->s, text->len))
		return 0;
	r = pst_pattern_check(&pattern, b->diags);
	if (!r)
		*known = text;
	return r;
}

/* 0: usable, -EINVAL: refused and reported, -ENOMEM. */
static int check_http(struct builder *b, const struct pst_http_rule *http)
{
	int result = 0;

	for (int f = 0; f < PST_FIELD_MAX; f++) {
		const struct pst_text *text = pst_catalog_field(http, f);
		int r = text ? check_pattern(b, text) : 0;

		if (r == -ENOMEM)
			return r;
		if (r)
			result = -EINVAL;
	}
	return result;
}

static int copy_str(struct builder *b, const char *s, const char **ret)
{
	*ret = s ? pst_arena_strndup(b->arena, s, strlen(s)) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

/* The bundle outlives the policy set, so the file name is copied: once per run of equal names. */
static int copy_pos(struct builder *b, const struct pst_pos *pos, struct pst_pos *ret)
{
	if (pos->file && pos->file != b->file_from) {
		if (copy_str(b, pos->file, &b->file))
			return -ENOMEM;
		b->file_from = pos->file;
	}
	*ret = *pos;
	ret->file = pos->file ? b->file : NULL;
	return 0;
}

static int copy_fields(struct builder *b, const struct pst_http_rule *http,
		       struct pst_bundle_rule *rule)
{
	const char **copies[] = {&rule->method, &rule->target, &rule->host};

	for (int f = 0; f < PST_FIELD_MAX; f++) {
		const struct pst_text *text = pst_catalog_field(http, f);

		if (text && copy_str(b, text->s, copies[f]))
			return -ENOMEM;
	}
	return 0;
}

/* HTTP as the rule set shall see it: with the host that headers may have narrowed. NULL: no memory.
 */
static const struct pst_http_rule *with_host(struct builder *b, const struct pst_http_rule *http,
					     const char *host)
{
	const struct pst_text *old = pst_catalog_field(http, PST_FIELD_HOST);
	struct pst_http_rule *copy;

	if (!host || (old && !strcmp(old->s, host)))
		return http;
	copy = pst_arena_alloc(b->arena, sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *http;
	copy->host = (struct pst_text){
		.s = host, .len = strlen(host), .pos = old ? old->pos : http->pos};
	return copy;
}

/* Fills the next rule, whose place is known, and numbers it. */
static int add_one_http(struct builder *b, const struct pst_http_rule *http, const char *ns,
			bool refused)
{
	const struct pst_header_reader headers = {
		.inventory = b->inventory, .arena = b->arena, .diags = b->diags};
	struct pst_bundle_rule *rule = &b->c.rules[b->c.n_rules];
	int r = refused ? -EINVAL : check_http(b, http);

	if (r == -ENOMEM || copy_fields(b, http, rule))
		return -ENOMEM;
	if (!r)
		r = pst_header_read(&headers, http, ns, rule);
	if (r == -ENOMEM)
		return r;
	if (!r) {
		b->c.http[b->c.n_rules] = with_host(b, http, rule->host);
		if (!b->c.http[b->c.n_rules])
			return -ENOMEM;
	}
	b->c.n_rules++;
	return 0;
}

/* PARENT is a path of the bundle. NULL: no memory. */
static const char *path_of_http(struct builder *b, const char *parent, size_t port_rule,
				size_t index)
{
	struct known_path *known = &b->http[index % KNOWN_PATHS];

	if (known->parent != parent || known->first != port_rule || known->second != index)
		*known = (struct known_path){
			.parent = parent,
			.first = port_rule,
			.second = index,
			.path = pst_arena_printf(b->arena, "%s.toPorts[%zu].rules.http[%zu]",
						 parent, port_rule, index),
		};
	return known->path;
}

static int add_http(struct builder *b, const struct pst_bundle_rule *parent, size_t port_rule,
		    const struct pst_catalog_rule *where)
{
	const struct pst_port_rule *ports = &where->rule->ports[port_rule];

	for (size_t i = 0; i < ports->n_http; i++) {
		const struct pst_http_rule *http = &ports->http[i];
		struct pst_bundle_rule *rule = &b->c.rules[b->c.n_rules];

		rule->policy = parent->policy;
		rule->path = path_of_http(b, parent->path, port_rule, http->index);
		if (!rule->path || copy_pos(b, &http->pos, &rule->pos) ||
		    add_one_http(b, http, where->policy->ns, where->rule->refused))
			return -ENOMEM;
	}
	return 0;
}

/* WHERE says to whom RULE belongs; NAME and PATH what it is called. */
static int add_rule(struct builder *b, const char *name, const char *path,
		    const struct pst_catalog_rule *where, const struct pst_rule *rule)
{
	struct pst_bundle_rule *entry = &b->c.rules[b->c.n_rules];
	uint32_t *first = pst_arena_calloc(b->arena, rule->n_ports, sizeof(*first));

	entry->policy = name;
	entry->path = path;
	if (!first || !path || copy_pos(b, &rule->pos, &entry->pos))
		return -ENOMEM;
	b->c.l4[b->c.n_l4++] = (struct pst_catalog_rule){
		.policy = where->policy,
		.spec = where->spec,
		.rule = pst_rule_as_written(rule),
		.closed = rule->written,
		.index = (uint32_t)b->c.n_rules++,
		.first_http = first,
	};
	for (size_t i = 0; i < rule->n_ports; i++) {
		first[i] = (uint32_t)b->c.n_rules;
		if (add_http(b, entry, i, &b->c.l4[b->c.n_l4 - 1]))
			return -ENOMEM;
	}
	return 0;
}

static const char *const section_names[PST_DIRECTION_MAX][2] = {
	[PST_DIRECTION_INGRESS] = {"ingress", "ingressDeny"},
	[PST_DIRECTION_EGRESS] = {"egress", "egressDeny"},
};

/* NULL: no memory. */
static const char *path_of_rule(struct builder *b, const struct pst_spec *spec,
				const struct pst_rule *rule, size_t nth)
{
	struct known_path *known = &b->sections[rule->direction][rule->deny];

	if (!known->parent || known->first != nth || strcmp(known->parent, spec->path))
		*known = (struct known_path){
			.parent = spec->path,
			.first = nth,
			.path = pst_arena_printf(b->arena, "%s.%s[%zu]", spec->path,
						 section_names[rule->direction][rule->deny], nth),
		};
	return known->path;
}

static int add_spec(struct builder *b, const char *name, const struct pst_policy *policy,
		    const struct pst_spec *spec)
{
	const struct pst_catalog_rule where = {.policy = policy, .spec = spec};
	size_t seen[PST_DIRECTION_MAX][2] = {0};

	for (size_t i = 0; i < spec->n_rules; i++) {
		const struct pst_rule *rule = &spec->rules[i];
		size_t nth = seen[rule->direction][rule->deny]++;
		const char *path = path_of_rule(b, spec, rule, nth);

		if (add_rule(b, name, path, &where, rule))
			return -ENOMEM;
	}
	return 0;
}

static int add_policy(struct builder *b, const struct pst_policy *policy)
{
	const char *name =
		policy->ns[0] ? pst_arena_join(b->arena, policy->ns, '/', policy->name)
			      : pst_arena_strndup(b->arena, policy->name, strlen(policy->name));

	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_specs; i++) {
		if (add_spec(b, name, policy, &policy->specs[i]))
			return -ENOMEM;
	}
	return 0;
}

static void count_spec(const struct pst_spec *spec, size_t *n_l4, size_t *n_http)
{
	*n_l4 += spec->n_rules;
	for (size_t i = 0; i < spec->n_rules; i++) {
		for (size_t k = 0; k < spec->rules[i].n_ports; k++)
			*n_http += spec->rules[i].ports[k].n_http;
	}
}

int pst_catalog_build(const struct pst_policy_set *set, const struct pst_inventory *inventory,
		      struct pst_arena *arena, struct pst_diags *diags,
		      struct pst_catalog *ret_catalog)
{
	struct builder b = {.arena = arena, .diags = diags, .inventory = inventory};
	size_t n_l4 = 0, n_http = 0;

	for (size_t p = 0; p < set->n_policies; p++) {
		for (size_t i = 0; i < set->policies[p].n_specs; i++)
			count_spec(&set->policies[p].specs[i], &n_l4, &n_http);
	}
	b.c.rules = pst_arena_calloc(arena, n_l4 + n_http, sizeof(*b.c.rules));
	b.c.http = pst_arena_calloc(arena, n_l4 + n_http, sizeof(*b.c.http));
	b.c.l4 = pst_arena_calloc(arena, n_l4, sizeof(*b.c.l4));
	if (!b.c.rules || !b.c.http || !b.c.l4)
		return -ENOMEM;
	for (size_t p = 0; p < set->n_policies; p++) {
		if (add_policy(&b, &set->policies[p]))
			return -ENOMEM;
	}
	*ret_catalog = b.c;
	return 0;
}
