/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the userspace proxy listens: a place is a network namespace that holds an address for which
 * it speaks. There it has a listener for each family on the loopback, at any port; the program that
 * steers (enforcer/steer.h) leads to these, and the kernel is told of them, for what connects.
 *
 * The proxy has the listeners of a place before anything is steered to them, and they are closed
 * after nothing is any more.
 */

#include "compiler/bundle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_loader;
struct pst_netns_set;
struct pst_places;
struct pst_starter;
struct pst_wire;

/*
 * Tells the proxy W, with a copy of descriptor PASS unless that is -1. 0, also when there is no
 * proxy that could be told; or why not.
 */
typedef int (*pst_places_tell_fn)(void *arg, const struct pst_wire *w, int pass);

struct pst_places_opts {
	const struct pst_loader *loader;
	struct pst_netns_set *netns;
	struct pst_starter *starter; /* attaches what steers */
	pst_places_tell_fn tell;
	void *tell_arg;
};

/*
 * None yet; the kernel forgets those of a daemon that was killed. All that OPTS names must outlive
 * it. 0 or -ENOMEM.
 */
int pst_places_new(const struct pst_places_opts *opts, struct pst_places **ret_places);

/* Drops all. NULL is fine; *P becomes NULL. */
void pst_places_free(struct pst_places **p);

/* From now on these addresses are looked for: none, then one by one, ascending; IPv4 mapped. */
void pst_places_want_none(struct pst_places *p);
int pst_places_want(struct pst_places *p, const uint8_t addr[16]);
bool pst_places_is_any_wanted(const struct pst_places *p);

/*
 * Goes through all namespaces: opens what is missing, shows the kernel what has changed, drops what
 * is gone. A namespace that fails is logged, and tried again the next time. 0; -EINPROGRESS: to
 * open everything would take too long, and there is more for the next round; or why the round was
 * not a whole one: then nothing was dropped.
 */
int pst_places_look(struct pst_places *p);

/* Nothing is steered any more; the proxy is told to forget. */
void pst_places_drop(struct pst_places *p);
