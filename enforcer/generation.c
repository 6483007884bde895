// SPDX-License-Identifier: Apache-2.0
#include "enforcer/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "enforcer/loader.h"
#include "enforcer/slot.h"

enum { RETIRE_MS = 100 };

/*
 * Slots are written by what differs from what they had, four generations ago. Only the present
 * generation and the one before keep their entries, which are most of their memory; of the others
 * it is known where each differs from its predecessor.
 */
struct delta {
	uint32_t generation; /* 0: none */
	struct pst_slot_keys keys;
};

struct pst_generations {
	struct pst_loader *loader;
	struct pst_config config;
	struct pst_slot slots[PST_GEN_SLOTS];
	struct delta deltas[PST_GEN_SLOTS]; /* generation modulo slots */
};

int pst_generations_new(struct pst_loader *l, const struct pst_config *config,
			struct pst_generations **ret_gens)
{
	struct pst_generations *g = pst_mem_calloc(1, sizeof(*g));
	struct pst_config kept;
	struct pst_slot *last;
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
	for (size_t i = 0; pst_loader_is_empty(l) && i < PST_GEN_SLOTS; i++)
		g->slots[i].is_known = true;
	clock_gettime(CLOCK_MONOTONIC, &last->published); /* at the latest */
	*ret_gens = g;
	return 0;
}

void pst_generations_free(struct pst_generations **g)
{
	if (!*g)
		return;
	for (size_t i = 0; i < PST_GEN_SLOTS; i++) {
		pst_slot_fini(&(*g)->slots[i]);
		pst_vec_free(&(*g)->deltas[i].keys);
	}
	free(*g);
	*g = NULL;
}

static struct pst_slot *find_slot(const struct pst_generations *g, uint32_t generation)
{
	const struct pst_slot *s = &g->slots[generation % PST_GEN_SLOTS];

	return generation && s->generation == generation ? (struct pst_slot *)s : NULL;
}

const struct pst_bundle *pst_generations_bundle(const struct pst_generations *g,
						uint32_t generation)
{
	const struct pst_slot *s = find_slot(g, generation);

	return s ? s->bundle : NULL;
}

struct pst_judge *pst_generations_judge(const struct pst_generations *g, uint32_t generation)
{
	struct pst_slot *s = find_slot(g, generation);

	if (!s || !s->bundle)
		return NULL;
	if (!s->judge && pst_judge_new(s->bundle, &s->judge))
		return NULL;
	pst_judge_set_any_form(s->judge, g->config.flags & PST_CONFIG_ANY_FORM);
	return s->judge;
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

const char *pst_generations_name(const struct pst_generations *g, uint32_t generation,
				 const uint8_t addr[16])
{
	const struct pst_slot *s = find_slot(g, generation);

	return s ? pst_slot_name(s, addr) : NULL;
}

bool pst_generations_find(const struct pst_generations *g, uint32_t generation,
			  const uint8_t addr[16], struct pst_addr_value *ret_value)
{
	const struct pst_slot *s = find_slot(g, generation);

	if (s)
		*ret_value = pst_slot_find(s, addr);
	return s;
}

/*
 * The slot that GENERATION takes over belongs to the fourth-last one. Flows look for the present
 * one at each request; give those that were inside a request when it was published the time to end
 * it.
 */
static void wait_retired(const struct pst_generations *g, uint32_t generation)
{
	const struct pst_slot *last = find_slot(g, generation - 1);
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

/* The steps from what OLD has up to GENERATION. */
static size_t list_since(const struct pst_generations *g, const struct pst_slot *old,
			 uint32_t generation, const struct pst_slot_keys **since)
{
	const uint32_t steps = generation - old->content;

	if (steps > PST_GEN_SLOTS) { /* once in 2^32 */
		since[0] = NULL;
		return 1;
	}
	for (uint32_t i = 0; i < steps; i++) {
		const struct delta *d = &g->deltas[(generation - i) % PST_GEN_SLOTS];

		since[i] = d->generation == generation - i ? &d->keys : NULL;
	}
	return steps;
}

/* In place of what slot NUMBER had; that is forgotten also when it fails. */
static int replace(struct pst_generations *g, uint32_t number, struct pst_slot *now)
{
	const struct pst_slot_keys *since[PST_GEN_SLOTS];
	struct pst_slot *s = &g->slots[number];
	const struct pst_slot_step step = {
		.old = s,
		.now = now,
		.since = since,
		.n_since = list_since(g, s, now->generation, since),
	};
	int r = pst_slot_write(g->loader, number, &step);

	pst_slot_fini(s);
	if (r) {
		pst_slot_fini(now);
		return r;
	}
	*s = *now;
	s->is_known = true;
	return 0;
}

/* The delta of GENERATION, which BUNDLE will be. Nobody needs the one whose place it takes. */
static int note_delta(struct pst_generations *g, uint32_t generation,
		      const struct pst_bundle *bundle)
{
	const struct pst_slot *last = find_slot(g, g->config.generation);
	struct delta *d = &g->deltas[generation % PST_GEN_SLOTS];
	int r;

	pst_vec_free(&d->keys);
	d->generation = 0;
	if (!last || !last->bundle || last->lacks_entries)
		return 0;
	r = pst_slot_compare(last->bundle, bundle, &d->keys);
	if (!r)
		d->generation = generation;
	return r;
}

/* Borrowed slots have the same bundle. */
static void forget_entries(struct pst_generations *g, uint32_t generation)
{
	const struct pst_slot *s = find_slot(g, generation);
	struct pst_bundle *bundle = s ? s->bundle : NULL;

	if (!bundle || !bundle->entry_arena)
		return;
	pst_bundle_forget_entries(bundle);
	for (size_t i = 0; i < PST_GEN_SLOTS; i++)
		g->slots[i].lacks_entries |= g->slots[i].bundle == bundle;
}

/* NOW is in force. */
static int put_in_force(struct pst_generations *g, uint32_t generation)
{
	struct pst_config config = g->config;
	int r;

	config.generation = generation;
	r = pst_loader_set_config(g->loader, &config);
	if (r)
		return pst_log_err(r, "cannot publish the new generation");
	clock_gettime(CLOCK_MONOTONIC, &g->slots[generation % PST_GEN_SLOTS].published);
	g->config = config;
	forget_entries(g, generation - 2);
	return 0;
}

int pst_generations_publish(struct pst_generations *g, struct pst_bundle **bundle,
			    const struct pst_host_prefix *host, size_t n_host,
			    uint32_t *ret_generation)
{
	uint32_t generation = g->config.generation + 1 ? g->config.generation + 1 : 1;
	struct pst_slot now;
	int r = pst_slot_init(bundle, host, n_host, generation, &now);

	if (r)
		return r;
	wait_retired(g, generation);
	r = note_delta(g, generation, now.bundle);
	if (r) {
		pst_slot_fini(&now);
		return r;
	}
	r = replace(g, generation % PST_GEN_SLOTS, &now);
	if (!r)
		r = put_in_force(g, generation);
	if (!r)
		*ret_generation = generation;
	return r;
}

/* Slots are taken over in turn: that of the present generation is the last one to go. */
void pst_generations_fill(struct pst_generations *g)
{
	const struct pst_slot *now = find_slot(g, g->config.generation);

	for (uint32_t i = 0; now && i < PST_GEN_SLOTS; i++) {
		struct pst_slot *s = &g->slots[i];
		struct pst_slot copy = *now;

		if (!s->is_known || s->bundle)
			continue;
		copy.generation = 0;
		copy.judge = NULL;
		copy.is_borrowed = true;
		if (pst_slot_write(g->loader, i, &(struct pst_slot_step){.old = s, .now = &copy}))
			copy = (struct pst_slot){0}; /* written anew when its turn comes */
		*s = copy;
	}
}
