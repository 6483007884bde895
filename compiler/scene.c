// SPDX-License-Identifier: Apache-2.0
/*
 * Every list begins with its length and every string with its own, so that no two scenes have one
 * text. Places in files are left out: nobody is compared with them.
 */
#include "compiler/scene.h"

#include <errno.h>
#include <string.h>

/* Bytes, one after the other; what has failed once stays failed. */
struct writer {
	struct pst_scene *to;
	bool is_full;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
	if (w->is_full || pst_vec_reserve(w->to, w->to->n + n + 1)) {
		w->is_full = true;
		return;
	}
	if (n)
		memcpy(w->to->v + w->to->n, bytes, n);
	w->to->n += n;
}

static void put_number(struct writer *w, size_t n)
{
	put(w, &n, sizeof(n));
}

static void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	put_number(w, n);
	put(w, bytes, n);
}

static void put_str(struct writer *w, const char *s)
{
	if (s)
		put_bytes(w, s, strlen(s));
	else
		put_number(w, SIZE_MAX);
}

static void put_labels(struct writer *w, const struct pst_labels *labels)
{
	put_number(w, labels->n);
	for (size_t i = 0; i < labels->n; i++) {
		put_str(w, labels->v[i].source);
		put_str(w, labels->v[i].key);
		put_str(w, labels->v[i].value);
	}
}

static void put_prefix(struct writer *w, const struct pst_prefix *p)
{
	put(w, p->addr, sizeof(p->addr));
	put_number(w, 2 * (size_t)p->len + p->is_v4);
}

static void put_addrs(struct writer *w, const struct pst_addr *addrs, size_t n)
{
	put_number(w, n);
	for (size_t i = 0; i < n; i++)
		put(w, addrs[i].b, sizeof(addrs[i].b));
}

static void put_facts(struct writer *w, const struct pst_identity_facts *f)
{
	put_number(w, f->prefix != NULL);
	if (f->prefix)
		put_prefix(w, f->prefix);
	put_number(w, f->n_ports);
	for (size_t i = 0; i < f->n_ports; i++) {
		put_str(w, f->ports[i].name);
		put_number(w, f->ports[i].port);
		put_number(w, f->ports[i].protocol);
	}
}

static void put_selector(struct writer *w, const struct pst_selector *sel)
{
	put_number(w, sel->n_reqs);
	for (size_t i = 0; i < sel->n_reqs; i++) {
		const struct pst_requirement *q = &sel->reqs[i];

		put_str(w, q->source);
		put_str(w, q->key);
		put_number(w, q->op);
		put_number(w, q->n_values);
		for (size_t k = 0; k < q->n_values; k++)
			put_str(w, q->values[k]);
	}
}

static void put_services(struct writer *w, const struct pst_inventory *inventory)
{
	put_number(w, inventory->n_services);
	for (size_t i = 0; i < inventory->n_services; i++) {
		const struct pst_service *s = &inventory->services[i];

		put_str(w, s->name);
		put_str(w, s->ns);
		put_labels(w, &s->labels);
		put_selector(w, &s->pods);
		put_addrs(w, s->addrs, s->n_addrs);
	}
}

static void put_groups(struct writer *w, const struct pst_inventory *inventory)
{
	put_number(w, inventory->n_cidr_groups);
	for (size_t i = 0; i < inventory->n_cidr_groups; i++) {
		const struct pst_cidr_group *g = &inventory->cidr_groups[i];

		put_str(w, g->name);
		put_labels(w, &g->labels);
		put_number(w, g->n_prefixes);
		for (size_t k = 0; k < g->n_prefixes; k++)
			put_prefix(w, &g->prefixes[k]);
	}
}

static void put_names(struct writer *w, const struct pst_inventory *inventory)
{
	put_number(w, inventory->n_names);
	for (size_t i = 0; i < inventory->n_names; i++) {
		put_str(w, inventory->names[i].name);
		put_addrs(w, inventory->names[i].addrs, inventory->names[i].n_addrs);
	}
}

static void put_secrets(struct writer *w, const struct pst_inventory *inventory)
{
	put_number(w, inventory->n_secrets);
	for (size_t i = 0; i < inventory->n_secrets; i++) {
		const struct pst_secret_value *s = &inventory->secrets[i];

		put_str(w, s->ns);
		put_str(w, s->name);
		put_bytes(w, s->value, s->len);
	}
}

int pst_scene_write(const struct pst_bundle *b, const struct pst_identity_facts *facts,
		    const struct pst_inventory *inventory, struct pst_scene *ret_scene)
{
	struct writer w = {.to = ret_scene};

	ret_scene->n = 0;
	put_number(&w, b->n_identities);
	for (size_t i = 0; i < b->n_identities; i++) {
		put_number(&w, b->identities[i].id);
		put_labels(&w, &b->identities[i].labels);
		put_facts(&w, &facts[i]);
	}
	put_services(&w, inventory);
	put_groups(&w, inventory);
	put_names(&w, inventory);
	put_secrets(&w, inventory);
	return w.is_full ? -ENOMEM : 0;
}

bool pst_scene_same(const struct pst_scene *a, const struct pst_scene *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->v, b->v, a->n));
}
