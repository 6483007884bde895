// SPDX-License-Identifier: Apache-2.0
/*
 * Every list begins with its length and every string with its own, so that no two scenes have one
 * text. Places in files are left out: nobody is compared with them.
 */
#include "compiler/scene.h"

#include "base/mem.h"
#include "compiler/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes, one after the other; what has failed once stays failed. */
struct writer {
	struct pst_scene_text *to;
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
		/* With a selector, nobody is compared with the addresses. */
		if (!s->pods.n_reqs)
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

/* Numbers below are the identity's own, those above a place among others of its kind. */
static uint32_t kind_of(uint32_t id)
{
	if (id < PST_ID_LOCAL)
		return id;
	return id < PST_ID_FIRST_PREFIX ? PST_ID_LOCAL
	       : id < PST_ID_FIRST_NODE ? PST_ID_FIRST_PREFIX
					: PST_ID_FIRST_NODE;
}

static int write_people(const struct pst_bundle *b, const struct pst_identity_facts *facts,
			struct pst_scene *s)
{
	struct writer w = {.to = &s->people};

	for (size_t i = 0; i < b->n_identities; i++) {
		struct pst_scene_one one = {
			.id = b->identities[i].id,
			.has_ports = facts[i].n_ports,
			.begin = s->people.n,
		};

		put_number(&w, kind_of(one.id));
		put_labels(&w, &b->identities[i].labels);
		put_facts(&w, &facts[i]);
		one.len = s->people.n - one.begin;
		if (w.is_full || pst_vec_push(&s->ones, one))
			return -ENOMEM;
	}
	return 0;
}

int pst_scene_write(const struct pst_bundle *b, const struct pst_identity_facts *facts,
		    const struct pst_inventory *inventory, struct pst_scene *ret_scene)
{
	struct writer w = {.to = &ret_scene->rest};

	ret_scene->people.n = ret_scene->ones.n = ret_scene->rest.n = 0;
	put_services(&w, inventory);
	put_groups(&w, inventory);
	put_names(&w, inventory);
	put_secrets(&w, inventory);
	return w.is_full ? -ENOMEM : write_people(b, facts, ret_scene);
}

void pst_scene_fini(struct pst_scene *s)
{
	pst_vec_free(&s->people);
	pst_vec_free(&s->ones);
	pst_vec_free(&s->rest);
}

/* From one scene to the next. */

struct join {
	const struct pst_scene *then, *now;
	struct pst_scene_news *news;
};

static bool is_same_one(const struct join *j, size_t then, size_t now)
{
	const struct pst_scene_one *a, *b;

	if (then >= j->then->ones.n || now >= j->now->ones.n)
		return false;
	a = &j->then->ones.v[then];
	b = &j->now->ones.v[now];
	return a->len == b->len &&
	       !memcmp(j->then->people.v + a->begin, j->now->people.v + b->begin, a->len);
}

/* How many are passed over, *RET_GONE of then or *RET_COME of now, before the two go on alike. */
static void find_next(const struct join *j, size_t then, size_t now, size_t *ret_gone,
		      size_t *ret_come)
{
	*ret_gone = *ret_come = 0;
	if (is_same_one(j, then, now))
		return;
	for (size_t d = 1; d <= PST_SCENE_MAX_NEWS; d++) {
		*ret_gone = is_same_one(j, then + d, now) ? d : 0;
		*ret_come = is_same_one(j, then, now + d) ? d : 0;
		if (*ret_gone || *ret_come)
			break;
	}
	if (*ret_gone) {
		*ret_come = 0;
	} else if (!*ret_come) { /* somebody else in his place, or the end of one list */
		*ret_gone = then < j->then->ones.n;
		*ret_come = now < j->now->ones.n;
	}
}

static bool goes_on(const struct pst_scene_run *run, const struct pst_scene_run *one)
{
	return run->then + run->n == one->then && run->now + run->n == one->now &&
	       run->id_now - run->id_then == one->id_now - one->id_then;
}

/* The next one was there then, too; he goes on with those before him, or a run begins. */
static void keep_one(struct join *j, uint32_t then, uint32_t now)
{
	struct pst_scene_news *n = j->news;
	const struct pst_scene_run one = {
		.then = then,
		.now = now,
		.n = 1,
		.id_then = j->then->ones.v[then].id,
		.id_end = j->then->ones.v[then].id + 1,
		.id_now = j->now->ones.v[now].id,
	};

	n->is_renumbered |= one.id_now != one.id_then;
	if (n->n_runs && goes_on(&n->runs[n->n_runs - 1], &one)) {
		n->runs[n->n_runs - 1].n++;
		n->runs[n->n_runs - 1].id_end = one.id_end;
	} else {
		n->runs[n->n_runs++] = one;
	}
}

static void join_all(struct join *j)
{
	struct pst_scene_news *n = j->news;
	size_t then = 0, now = 0;

	while (then < j->then->ones.n || now < j->now->ones.n) {
		size_t gone, come;

		find_next(j, then, now, &gone, &come);
		if (n->n_gone + gone > PST_SCENE_MAX_NEWS || n->n_come + come > PST_SCENE_MAX_NEWS)
			return;
		for (; gone; gone--)
			n->gone[n->n_gone++] = (uint32_t)then++;
		for (; come; come--)
			n->come[n->n_come++] = (uint32_t)now++;
		if (!is_same_one(j, then, now))
			continue;
		keep_one(j, (uint32_t)then, (uint32_t)now);
		n->was[now++] = 1 + (uint32_t)then++;
	}
	n->is_known = true;
}

static bool is_same_text(const struct pst_scene_text *a, const struct pst_scene_text *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->v, b->v, a->n));
}

int pst_scene_join(const struct pst_scene *then, const struct pst_scene *now,
		   struct pst_scene_news *ret_news)
{
	struct join j = {.then = then, .now = now, .news = ret_news};
	struct pst_scene_run *runs;
	uint32_t *was;

	*ret_news = (struct pst_scene_news){0};
	if (!is_same_text(&then->rest, &now->rest))
		return 0;
	was = pst_mem_calloc(now->ones.n, sizeof(*was));
	runs = pst_mem_calloc(now->ones.n, sizeof(*runs));
	if (!was || !runs) {
		free(was);
		free(runs);
		return -ENOMEM;
	}
	ret_news->was = was;
	ret_news->runs = runs;
	join_all(&j);
	return 0;
}

void pst_scene_news_fini(struct pst_scene_news *n)
{
	free(n->was);
	free(n->runs);
	*n = (struct pst_scene_news){0};
}
