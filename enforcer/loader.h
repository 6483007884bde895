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
 * With pins (enforcer/pins.h) links and maps outlive the process: enforcement goes on when it ends,
 * however it ends, and the next one finds the maps as they were and puts its programs in the place
 * of the former ones. Without pins the kernel detaches the programs when the process ends.
 */

#include "bpf/abi.h"
#include "bpf/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_batch;
struct pst_loader;

/* Called for each event; EVENT is only valid during the call. */
typedef void (*pst_loader_event_fn)(const struct pst_event *event, void *arg);

struct pst_pins;
struct pst_reply;
struct pst_tc_programs;

/*
 * Loads the programs into the kernel. COURTESY is what they answer a local sender with. PINS, which
 * is not owned and must outlive it, gives the maps and keeps them; NULL: they end with the process.
 * 0; -ENOMEM; or why the kernel refused, logged with what libbpf and the verifier said last.
 */
int pst_loader_open(const struct pst_reply *courtesy, struct pst_pins *pins,
		    struct pst_loader **ret_loader);

/* Closes everything; detaches what is not pinned. NULL is fine; *L becomes NULL. */
void pst_loader_close(struct pst_loader **l);

/*
 * Attaches to the cgroup directory CGROUP_FD. 0, or -errno (logged) with nothing attached that was
 * not attached before.
 */
int pst_loader_attach(struct pst_loader *l, int cgroup_fd);

/*
 * Puts the programs of the host's side of pods into force, in one step for all devices that jump to
 * them, and says what devices are to be given. 0 or -errno, logged.
 */
int pst_loader_arm_tc(struct pst_loader *l, struct pst_tc_programs *ret_programs);

/* Descriptor of the map NAME, not the caller's; negative when there is none. */
int pst_loader_map(const struct pst_loader *l, const char *name);

/* The object that the programs come from. */
const void *pst_loader_image(size_t *ret_len);

/* Where slot SLOT's table lies, mapped: what is written there is what the kernel reads. */
struct pst_table *pst_loader_table(struct pst_loader *l, uint32_t slot);

/* 0 or -errno, not logged. */
int pst_loader_get_config(const struct pst_loader *l, struct pst_config *ret_config);
int pst_loader_set_config(struct pst_loader *l, const struct pst_config *config);

/* For changes of the addresses, or of the policies. Free with pst_batch_free(). NULL: no memory. */
struct pst_batch *pst_loader_addrs(struct pst_loader *l);
struct pst_batch *pst_loader_policies(struct pst_loader *l);

/* Whether no slot has an address or a policy. */
bool pst_loader_is_empty(struct pst_loader *l);

/* Removes every address and policy of SLOT, whoever wrote it. 0 or -errno, not logged. */
int pst_loader_clear_slot(struct pst_loader *l, uint32_t slot);

/*
 * Events. The descriptor becomes readable; dispatch calls FN for what is there, and may leave some
 * of what has come meanwhile.
 */
int pst_loader_events(struct pst_loader *l, pst_loader_event_fn fn, void *arg);
int pst_loader_events_fd(const struct pst_loader *l);
void pst_loader_events_dispatch(struct pst_loader *l);

/* How often a reason was met, by direction. Laid out as struct pst_counter of bpf/maps.bpf.h. */
struct pst_loader_counter {
	uint64_t n[2];
	uint64_t audited[2]; /* and passed all the same; not in n */
};

/*
 * Sums over all CPUs, by reason; element PST_REASON_MAX counts lost events. 0 or -errno.
 */
int pst_loader_counters(struct pst_loader *l, struct pst_loader_counter ret[PST_REASON_MAX + 1]);
