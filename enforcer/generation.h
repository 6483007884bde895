/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Generations: one complete compiled policy after the other, published by one write.
 *
 * A generation is filled into the slot that the fourth-last one used, verified, and only then named
 * in the configuration that the programs read. When anything fails on the way nothing is published
 * and the present generation stays in force. The bundles of the generations that flows may still
 * hold are kept, so that an event can be explained by the rules that made it; but for the present
 * one and the one before without their entries (pst_bundle_forget_entries()).
 *
 * A slot is taken back at the earliest 100 ms after the latest publication. Whoever still walks its
 * tables then finds another generation number in them when he is done, and the walk proves nothing:
 * the programs look before and after (bpf/cgroup_skb.bpf.c).
 */

#include "compiler/bundle.h"
#include "compiler/judge.h"
#include "enforcer/hostaddr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_loader;
struct pst_generations;

/*
 * L is not owned and must outlive it. CONFIG gives the switches; its generation is ignored.
 * Counting goes on from the generation that the maps hold, so that flows which a predecessor's
 * programs have judged find what they know, and nothing that it has left half done. 0, -ENOMEM, or
 * -errno of the map, logged.
 */
int pst_generations_new(struct pst_loader *l, const struct pst_config *config,
			struct pst_generations **ret_gens);

/* NULL is fine; *G becomes NULL. The published generation stays in the kernel's maps. */
void pst_generations_free(struct pst_generations **g);

/*
 * Publishes *BUNDLE, which has passed pst_bundle_verify() (enforcer/parcel.h lets no other in),
 * with the node's own addresses HOST. Takes the bundle over in any case (*BUNDLE becomes NULL). 0
 * with the number of the generation; -E2BIG when a table is full; -ENOMEM; -errno of a map: all
 * logged, nothing published.
 */
int pst_generations_publish(struct pst_generations *g, struct pst_bundle **bundle,
			    const struct pst_host_prefix *host, size_t n_host,
			    uint32_t *ret_generation);

/*
 * Slots that have nothing get what is in force, without a number: a change then writes only what
 * differs, also before each slot has had its turn. What fails is logged, and written anew in time.
 */
void pst_generations_fill(struct pst_generations *g);

/* The bundle or the judge of a generation, or NULL when it is no longer kept. Not owned. */
const struct pst_bundle *pst_generations_bundle(const struct pst_generations *g,
						uint32_t generation);
struct pst_judge *pst_generations_judge(const struct pst_generations *g, uint32_t generation);

/* "namespace/pod" of ADDR in a generation, or NULL. */
const char *pst_generations_name(const struct pst_generations *g, uint32_t generation,
				 const uint8_t addr[16]);

/* Who has ADDR in a generation, to the kernel. False: it is no longer kept. */
bool pst_generations_find(const struct pst_generations *g, uint32_t generation,
			  const uint8_t addr[16], struct pst_addr_value *ret_value);

/*
 * Sets or clears a switch (enum pst_config_flag) of what is in force and of all that comes. 0, or
 * -errno of the map, logged: then it is as it was.
 */
int pst_generations_set_flag(struct pst_generations *g, uint32_t flag, bool on);

/* The published generation; 0: none yet. */
uint32_t pst_generations_current(const struct pst_generations *g);
