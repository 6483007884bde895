// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_tls.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define SERVER_NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*"

enum {
	MAX_SERVER_NAME = 255,
	SINCE_WILDCARDS = 18, /* and since the schema checks server names */
};

static int read_secret_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_text(r, n, &((struct pst_secret *)obj)->name);
}

static int read_secret_namespace(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_text(r, n, &((struct pst_secret *)obj)->ns);
}

static const struct pst_field secret_fields[] = {
	{.name = "name", .read = read_secret_name},
	{.name = "namespace", .read = read_secret_namespace},
};
static const struct pst_fields secret_table = PST_FIELDS("a secret", secret_fields);

int pst_cnp_secret_read(struct pst_reader *r, const struct pst_yaml_node *n,
			struct pst_secret *secret)
{
	int e = pst_fields_read(r, &secret_table, n, secret);

	if (!e && !secret->name.len)
		return pst_diags_error(r->diags, "secret-name-missing", &n->pos,
				       "expected the name of a Secret, found none");
	return e;
}

static int read_secret(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_cnp_secret_read(r, n, &((struct pst_tls *)obj)->secret);
}

static int read_trusted_ca(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_text(r, n, &((struct pst_tls *)obj)->trusted_ca);
}

static int read_certificate(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_text(r, n, &((struct pst_tls *)obj)->certificate);
}

static int read_private_key(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_text(r, n, &((struct pst_tls *)obj)->private_key);
}

static const struct pst_field tls_fields[] = {
	{.name = "secret", .read = read_secret},
	{.name = "trustedCA", .read = read_trusted_ca},
	{.name = "certificate", .read = read_certificate},
	{.name = "privateKey", .read = read_private_key},
};
static const struct pst_fields tls_table = PST_FIELDS("a TLS context", tls_fields);

int pst_cnp_tls_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_tls **ret_tls)
{
	struct pst_tls *tls = pst_arena_alloc(r->arena, sizeof(*tls));
	int e;

	if (!tls)
		return -ENOMEM;
	tls->pos = n->key->pos;
	e = pst_fields_read(r, &tls_table, n, tls);
	if (e)
		return e;
	if (!tls->secret.name.s)
		return pst_diags_error(r->diags, "tls-secret-missing", &n->key->pos,
				       "%s needs a secret that holds its keys", n->key->s);
	*ret_tls = tls;
	return 0;
}

/* Labels of SERVER_NAME_CHARS, each followed by one dot; the last dot may be left out. */
static bool is_server_name(const char *s)
{
	while (*s) {
		size_t len = strspn(s, SERVER_NAME_CHARS);

		s += len;
		if (!len || (*s && *s++ != '.'))
			return false;
	}
	return true;
}

/* Up to 1.17 Cilium took any text, and compared it as it is. */
static int check_server_name(struct pst_reader *r, const struct pst_yaml_node *n)
{
	if (!n->len)
		return pst_diags_error(r->diags, "server-name-invalid", &n->pos,
				       "a server name must not be empty");
	if (!pst_reader_at_least(r, SINCE_WILDCARDS)) {
		if (strchr(n->s, '*'))
			pst_diags_add(
				r->diags, PST_SEVERITY_WARNING, "server-name-wildcard", &n->pos,
				"before Cilium 1.18 '*' in a server name is no wildcard: it matches nothing");
		return 0;
	}
	if (n->len > MAX_SERVER_NAME)
		return pst_diags_error(r->diags, "server-name-invalid", &n->pos,
				       "expected a server name of at most %d characters, found %zu",
				       MAX_SERVER_NAME, n->len);
	if (!is_server_name(n->s))
		return pst_diags_error(
			r->diags, "server-name-invalid", &n->pos,
			"expected letters, digits, '-', '_', '*' and single dots between them, found \"%.128s\"",
			n->s);
	return 0;
}

int pst_cnp_server_names_read(struct pst_reader *r, const struct pst_yaml_node *n,
			      struct pst_port_rule *pr)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	if (!n->len)
		return pst_diags_error(r->diags, "server-names-empty", &n->key->pos,
				       "expected at least one server name; leave the field out if "
				       "any will do");
	pr->server_names = pst_arena_calloc(r->arena, n->len, sizeof(*pr->server_names));
	if (!pr->server_names)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c && worst != -ENOMEM; c = c->next) {
		int e = pst_fields_text(r, c, &pr->server_names[pr->n_server_names]);

		if (!e)
			e = check_server_name(r, c);
		pr->n_server_names += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}
