// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_fqdn.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

enum { MAX_LEN = 255 };

/* Labels of CHARS, each followed by one dot; the last dot may be left out. */
static bool has_form(const char *s, const char *chars)
{
	if (!*s)
		return false;
	while (*s) {
		size_t len = strspn(s, chars);

		if (!len)
			return false;
		s += len;
		if (*s && *s++ != '.')
			return false;
	}
	return true;
}

static int read_one(struct pst_reader *r, const struct pst_yaml_node *n, const char *chars,
		    struct pst_text *ret_text)
{
	int e = pst_fields_text(r, n, ret_text);

	if (e)
		return e;
	if (n->len > MAX_LEN)
		return pst_diags_error(r->diags, "fqdn-invalid", &n->pos,
				       "%s: expected at most %d characters, found %zu", n->key->s,
				       MAX_LEN, n->len);
	if (has_form(n->s, chars))
		return 0;
	return pst_diags_error(
		r->diags, "fqdn-invalid", &n->pos,
		"%s: expected letters, digits, '-', '_'%s and single dots between them, found \"%.128s\"",
		n->key->s, strchr(chars, '*') ? ", '*'" : "", n->s);
}

static int read_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_one(r, n, NAME_CHARS, &((struct pst_fqdn *)obj)->name);
}

static int read_pattern(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_one(r, n, NAME_CHARS "*", &((struct pst_fqdn *)obj)->pattern);
}

static const struct pst_field fqdn_fields[] = {
	{.name = "matchName", .read = read_name},
	{.name = "matchPattern", .read = read_pattern},
};
static const struct pst_fields fqdn_table = PST_FIELDS("a DNS name selector", fqdn_fields);

static int read_fqdn(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_fqdn *fqdn)
{
	int e;

	*fqdn = (struct pst_fqdn){.pos = n->pos};
	e = pst_fields_read(r, &fqdn_table, n, fqdn);
	if (e)
		return e;
	if (fqdn->name.s && fqdn->pattern.s)
		return pst_diags_error(
			r->diags, "fqdn-both", &n->pos,
			"expected matchName or matchPattern, found both; write two elements");
	if (!fqdn->name.s && !fqdn->pattern.s)
		return pst_diags_error(r->diags, "fqdn-empty", &n->pos,
				       "expected matchName or matchPattern, found neither");
	return 0;
}

int pst_cnp_fqdns_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_fqdn **ret_v,
		       size_t *ret_n)
{
	struct pst_fqdn *v;
	size_t kept = 0;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	*ret_v = NULL;
	*ret_n = 0;
	if (worst)
		return worst;
	v = pst_arena_calloc(r->arena, n->len, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c && worst != -ENOMEM; c = c->next) {
		int e = read_fqdn(r, c, &v[kept]);

		kept += !e;
		worst = pst_fields_worse(worst, e);
	}
	if (worst == -ENOMEM)
		return worst;
	*ret_v = v;
	*ret_n = kept;
	return worst;
}
