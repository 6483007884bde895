// SPDX-License-Identifier: Apache-2.0
#include "policy/fields.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/nearest.h"

int pst_fields_worse(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	return a ? a : b;
}

static const struct pst_field *find(const struct pst_fields *fields,
				    const struct pst_yaml_node *key)
{
	for (size_t i = 0; i < fields->n; i++) {
		if (key->kind == PST_YAML_STRING && !strcmp(fields->v[i].name, key->s))
			return &fields->v[i];
	}
	return NULL;
}

static int unknown(struct pst_reader *r, const struct pst_fields *fields,
		   const struct pst_yaml_node *key)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;

	pst_nearest_init(&near, key->s);
	for (size_t i = 0; i < fields->n; i++)
		pst_nearest_offer(&near, fields->v[i].name);
	return pst_diags_error(r->diags, "unknown-field", &key->pos, "%s has no field \"%.64s\"%s",
			       fields->what, key->s, pst_nearest_hint(&near, hint));
}

bool pst_policy_options_accept(const struct pst_policy_options *options, const char *id)
{
	for (size_t i = 0; options && i < options->n_accept; i++) {
		if (!strcmp(options->accept[i], id))
			return true;
	}
	return false;
}

int pst_reader_unsupported(struct pst_reader *r, const char *id, const struct pst_pos *pos,
			   const char *fmt, ...)
{
	enum pst_severity severity = PST_SEVERITY_ERROR;
	char text[512];
	va_list ap;

	if (r->options->lint)
		severity = PST_SEVERITY_INFO;
	else if (pst_policy_options_accept(r->options, id))
		severity = PST_SEVERITY_WARNING;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pst_diags_add(r->diags, severity, id, pos, "%s", text);
	r->n_unsupported += severity == PST_SEVERITY_ERROR;
	return r->options->lint ? 0 : -EINVAL;
}

bool pst_reader_at_least(const struct pst_reader *r, unsigned int minor)
{
	return r->options->cilium_minor >= minor;
}

static int check_version(struct pst_reader *r, const struct pst_fields *fields,
			 const struct pst_field *f, const struct pst_yaml_node *key)
{
	if (f->since && !pst_reader_at_least(r, f->since))
		return pst_diags_error(
			r->diags, "field-version", &key->pos,
			"the field \"%s\" of %s is known from Cilium 1.%u on; the rules of 1.%u are asked for",
			f->name, fields->what, f->since, r->options->cilium_minor);
	if (f->until && pst_reader_at_least(r, f->until))
		return pst_diags_error(r->diags, "field-version", &key->pos,
				       "the field \"%s\" of %s was removed in Cilium 1.%u", f->name,
				       fields->what, f->until);
	return 0;
}

static int read_field(struct pst_reader *r, const struct pst_fields *fields,
		      const struct pst_field *f, const struct pst_yaml_node *n, void *obj)
{
	int e;

	if (f->use == PST_FIELD_UNREAD)
		return 0;
	if (f->use == PST_FIELD_FORBIDDEN)
		return pst_diags_error(r->diags, f->id, &n->key->pos, "%s", f->why);
	if (n->kind == PST_YAML_NULL)
		return 0;
	e = check_version(r, fields, f, n->key);
	return e ? e : f->read(r, n, obj);
}

static int check_required(struct pst_reader *r, const struct pst_fields *fields, uint64_t seen,
			  const struct pst_pos *pos)
{
	int worst = 0;

	for (size_t i = 0; i < fields->n; i++) {
		if (!fields->v[i].required || seen >> i & 1)
			continue;
		worst = pst_diags_error(r->diags, "missing-field", pos, "%s needs the field \"%s\"",
					fields->what, fields->v[i].name);
	}
	return worst;
}

int pst_fields_read(struct pst_reader *r, const struct pst_fields *fields,
		    const struct pst_yaml_node *n, void *obj)
{
	uint64_t seen = 0;
	int worst;

	worst = pst_fields_expect(r, n, PST_YAML_MAPPING);
	if (worst)
		return worst;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		const struct pst_field *f = find(fields, c->key);
		int e = f ? read_field(r, fields, f, c, obj) : unknown(r, fields, c->key);

		if (e == -ENOMEM || !f || !f->neutral)
			worst = pst_fields_worse(worst, e);
		if (f && c->kind != PST_YAML_NULL)
			seen |= UINT64_C(1) << (f - fields->v);
	}
	return pst_fields_worse(worst, check_required(r, fields, seen, &n->pos));
}

int pst_fields_expect(struct pst_reader *r, const struct pst_yaml_node *n, enum pst_yaml_kind kind)
{
	const char *field = n->key ? n->key->s : "list element";
	bool quotable =
		kind == PST_YAML_STRING && (n->kind == PST_YAML_NUMBER || n->kind == PST_YAML_BOOL);

	if (n->kind == kind)
		return 0;
	return pst_diags_error(r->diags, "type-mismatch", &n->pos, "%.64s: expected %s, found %s%s",
			       field, pst_yaml_kind_str(kind), pst_yaml_kind_str(n->kind),
			       quotable ? "; quote it" : "");
}

int pst_fields_text(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_text *ret_text)
{
	int e = pst_fields_expect(r, n, PST_YAML_STRING);
	const char *copy;

	if (e)
		return e;
	copy = pst_arena_strndup(r->arena, n->s, n->len);
	if (!copy)
		return -ENOMEM;
	*ret_text = (struct pst_text){.s = copy, .len = n->len, .pos = n->pos};
	return 0;
}

int pst_fields_bool(struct pst_reader *r, const struct pst_yaml_node *n, bool *ret_value)
{
	int e = pst_fields_expect(r, n, PST_YAML_BOOL);

	if (e)
		return e;
	if (!strcasecmp(n->s, "true") || !strcasecmp(n->s, "false")) {
		*ret_value = tolower((unsigned char)n->s[0]) == 't';
		return 0;
	}
	return pst_diags_error(r->diags, "type-mismatch", &n->pos,
			       "expected true or false, found \"%.16s\"; write true or false",
			       n->s);
}

int pst_fields_uint(struct pst_reader *r, const struct pst_yaml_node *n, unsigned int max,
		    unsigned int *ret_value)
{
	int e = pst_fields_expect(r, n, PST_YAML_NUMBER);
	unsigned long value;

	if (e)
		return e;
	/* Other spellings (octal, underscores, 1e3) are read differently by different parsers. */
	if (n->len > 9 || strspn(n->s, "0123456789") != n->len || (n->s[0] == '0' && n->len > 1))
		return pst_diags_error(r->diags, "number-invalid", &n->pos,
				       "expected a decimal integer from 0 to %u, found \"%.32s\"",
				       max, n->s);
	value = strtoul(n->s, NULL, 10);
	if (value > max)
		return pst_diags_error(r->diags, "number-invalid", &n->pos,
				       "expected a decimal integer from 0 to %u, found %lu", max,
				       value);
	*ret_value = (unsigned int)value;
	return 0;
}
