// SPDX-License-Identifier: Apache-2.0
#include "enforcer/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/handover.h"
#include "enforcer/loader.h"

enum { RETIRE_MS = 100 };

/* An endpoint's address with its name, sorted for search. */
struct named {
	const uint8_t *addr;
	const char *name;
};

struct slot {
	uint32_t generation;
	struct pst_bundle *bundle;
	struct pst_judge *judge;
	struct pst_addr_key *addrs; /* what was written, to be taken back */
	size_t n_addrs;
	struct named *names;
	size_t n_names;
	struct timespec published;
	bool is_known; /* what it has in the maps is listed here; else a predecessor may have left
			  something */
};

struct pst_generations {
	struct pst_loader *loader;
	struct pst_config config;
	struct slot slots[PST_GEN_SLOTS];
};

int pst_generations_new(struct pst_loader *l, const struct pst_config *config,
			struct pst_generations **ret_gens)
{
	struct pst_generations *g = pst_mem_calloc(1, sizeof(*g));
	struct pst_config kept;
	struct slot *last;
	int r;

	if (!g)
		return -ENOMEM;
	r = pst_loader_get_config(l, &kept);
	if (r) {
		free(g);
		return pst_log_err(r, "cannot read which generation is in force");
	}
	g->loader = l;
	g->config = *config;
	g->config.generation = kept.generation;
	last = &g->slots[kept.generation % PST_GEN_SLOTS];
	last->generation = kept.generation;
	clock_gettime(CLOCK_MONOTONIC, &last->published); /* at the latest */
	*ret_gens = g;
	return 0;
}

static void slot_fini(struct slot *s)
{
	pst_judge_free(&s->judge);
	pst_bundle_free(&s->bundle);
	free(s->addrs);
	free(s->names);
	*s = (struct slot){0};
}

void pst_generations_free(struct pst_generations **g)
{
	if (!*g)
		return;
	for (size_t i = 0; i < PST_GEN_SLOTS; i++)
		slot_fini(&(*g)->slots[i]);
	free(*g);
	*g = NULL;
}

static struct slot *find_slot(const struct pst_generations *g, uint32_t generation)
{
	const struct slot *s = &g->slots[generation % PST_GEN_SLOTS];

	return generation && s->generation == generation ? (struct slot *)s : NULL;
}

const struct pst_bundle *pst_generations_bundle(const struct pst_generations *g,
						uint32_t generation)
{
	const struct slot *s = find_slot(g, generation);

	return s ? s->bundle : NULL;
}

struct pst_judge *pst_generations_judge(const struct pst_generations *g, uint32_t generation)
{
	const struct slot *s = find_slot(g, generation);

	return s ? s->judge : NULL;
}

uint32_t pst_generations_current(const struct pst_generations *g)
{
	return g->config.generation;
}

int pst_generations_set_flag(struct pst_generations *g, uint32_t flag, bool on)
{
	struct pst_config config = g->config;
	int r;

	config.flags = on ? config.flags | flag : config.flags & ~flag;
	r = pst_loader_set_config(g->loader, &config);
	if (r)
		return pst_log_err(r, "cannot change what is in force");
	g->config = config;
	return 0;
}

static int named_cmp(const void *a, const void *b)
{
	return memcmp(((const struct named *)a)->addr, ((const struct named *)b)->addr, 16);
}

const char *pst_generations_name(const struct pst_generations *g, uint32_t generation,
				 const uint8_t addr[16])
{
	const struct slot *s = find_slot(g, generation);
	const struct named key = {.addr = addr};
	const struct named *found;

	if (!s || !s->n_names)
		return NULL;
	found = bsearch(&key, s->names, s->n_names, sizeof(key), named_cmp);
	return found ? found->name : NULL;
}

/*
 * The slot that GENERATION takes over belongs to the fourth-last one. Flows look for the present
 * one at each request; give those that were inside a request when it was published the time to end
 * it.
 */
static void wait_retired(const struct pst_generations *g, uint32_t generation)
{
	const struct slot *last = find_slot(g, generation - 1);
	struct timespec until;

	if (!last || generation <= PST_GEN_SLOTS)
		return;
	until = last->published;
	until.tv_nsec += RETIRE_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* Takes back what the slot's former generation had in the maps. */
static int clear_slot(struct pst_generations *g, struct slot *s, struct pst_table *table,
		      uint32_t number)
{
	int r = 0;

	__atomic_store_n(&table->generation, 0, __ATOMIC_SEQ_CST);
	if (!s->is_known)
		r = pst_loader_clear_slot(g->loader, number);
	for (size_t i = 0; i < s->n_addrs && !r; i++)
		r = pst_loader_del_addr(g->loader, &s->addrs[i]);
	for (size_t i = 0; s->bundle && i < s->bundle->n_entries && !r; i++) {
		struct pst_policy_key key = s->bundle->entries[i].key;

		key.slot = number;
		r = pst_loader_del_policy(g->loader, &key);
	}
	if (r)
		return pst_log_err(r, "cannot clear the slot of an old generation");
	slot_fini(s);
	return 0;
}

static int put_addr(struct pst_generations *g, struct slot *s, uint32_t number,
		    const uint8_t addr[16], uint32_t prefix, const struct pst_addr_value *value)
{
	struct pst_addr_key key = {.prefixlen = 32 + prefix, .slot = number};
	int r;

	memcpy(key.addr, addr, 16);
	r = pst_loader_set_addr(g->loader, &key, value);
	if (r)
		return pst_log_err(r, "cannot enter an address of the new generation");
	s->addrs[s->n_addrs++] = key;
	return 0;
}

/* The node's own addresses first: an endpoint of the same address replaces them. */
static int put_addrs(struct pst_generations *g, struct slot *s, uint32_t number,
		     const struct pst_host_prefix *host, size_t n_host)
{
	static const struct pst_addr_value node = {PST_ID_HOST, PST_ADDR_HOST};
	const struct pst_bundle *b = s->bundle;
	int r = 0;

	s->addrs = pst_mem_calloc(n_host + b->n_addrs, sizeof(*s->addrs));
	s->names = pst_mem_calloc(b->n_addrs, sizeof(*s->names));
	if (!s->addrs || !s->names)
		return -ENOMEM;
	for (size_t i = 0; i < n_host && !r; i++)
		r = put_addr(g, s, number, host[i].addr.b, host[i].len, &node);
	for (size_t i = 0; i < b->n_addrs && !r; i++) {
		const struct pst_bundle_addr *a = &b->addrs[i];

		if (!pst_handover_is_own(a, host, n_host))
			r = put_addr(g, s, number, a->addr, a->prefix, &a->value);
		if (a->name)
			s->names[s->n_names++] = (struct named){a->addr, a->name};
	}
	if (s->n_names)
		qsort(s->names, s->n_names, sizeof(*s->names), named_cmp);
	return r;
}

static int put_policies(struct pst_generations *g, const struct pst_bundle *b, uint32_t number)
{
	for (size_t i = 0; i < b->n_entries; i++) {
		struct pst_policy_key key = b->entries[i].key;
		int r;

		key.slot = number;
		r = pst_loader_set_policy(g->loader, &key, &b->entries[i].value);
		if (r)
			return pst_log_err(r, "cannot enter a policy of the new generation");
	}
	return 0;
}

/* The kernel may look at the table as soon as it has its number: written last. */
static int put_table(struct pst_generations *g, const struct slot *s, uint32_t generation)
{
	struct pst_table *table = pst_loader_table(g->loader, generation % PST_GEN_SLOTS);
	struct pst_table *filled = pst_mem_calloc(1, sizeof(*filled));
	const size_t number = offsetof(struct pst_table, generation);
	const size_t behind = number + sizeof(table->generation);

	if (!filled)
		return -ENOMEM;
	pst_bundle_fill_table(s->bundle, filled);
	filled->abi_version = PST_ABI_VERSION;
	memcpy(table, filled, number);
	memcpy((char *)table + behind, (char *)filled + behind, sizeof(*table) - behind);
	__atomic_store_n(&table->generation, generation, __ATOMIC_SEQ_CST);
	free(filled);
	return 0;
}

static int fill_slot(struct pst_generations *g, struct slot *s, uint32_t generation,
		     const struct pst_host_prefix *host, size_t n_host)
{
	uint32_t number = generation % PST_GEN_SLOTS;
	int r = pst_judge_new(s->bundle, &s->judge);

	if (!r)
		pst_judge_set_any_form(s->judge, g->config.flags & PST_CONFIG_ANY_FORM);
	if (!r)
		r = put_addrs(g, s, number, host, n_host);
	if (!r)
		r = put_policies(g, s->bundle, number);
	if (!r)
		r = put_table(g, s, generation);
	return r;
}

static int verify(const struct pst_bundle *b)
{
	struct pst_diags *diags = pst_diags_new();
	int r = diags ? pst_bundle_verify(b, diags) : -ENOMEM;

	if (r && diags)
		pst_diags_print(diags, stderr);
	pst_diags_free(&diags);
	return r ? pst_log_err(r, "the compiled policy does not pass verification") : 0;
}

int pst_generations_publish(struct pst_generations *g, struct pst_bundle **bundle,
			    const struct pst_host_prefix *host, size_t n_host,
			    uint32_t *ret_generation)
{
	uint32_t generation = g->config.generation + 1 ? g->config.generation + 1 : 1;
	uint32_t number = generation % PST_GEN_SLOTS;
	struct slot *s = &g->slots[number];
	struct pst_config config = g->config;
	int r = verify(*bundle);

	if (!r) {
		wait_retired(g, generation);
		r = clear_slot(g, s, pst_loader_table(g->loader, number), number);
	}
	if (r) {
		pst_bundle_free(bundle);
		return r;
	}
	s->bundle = *bundle;
	s->is_known = true;
	*bundle = NULL;
	s->generation = generation;
	r = fill_slot(g, s, generation, host, n_host);
	if (r)
		return r;
	config.generation = generation;
	r = pst_loader_set_config(g->loader, &config);
	if (r)
		return pst_log_err(r, "cannot publish the new generation");
	clock_gettime(CLOCK_MONOTONIC, &s->published);
	g->config = config;
	*ret_generation = generation;
	return 0;
}
