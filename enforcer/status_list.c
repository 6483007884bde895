// SPDX-License-Identifier: Apache-2.0
/* What is enforced, object by object: the endpoints and the rules of the present generation. */
#include "enforcer/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "compiler/bundle.h"
#include "enforcer/generation.h"
#include "enforcer/identity.h"
#include "policy/inventory.h"

static const struct pst_bundle *current(const struct pst_status *s)
{
	return pst_generations_bundle(s->gens, pst_generations_current(s->gens));
}

static int name_cmp(const void *a, const void *b)
{
	const struct pst_bundle_addr *x = *(const struct pst_bundle_addr *const *)a;
	const struct pst_bundle_addr *y = *(const struct pst_bundle_addr *const *)b;
	int r = strcmp(x->name ? x->name : "", y->name ? y->name : "");

	return r ? r : memcmp(x->addr, y->addr, sizeof(x->addr));
}

static bool is_same(const struct pst_bundle_addr *a, const struct pst_bundle_addr *b)
{
	return a->name && b->name && !strcmp(a->name, b->name) &&
	       a->value.identity == b->value.identity;
}

static void write_address(struct pst_json *j, const struct pst_bundle_addr *a)
{
	struct pst_addr addr;
	char text[46];

	memcpy(addr.b, a->addr, sizeof(addr.b));
	pst_json_str(j, NULL, pst_addr_to_str(&addr, text, sizeof(text)));
}

/* The N addresses at A are one endpoint's. */
static void write_endpoint(struct pst_json *j, const struct pst_bundle *b,
			   const struct pst_bundle_addr *const *a, size_t n)
{
	uint32_t flags = a[0]->value.flags;

	pst_json_object(j, NULL);
	pst_json_str(j, "name", a[0]->name);
	pst_json_u64(j, "identity", a[0]->value.identity);
	pst_json_bool(j, "ingress_enforced", flags & PST_ADDR_ENFORCE_INGRESS);
	pst_json_bool(j, "egress_enforced", flags & PST_ADDR_ENFORCE_EGRESS);
	pst_json_bool(j, "ingress_audited", flags & PST_ADDR_AUDIT_INGRESS);
	pst_json_bool(j, "egress_audited", flags & PST_ADDR_AUDIT_EGRESS);
	pst_json_array(j, "addresses");
	for (size_t i = 0; i < n; i++)
		write_address(j, a[i]);
	pst_json_end(j);
	pst_identity_write_labels(j, "labels", b, a[0]->value.identity);
	pst_json_end(j);
}

void pst_status_write_endpoints(struct pst_json *j, const char *key, const struct pst_status *s)
{
	const struct pst_bundle *b = current(s);
	pst_auto_free const struct pst_bundle_addr **list =
		b ? pst_mem_calloc(b->n_addrs + 1, sizeof(*list)) : NULL;
	size_t n = 0, end;

	for (size_t i = 0; list && i < b->n_addrs; i++) {
		if (b->addrs[i].value.flags & PST_ADDR_ENDPOINT)
			list[n++] = &b->addrs[i];
	}
	if (n)
		qsort(list, n, sizeof(*list), name_cmp);
	pst_json_array(j, key);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && is_same(list[i], list[end]);)
			end++;
		write_endpoint(j, b, &list[i], end - i);
	}
	pst_json_end(j);
}

static void write_rule(struct pst_json *j, const struct pst_bundle_rule *r)
{
	pst_json_object(j, NULL);
	pst_json_str(j, "path", r->path);
	pst_json_str(j, "file", r->pos.file);
	pst_json_u64(j, "line", r->pos.line);
	pst_json_u64(j, "column", r->pos.col);
	if (r->method)
		pst_json_str(j, "method", r->method);
	if (r->target)
		pst_json_str(j, "target", r->target);
	if (r->host)
		pst_json_str(j, "host", r->host);
	pst_json_end(j);
}

/* {"generation": N, "policies": [{"name", "rules": [...]}]} */
void pst_status_write_policy(struct pst_json *j, const char *key, const struct pst_status *s)
{
	const struct pst_bundle *b = current(s);
	size_t end;

	pst_json_object(j, key);
	pst_json_u64(j, "generation", pst_generations_current(s->gens));
	pst_json_array(j, "policies");
	for (size_t i = 0; b && i < b->n_rules; i = end) {
		const char *policy = b->rules[i].policy;

		pst_json_object(j, NULL);
		pst_json_str(j, "name", policy);
		pst_json_array(j, "rules");
		for (end = i; end < b->n_rules && !strcmp(b->rules[end].policy, policy); end++)
			write_rule(j, &b->rules[end]);
		pst_json_end(j);
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_end(j);
}
