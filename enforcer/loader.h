/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kernel side: loads the programs, attaches them below a cgroup, and gives typed access to
 * their maps.
 *
 * Nothing is attached before everything is loaded and a generation is published. What gives
 * connections their state (sockops) goes first, the authority (cgroup_skb) last: a connection that
 * is established in between is judged from its first byte. When any step fails all that was
 * attached is detached again: the daemon never half-enforces.
 *
 * Links and maps belong to the process. When it ends, however it ends, the kernel detaches the
 * programs and enforcement stops (docs/decisions: pins come later).
 */

#include "bpf/abi.h"
#include "bpf/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_loader;

/* Called for each event; EVENT is only valid during the call. */
typedef void (*pst_loader_event_fn)(const struct pst_event *event, void *arg);

struct pst_reply;

/*
 * Loads the programs into the kernel. COURTESY is what they answer a local sender with. 0; -ENOMEM;
 * or why the kernel refused, logged with what libbpf and the verifier said last.
 */
int pst_loader_open(const struct pst_reply *courtesy, struct pst_loader **ret_loader);

/* Detaches and closes everything. NULL is fine; *L becomes NULL. */
void pst_loader_close(struct pst_loader **l);

/* Attaches to the cgroup directory CGROUP_FD. 0, or -errno (logged) with nothing attached. */
int pst_loader_attach(struct pst_loader *l, int cgroup_fd);

/* Where slot SLOT's table lies, mapped: what is written there is what the kernel reads. */
struct pst_table *pst_loader_table(struct pst_loader *l, uint32_t slot);

/* Typed updates; 0 or -errno (not logged: the caller knows which entry). Removing what is not there
 * is fine. */
int pst_loader_set_config(struct pst_loader *l, const struct pst_config *config);
int pst_loader_set_addr(struct pst_loader *l, const struct pst_addr_key *key,
			const struct pst_addr_value *value);
int pst_loader_del_addr(struct pst_loader *l, const struct pst_addr_key *key);
int pst_loader_set_policy(struct pst_loader *l, const struct pst_policy_key *key,
			  const struct pst_policy_value *value);
int pst_loader_del_policy(struct pst_loader *l, const struct pst_policy_key *key);

/* Events. The descriptor becomes readable; dispatch calls FN for what is there. */
int pst_loader_events(struct pst_loader *l, pst_loader_event_fn fn, void *arg);
int pst_loader_events_fd(const struct pst_loader *l);
void pst_loader_events_dispatch(struct pst_loader *l);

/*
 * Sums of the counters over all CPUs, by reason and direction; element PST_REASON_MAX counts lost
 * events. 0 or -errno.
 */
int pst_loader_counters(struct pst_loader *l, uint64_t ret_counters[PST_REASON_MAX + 1][2]);
