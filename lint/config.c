// SPDX-License-Identifier: Apache-2.0
#include "lint/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "lint/glob.h"
#include "lint/ignore.h"
#include "lint/read.h"
#include "lint/root.h"
#include "policy/fields.h"
#include "policy/policy.h"

static const struct {
	const char *name;
	unsigned int feature;
} features[] = {
	{"node-selector-labels", PST_FEATURE_NODE_SELECTOR_LABELS},
	{"extended-ip-protocols", PST_FEATURE_EXTENDED_IP_PROTOCOLS},
};

static const char *const levels[PST_LEVEL_MAX] = {
	[PST_LEVEL_DEFAULT] = "",    [PST_LEVEL_OFF] = "off",	      [PST_LEVEL_ON] = "on",
	[PST_LEVEL_ERROR] = "error", [PST_LEVEL_WARNING] = "warning", [PST_LEVEL_INFO] = "info",
};

bool pst_lint_severity_parse(const char *word, enum pst_severity *ret_severity)
{
	for (enum pst_severity s = 0; s < PST_SEVERITY_MAX; s++) {
		if (!strcmp(pst_severity_str(s), word)) {
			*ret_severity = s;
			return true;
		}
	}
	return false;
}

bool pst_lint_feature_parse(const char *word, unsigned int *ret_feature)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
		if (!strcmp(features[i].name, word)) {
			*ret_feature = features[i].feature;
			return true;
		}
	}
	return false;
}

bool pst_lint_version_parse(const char *word, unsigned int *ret_minor)
{
	for (unsigned int m = PST_CILIUM_OLDEST; m <= PST_CILIUM_NEWEST; m++) {
		const char text[] = {'1', '.', (char)('0' + m / 10), (char)('0' + m % 10), 0};

		if (!strcmp(text, word)) {
			*ret_minor = m;
			return true;
		}
	}
	return false;
}

static int invalid(struct pst_reader *r, const struct pst_yaml_node *n, const char *expected)
{
	return pst_diags_error(r->diags, "config-invalid", &n->pos, "expected %s, found \"%.64s\"",
			       expected, n->s ? n->s : pst_yaml_kind_str(n->kind));
}

/* 1.20 without quotes is a number to YAML: its text tells it from 1.2. */
static int read_version(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_lint_config *c = obj;

	if (n->s && pst_lint_version_parse(n->s, &c->cilium_minor))
		return 0;
	return invalid(r, n, PST_LINT_VERSIONS);
}

static int read_features(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_lint_config *c = obj;
	unsigned int feature;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	for (const struct pst_yaml_node *e = n->first; e; e = e->next) {
		if (e->s && pst_lint_feature_parse(e->s, &feature))
			c->features |= feature;
		else
			worst = invalid(r, e, PST_LINT_FEATURES);
	}
	return worst;
}

static int read_fail_on(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_lint_config *c = obj;

	if (n->s && pst_lint_severity_parse(n->s, &c->fail_on))
		return 0;
	return invalid(r, n, PST_LINT_SEVERITIES);
}

/* The rule that S names, or NULL after a diagnostic. */
static const struct pst_lint_rule *read_rule(struct pst_reader *r, const struct pst_yaml_node *n,
					     const char *s)
{
	const struct pst_lint_rule *rule = s ? pst_lint_rule_find(s) : NULL;

	if (!rule && s)
		pst_ignores_unknown_rule(r->diags, &n->pos, s);
	else if (!rule)
		invalid(r, n, "the id of a rule");
	return rule;
}

/* off and on are booleans to YAML 1.1: the text counts. */
static int read_level(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_lint_config *c)
{
	const struct pst_lint_rule *rule = read_rule(r, n->key, n->key->s);

	if (!rule)
		return -EINVAL;
	for (uint8_t l = PST_LEVEL_OFF; n->s && l < PST_LEVEL_MAX; l++) {
		if (!strcmp(levels[l], n->s)) {
			c->levels[pst_lint_rule_index(rule)] = l;
			return 0;
		}
	}
	return invalid(r, n, "off, on, error, warning or info");
}

static int read_rules(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (worst)
		return worst;
	for (const struct pst_yaml_node *e = n->first; e; e = e->next)
		worst = pst_fields_worse(worst, read_level(r, e, obj));
	return worst;
}

static int read_globs(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_lint_globs *globs)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	globs->v = pst_arena_calloc(r->arena, n->len, sizeof(*globs->v));
	if (!globs->v)
		return -ENOMEM;
	for (const struct pst_yaml_node *e = n->first; e; e = e->next) {
		struct pst_text text = {0};
		int r1 = pst_fields_text(r, e, &text);

		if (!r1 && (!text.len || *text.s == '/'))
			r1 = invalid(r, e, "a path relative to this file");
		if (!r1)
			globs->v[globs->n++] = text.s;
		worst = pst_fields_worse(worst, r1);
	}
	return worst;
}

static int read_exclude(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_globs(r, n, &((struct pst_lint_config *)obj)->exclude);
}

static int read_ignore_rule(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_config_ignore *ig = obj;

	ig->rule = read_rule(r, n, n->s);
	if (ig->rule && pst_ignores_may(ig->rule))
		return 0;
	if (ig->rule)
		pst_diags_error(r->diags, "ignore-syntax", &n->pos,
				"findings of the rule \"%s\" cannot be ignored", ig->rule->id);
	ig->rule = NULL;
	return -EINVAL;
}

static int read_ignore_paths(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_globs(r, n, &((struct pst_config_ignore *)obj)->paths);
}

static int read_ignore_reason(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_text text = {0};
	int e = pst_fields_text(r, n, &text);

	((struct pst_config_ignore *)obj)->has_reason = !e && strspn(text.s, " \t\n") < text.len;
	return e;
}

static const struct pst_field ignore_fields[] = {
	{.name = "rule", .required = true, .read = read_ignore_rule},
	{.name = "paths", .required = true, .read = read_ignore_paths},
	{.name = "reason", .read = read_ignore_reason},
};
static const struct pst_fields ignore_table = PST_FIELDS("an ignore", ignore_fields);

static int read_ignore(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_lint_config *c)
{
	struct pst_config_ignore ig = {.pos = n->pos};
	int e = pst_fields_read(r, &ignore_table, n, &ig);

	if (e)
		return e;
	if (!ig.has_reason)
		return pst_diags_error(r->diags, "ignore-no-reason", &n->pos,
				       "an ignore needs a reason and does not count without: "
				       "expected {rule, paths, reason}");
	c->ignores[c->n_ignores++] = ig;
	return 0;
}

static int read_ignores(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_lint_config *c = obj;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	c->ignores = pst_arena_calloc(r->arena, n->len, sizeof(*c->ignores));
	if (!c->ignores)
		return -ENOMEM;
	for (const struct pst_yaml_node *e = n->first; e; e = e->next)
		worst = pst_fields_worse(worst, read_ignore(r, e, c));
	return worst;
}

static int read_baseline(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_lint_config *c = obj;
	struct pst_text text = {0};
	int e = pst_fields_text(r, n, &text);

	if (e)
		return e;
	if (!text.len)
		return invalid(r, n, "a path");
	c->baseline = *text.s == '/' ? text.s : pst_arena_printf(c->arena, "%s/%s", c->dir, text.s);
	return c->baseline ? 0 : -ENOMEM;
}

static const struct pst_field config_fields[] = {
	{.name = "ciliumVersion", .read = read_version},
	{.name = "features", .read = read_features},
	{.name = "failOn", .read = read_fail_on},
	{.name = "rules", .read = read_rules},
	{.name = "exclude", .read = read_exclude},
	{.name = "ignores", .read = read_ignores},
	{.name = "baseline", .read = read_baseline},
};
static const struct pst_fields config_table =
	PST_FIELDS("the configuration " PST_LINT_CONFIG_NAME, config_fields);

int pst_lint_config_init(struct pst_lint_config *c, struct pst_arena *arena)
{
	*c = (struct pst_lint_config){.arena = arena, .fail_on = PST_SEVERITY_MAX};
	c->levels = pst_arena_calloc(arena, pst_lint_rule_count(), 1);
	return c->levels ? 0 : -ENOMEM;
}

int pst_lint_config_read(struct pst_lint_config *c, const char *file, struct pst_diags *diags)
{
	const struct pst_lint_reading reading = {
		.file = file,
		.id_unreadable = "config-unreadable",
		.id_invalid = "config-invalid",
		.fields = &config_table,
		.keep = "ignore-",
	};

	c->file = file;
	c->dir = pst_root_dir_of(c->arena, file);
	if (!c->dir)
		return -ENOMEM;
	return pst_lint_read(&reading, c->arena, diags, c);
}

int pst_lint_config_find(struct pst_arena *arena, const char **ret_file)
{
	const char *dir = NULL;
	int r = pst_root_search(arena, PST_LINT_CONFIG_NAME, &dir);

	if (!r && dir)
		*ret_file = pst_arena_printf(arena, "%s/" PST_LINT_CONFIG_NAME,
					     strcmp(dir, "/") ? dir : "");
	return r ? r : dir && !*ret_file ? -ENOMEM : 0;
}

static bool any_matches(const struct pst_lint_config *c, const struct pst_lint_globs *globs,
			const char *file)
{
	const char *path = globs->n ? pst_root_relative(c->arena, c->dir, file) : NULL;

	for (size_t i = 0; path && i < globs->n; i++) {
		if (pst_glob_matches(globs->v[i], path))
			return true;
	}
	return false;
}

static bool is_config(const struct pst_lint_config *c, const char *file)
{
	const char *slash = strrchr(file, '/');

	return !strcmp(slash ? slash + 1 : file, PST_LINT_CONFIG_NAME) ||
	       (c->file && !strcmp(c->file, file));
}

bool pst_lint_config_excludes(const struct pst_lint_config *c, const char *file)
{
	return is_config(c, file) || any_matches(c, &c->exclude, file);
}

bool pst_lint_config_ignores(struct pst_lint_config *c, const struct pst_finding *f)
{
	for (size_t i = 0; f->pos.file && i < c->n_ignores; i++) {
		struct pst_config_ignore *ig = &c->ignores[i];

		if (ig->rule == f->rule && any_matches(c, &ig->paths, f->pos.file)) {
			ig->used = true;
			return true;
		}
	}
	return false;
}
