// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as YAML, as a policy file and as an inventory. Beyond not crashing, what the loader
 * promises must hold: places lie inside the text, a refused rule can only narrow, labels are
 * sorted, no address is held twice.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/inventory.h"
#include "policy/policy.h"
#include "policy/yaml.h"

struct text {
	const char *bytes;
	size_t len;
};

static size_t offset_of(const struct text *t, uint32_t line, uint32_t col)
{
	const char *p = t->bytes;

	for (uint32_t i = 1; i < line; i++) {
		p = memchr(p, '\n', t->len - (size_t)(p - t->bytes));
		assert(p);
		p++;
	}
	assert(col >= 1 && (size_t)(p - t->bytes) + col - 1 <= t->len);
	return (size_t)(p - t->bytes) + col - 1;
}

static void check_pos(const struct text *t, const struct pst_pos *pos)
{
	assert(pos->line >= 1);
	assert(offset_of(t, pos->line, pos->col) <= offset_of(t, pos->end_line, pos->end_col));
}

/* The place of a text is where it stands, unless quotes, folding or escapes have changed it, or an
 * alias stands there. */
static void check_text(const struct text *t, const struct pst_text *x)
{
	size_t start, end;

	if (!x->s)
		return;
	assert(strlen(x->s) == x->len && x->len > 0);
	check_pos(t, &x->pos);
	start = offset_of(t, x->pos.line, x->pos.col);
	end = offset_of(t, x->pos.end_line, x->pos.end_col);
	if (end > start && t->bytes[start] == '*' && *x->s != '*')
		return;
	if (x->pos.line == x->pos.end_line && !memchr(t->bytes + start, '\\', end - start) &&
	    !memchr(t->bytes + start, '\'', end - start) &&
	    !memchr(t->bytes + start, '\n', end - start))
		assert(x->len == end - start && !memcmp(x->s, t->bytes + start, x->len));
}

static void check_selector(const struct text *t, const struct pst_selector *sel)
{
	static const struct pst_labels none;

	check_pos(t, &sel->pos);
	for (size_t i = 0; i < sel->n_reqs; i++) {
		assert(sel->reqs[i].source && sel->reqs[i].key && *sel->reqs[i].key);
		for (size_t k = 0; k < sel->reqs[i].n_values; k++)
			assert(sel->reqs[i].values[k]);
	}
	pst_selector_matches(sel, &none);
}

static void check_port_rule(const struct text *t, const struct pst_port_rule *pr)
{
	check_pos(t, &pr->pos);
	for (size_t i = 0; i < pr->n_ports; i++)
		assert(pr->ports[i].end_port >= pr->ports[i].port);
	for (size_t i = 0; i < pr->n_http; i++) {
		check_text(t, &pr->http[i].method);
		check_text(t, &pr->http[i].path);
		check_text(t, &pr->http[i].host);
	}
}

static void check_rule(const struct text *t, const struct pst_rule *rule)
{
	check_pos(t, &rule->pos);
	if (rule->refused) {
		assert(rule->peer_kind == PST_PEER_SELECTORS);
		assert(rule->deny == (rule->n_peers > 0));
	}
	if (rule->peer_kind == PST_PEER_ABSENT)
		assert(!rule->n_peers);
	for (size_t i = 0; i < rule->n_peers; i++)
		check_selector(t, &rule->peers[i]);
	assert(rule->has_ports == (rule->n_ports > 0));
	for (size_t i = 0; i < rule->n_ports; i++)
		check_port_rule(t, &rule->ports[i]);
}

static void check_policy(const struct text *t, const struct pst_policy *p)
{
	assert(p->name && p->ns && p->n_specs);
	for (size_t i = 0; i < p->n_specs; i++) {
		const struct pst_spec *spec = &p->specs[i];

		assert(spec->n_rules && (p->clusterwide || spec->subject.n_reqs));
		check_selector(t, &spec->subject);
		for (size_t k = 0; k < spec->n_rules; k++)
			check_rule(t, &spec->rules[k]);
	}
}

static void check_diags(const struct text *t, const struct pst_diags *diags)
{
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_diag *d = pst_diags_at(diags, i);

		if (d->pos.line)
			check_pos(t, &d->pos);
	}
}

/* What is known of all trees of a text. */
struct trees {
	const struct text *text;
	size_t n_docs, n_nodes;
};

static void check_tree(struct trees *trees, const struct pst_yaml_node *n, size_t depth)
{
	bool branch = n->kind == PST_YAML_LIST || n->kind == PST_YAML_MAPPING;
	size_t len = 0;

	trees->n_nodes++;
	check_pos(trees->text, &n->pos);
	assert(branch ? depth < PST_YAML_MAX_DEPTH && !n->s : n->s && strlen(n->s) == n->len);
	for (const struct pst_yaml_node *c = n->first; c; c = c->next, len++) {
		assert((n->kind == PST_YAML_MAPPING) == (c->key != NULL));
		if (c->key)
			check_tree(trees, c->key, depth + 1);
		assert(!c->key ||
		       (c->key->kind != PST_YAML_LIST && c->key->kind != PST_YAML_MAPPING));
		for (const struct pst_yaml_node *e = n->first; c->key && len < 32 && e != c;
		     e = e->next)
			assert(strcmp(e->key->s, c->key->s));
		check_tree(trees, c, depth + 1);
	}
	assert(!branch || len == n->len);
}

static int take_tree(void *ctx, const struct pst_yaml_node *doc)
{
	struct trees *trees = ctx;

	trees->n_docs++;
	check_tree(trees, doc, 0);
	return 0;
}

/* Document by document or all at once is the same; aliases add no more than they may. */
static void read_yaml(const struct text *t)
{
	const struct pst_yaml_input in = {.name = "fuzz", .text = t->bytes, .len = t->len};
	struct pst_diags *diags = pst_diags_new(), *again = pst_diags_new();
	struct pst_arena *arena = pst_arena_new();
	const struct pst_yaml_node *docs = NULL;
	struct trees trees = {.text = t}, all = {.text = t};
	int r = pst_yaml_each(&in, diags, take_tree, &trees);

	assert(r == 0 || r == -EINVAL);
	assert((r != 0) == (pst_diags_count(diags) > 0));
	check_diags(t, diags);
	/* A character makes two nodes at most ("-" and what is not behind it). */
	assert(trees.n_nodes <= PST_YAML_MAX_ALIASED + 2 * (2 * t->len + 2));
	assert(pst_yaml_parse(arena, &in, again, &docs) == r);
	assert(pst_diags_count(diags) == pst_diags_count(again));
	for (; docs; docs = docs->next)
		take_tree(&all, docs);
	assert(all.n_docs == trees.n_docs && all.n_nodes == trees.n_nodes);
	pst_arena_free(&arena);
	pst_diags_free(&again);
	pst_diags_free(&diags);
}

static void load_policy(const struct text *t)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;

	assert(pst_policy_parse("fuzz", t->bytes, t->len, diags, &set) == 0);
	check_diags(t, diags);
	for (size_t i = 0; i < set->n_policies; i++)
		check_policy(t, &set->policies[i]);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
}

static int compare_addrs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pst_addr));
}

static void check_addresses(const struct pst_inventory *inv)
{
	struct pst_addr *all;
	size_t n = 0;

	for (size_t i = 0; i < inv->n_endpoints; i++)
		n += inv->endpoints[i].n_addrs;
	all = calloc(n + 1, sizeof(*all));
	n = 0;
	for (size_t i = 0; i < inv->n_endpoints; i++) {
		for (size_t k = 0; k < inv->endpoints[i].n_addrs; k++)
			all[n++] = inv->endpoints[i].addrs[k];
	}
	qsort(all, n, sizeof(*all), compare_addrs);
	for (size_t i = 1; i < n; i++)
		assert(compare_addrs(&all[i - 1], &all[i]));
	free(all);
}

static void load_inventory(const struct text *t)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_inventory *inv = NULL;

	assert(pst_inventory_parse("fuzz", t->bytes, t->len, diags, &inv) == 0);
	check_diags(t, diags);
	for (size_t i = 0; i < inv->n_endpoints; i++) {
		const struct pst_labels *labels = &inv->endpoints[i].labels;

		check_pos(t, &inv->endpoints[i].pos);
		assert(pst_labels_get(labels, "k8s", "io.kubernetes.pod.namespace"));
		for (size_t k = 1; k < labels->n; k++)
			assert(strcmp(labels->v[k - 1].key, labels->v[k].key) < 0);
	}
	check_addresses(inv);
	pst_inventory_free(&inv);
	pst_diags_free(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that the sanitizer sees a step over the end. */
	char *copy = malloc(size ? size : 1);
	const struct text t = {.bytes = copy, .len = size};

	if (size)
		memcpy(copy, data, size);
	read_yaml(&t);
	load_policy(&t);
	load_inventory(&t);
	free(copy);
	return 0;
}
