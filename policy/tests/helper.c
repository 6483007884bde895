// SPDX-License-Identifier: Apache-2.0
#include "policy/tests/helper.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct t_policy t_policy_parse(const char *text)
{
	struct t_policy p = {.diags = pst_diags_new()};

	cr_assert_not_null(p.diags);
	cr_assert_eq(pst_policy_parse("test.yaml", text, strlen(text), p.diags, &p.set), 0);
	return p;
}

struct t_policy t_policy_parse_with(const struct pst_policy_options *options, const char *text)
{
	const struct pst_policy_source source = {"test.yaml", text, strlen(text)};
	struct t_policy p = {.diags = pst_diags_new()};

	cr_assert_not_null(p.diags);
	cr_assert_eq(pst_policy_parse_with(options, &source, p.diags, &p.set), 0);
	return p;
}

static void collect(const struct pst_policy_options *options, const char *text, char *buf,
		    size_t size)
{
	struct t_policy p = t_policy_parse_with(options, text);
	size_t used = 0;

	buf[0] = 0;
	for (size_t i = 0; i < pst_diags_count(p.diags); i++) {
		const struct pst_diag *d = pst_diags_at(p.diags, i);

		if (!strncmp(d->id, "unsupported-", 12))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s ",
					 d->severity == PST_SEVERITY_ERROR ? "" : "?", d->id);
		cr_assert_lt(used, size);
	}
	t_policy_free(&p);
}

const char *t_text_verdict(struct pst_policy_options options, const char *text)
{
	static char linting[1024], enforcing[1024];

	options.lint = true;
	collect(&options, text, linting, sizeof(linting));
	options.lint = false;
	collect(&options, text, enforcing, sizeof(enforcing));
	cr_expect_str_eq(linting, enforcing, "%s", text);
	return linting;
}

const char *t_verdict(struct pst_policy_options options, const char *section, const char *rule)
{
	char text[8192];
	int n = snprintf(text, sizeof(text),
			 "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
			 "metadata: {name: p, namespace: ns}\n"
			 "spec: {endpointSelector: {}, %s: [%s]}\n",
			 section, rule);

	cr_assert_lt((size_t)n, sizeof(text));
	return t_text_verdict(options, text);
}

struct t_policy t_policy_spec(const char *spec)
{
	char text[8192];
	int n = snprintf(text, sizeof(text),
			 "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
			 "metadata: {name: p, namespace: ns}\nspec: %s\n",
			 spec);

	cr_assert_lt((size_t)n, sizeof(text));
	return t_policy_parse(text);
}

struct t_policy t_policy_rule(const char *section, const char *rule)
{
	char spec[7000];
	int n = snprintf(spec, sizeof(spec), "{endpointSelector: {}, %s: [%s]}", section, rule);

	cr_assert_lt((size_t)n, sizeof(spec));
	return t_policy_spec(spec);
}

void t_policy_free(struct t_policy *p)
{
	pst_policy_set_free(&p->set);
	pst_diags_free(&p->diags);
}

const struct pst_spec *t_spec(const struct t_policy *p)
{
	cr_assert_geq(p->set->n_policies, 1);
	cr_assert_geq(p->set->policies[0].n_specs, 1);
	return &p->set->policies[0].specs[0];
}

const struct pst_rule *t_rule(const struct t_policy *p)
{
	const struct pst_spec *spec = t_spec(p);

	cr_assert_geq(spec->n_rules, 1);
	return &spec->rules[0];
}

static const struct pst_diag *find(const struct pst_diags *diags, const char *id)
{
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		if (!strcmp(pst_diags_at(diags, i)->id, id))
			return pst_diags_at(diags, i);
	}
	return NULL;
}

bool t_has(const struct pst_diags *diags, const char *id)
{
	return find(diags, id);
}

const char *t_message(const struct pst_diags *diags, const char *id)
{
	const struct pst_diag *d = find(diags, id);

	return d ? d->message : "";
}

struct t_inventory t_inventory_parse(const char *text)
{
	struct t_inventory i = {.diags = pst_diags_new()};

	cr_assert_not_null(i.diags);
	cr_assert_eq(pst_inventory_parse("test.yaml", text, strlen(text), i.diags, &i.inv), 0);
	return i;
}

void t_inventory_free(struct t_inventory *i)
{
	pst_inventory_free(&i->inv);
	pst_diags_free(&i->diags);
}

/* Cuts "source:key=value" into a label. */
static struct pst_label cut(char *word)
{
	char *colon = strchr(word, ':'), *equals = strchr(word, '=');

	cr_assert_not_null(colon);
	*colon = 0;
	if (equals)
		*equals = 0;
	return (struct pst_label){
		.source = word,
		.key = colon + 1,
		.value = equals ? equals + 1 : "",
	};
}

bool t_matches(const struct pst_selector *sel, size_t n, const char *text)
{
	char *copy = strdup(text), *save = NULL;
	struct pst_label v[16];
	struct pst_labels labels = {.v = v};
	bool match = false;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		v[labels.n++] = cut(w);
	pst_labels_sort(&labels);
	for (size_t i = 0; i < n; i++)
		match = match || pst_selector_matches(&sel[i], &labels);
	free(copy);
	return match;
}

static bool has_port(const struct pst_port_rule *pr, unsigned int port)
{
	for (size_t i = 0; i < pr->n_ports; i++) {
		const struct pst_port *p = &pr->ports[i];

		if (p->protocol != PST_PROTOCOL_ANY && p->protocol != PST_PROTOCOL_TCP)
			continue;
		if (!p->port || (port >= p->port && port <= p->end_port))
			return true;
	}
	return false;
}

bool t_concerns(const struct pst_rule *rule, const char *labels, unsigned int port)
{
	bool on_port = !rule->has_ports;

	for (size_t i = 0; i < rule->n_ports; i++)
		on_port = on_port || has_port(&rule->ports[i], port);
	if (rule->peer_kind == PST_PEER_ABSENT)
		return rule->has_ports && on_port;
	return on_port && t_matches(rule->peers, rule->n_peers, labels);
}

const char *t_find(const char *dir)
{
	static const char *const prefixes[] = {"", "../", "../../"};
	static char path[512];

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		snprintf(path, sizeof(path), "%s%s", prefixes[i], dir);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}
