// SPDX-License-Identifier: Apache-2.0
#include "policy/outside.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_NAME = 253 };

static int read_prefix(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_prefix *p)
{
	bool host_bits;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	if (!strchr(n->s, '/') || pst_prefix_from_str(n->s, p, &host_bits))
		return pst_diags_error(
			r->diags, "address-invalid", &n->pos,
			"expected a prefix like 10.0.0.0/8 or 2001:db8::/32, found \"%.64s\"",
			n->s);
	p->pos = n->pos;
	return 0;
}

int pst_group_read(struct pst_reader *r, const struct pst_yaml_node *n,
		   struct pst_kube_group *ret_group)
{
	const struct pst_yaml_node *spec, *list = NULL;
	struct pst_kube_group g = {0};
	int e = pst_kube_meta_read(r, n, &g.meta);

	if (e != -ENOMEM)
		e = pst_fields_worse(e, pst_kube_get(r, n, "spec", PST_YAML_MAPPING, &spec));
	if (!e)
		e = pst_kube_get(r, spec, "externalCIDRs", PST_YAML_LIST, &list);
	if (e)
		return e;
	g.prefixes = pst_arena_calloc(r->arena, list ? list->len : 0, sizeof(*g.prefixes));
	if (!g.prefixes)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = list ? list->first : NULL; c; c = c->next)
		e = pst_fields_worse(e, read_prefix(r, c, &g.prefixes[g.n_prefixes++]));
	if (!e)
		*ret_group = g;
	return e;
}

/* In the form in which names are compared. */
static int read_name(struct pst_reader *r, const struct pst_text *text, const char **ret_name)
{
	size_t len = text->len;
	char *name;

	while (len && text->s[len - 1] == '.')
		len--;
	if (!len || len > MAX_NAME)
		return pst_diags_error(r->diags, "name-invalid", &text->pos,
				       "\"%.64s\" is not a DNS name", text->s);
	name = pst_arena_strndup(r->arena, text->s, len);
	if (!name)
		return -ENOMEM;
	for (char *c = name; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return pst_diags_error(r->diags, "name-invalid", &text->pos,
					       "\"%.64s\" is not a DNS name", text->s);
	}
	*ret_name = name;
	return 0;
}

/* One element of spec.endpoints; a name stays NULL when the record is not about addresses. */
static int read_record(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_kube_record *record)
{
	const struct pst_yaml_node *targets = NULL;
	struct pst_text name = {0}, type = {.s = ""};
	int e = pst_fields_expect(r, n, PST_YAML_MAPPING);

	*record = (struct pst_kube_record){0};
	if (!e)
		e = pst_kube_text(r, n, "recordType", &type);
	if (e || (strcmp(type.s, "A") && strcmp(type.s, "AAAA")))
		return e;
	e = pst_kube_text(r, n, "dnsName", &name);
	if (!e)
		e = pst_kube_get(r, n, "targets", PST_YAML_LIST, &targets);
	if (e || !targets)
		return e;
	if (!name.s)
		return pst_diags_error(r->diags, "missing-field", &n->pos,
				       "a record needs the field \"dnsName\"");
	if (pst_kube_addrs_reserve(r, &record->addrs, targets->len))
		return -ENOMEM;
	e = read_name(r, &name, &record->name);
	for (const struct pst_yaml_node *c = targets->first; c && e != -ENOMEM; c = c->next)
		e = pst_fields_worse(e, pst_kube_addr_read(r, c, &record->addrs));
	return e;
}

int pst_dns_endpoint_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  struct pst_kube_record **ret_v, size_t *ret_n)
{
	const struct pst_yaml_node *spec, *list = NULL;
	struct pst_kube_record *v;
	struct pst_kube_meta meta;
	size_t kept = 0;
	int worst = pst_kube_meta_read(r, n, &meta);

	if (worst != -ENOMEM)
		worst = pst_fields_worse(worst,
					 pst_kube_get(r, n, "spec", PST_YAML_MAPPING, &spec));
	if (!worst)
		worst = pst_kube_get(r, spec, "endpoints", PST_YAML_LIST, &list);
	if (worst)
		return worst;
	v = pst_arena_calloc(r->arena, list ? list->len : 0, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = list ? list->first : NULL; c; c = c->next) {
		int e = read_record(r, c, &v[kept]);

		kept += !e && v[kept].name;
		worst = pst_fields_worse(worst, e);
	}
	*ret_v = v;
	*ret_n = kept;
	return worst;
}

static int compare_records(const void *va, const void *vb)
{
	const struct pst_kube_record *a = va, *b = vb;

	return strcmp(a->name, b->name);
}

static int compare_addrs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pst_addr));
}

/* The addresses of the N records V, which are of one name. */
static int join(struct pst_reader *r, const struct pst_kube_record *v, size_t n,
		struct pst_dns_name *ret)
{
	size_t total = 0, kept = 0;

	for (size_t i = 0; i < n; i++)
		total += v[i].addrs.n;
	ret->name = v[0].name;
	ret->addrs = pst_arena_calloc(r->arena, total, sizeof(*ret->addrs));
	if (!ret->addrs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].addrs.n; k++)
			ret->addrs[kept++] = v[i].addrs.v[k];
	}
	if (kept)
		qsort(ret->addrs, kept, sizeof(*ret->addrs), compare_addrs);
	for (size_t i = 0; i < kept; i++) {
		if (!ret->n_addrs || compare_addrs(&ret->addrs[ret->n_addrs - 1], &ret->addrs[i]))
			ret->addrs[ret->n_addrs++] = ret->addrs[i];
	}
	return 0;
}

int pst_dns_names_fill(struct pst_reader *r, struct pst_kube_record *v, size_t n,
		       struct pst_dns_name **ret_names, size_t *ret_n)
{
	struct pst_dns_name *names = pst_arena_calloc(r->arena, n, sizeof(*names));
	size_t kept = 0, end;

	if (!names)
		return -ENOMEM;
	if (n)
		qsort(v, n, sizeof(*v), compare_records);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && !compare_records(&v[i], &v[end]);)
			end++;
		if (join(r, &v[i], end - i, &names[kept++]))
			return -ENOMEM;
	}
	*ret_names = names;
	*ret_n = kept;
	return 0;
}
