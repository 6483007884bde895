/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where enforcement lives while no daemon does: maps and links, pinned in a directory of a bpffs
 * (docs/decisions/0015-pins.md).
 *
 *	DIR			locked (flock) by the one daemon that uses it
 *	DIR/SCHEMA/pst_*	the maps of one schema (enforcer/schema.h)
 *	DIR/SCHEMA/link_*	what is attached to the cgroup
 *
 * These names, the prefixes and that a pst_config of zero bytes means "no generation, no switch"
 * are kept by every version: each can take away what another has pinned.
 *
 * A daemon adopts the pins of its own schema: their maps become its maps, and each link gets the
 * new program in one step. Maps come before links, so whatever is missing (its predecessor died on
 * the way) is made. Pins of other schemas go on judging until all links of its own are attached,
 * and are then removed. There is no instant at which nobody judges.
 *
 * To remove pins without harm to open connections: the links are detached first, then pst_config is
 * zeroed, so that the courtesy program passes everything, and then the maps are unpinned; but
 * pst_courtesy stays pinned as long as sockets are in it. A socket that loses its map loses what it
 * has not read (kernel-facts 3.4).
 */

#include <bpf/libbpf.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PST_PINS_DIR "/sys/fs/bpf/postern"

struct pst_pins;

/*
 * Opens DIR, made when MAKE and its parent is there, and locks it. 0, or logged with the remedy:
 * -ENOENT (no such directory), -EMEDIUMTYPE (not on a bpffs), -EBUSY (another daemon has it), other
 * errors of the system.
 */
int pst_pins_open(const char *dir, bool make, struct pst_pins **ret_pins);

/* Unlocks; what is pinned stays. NULL is fine; *PINS becomes NULL. */
void pst_pins_close(struct pst_pins **pins);

/*
 * 0 when every link that is pinned, whatever its schema, is attached to the cgroup CGROUP_ID (the
 * inode of its directory) or to one that is gone. -EEXIST, logged: it enforces elsewhere. Other
 * errors, logged: a pin is not what it should be.
 */
int pst_pins_check(const struct pst_pins *pins, uint64_t cgroup_id);

/* Makes SCHEMA the one that is used from now on. 0 or -errno, logged. */
int pst_pins_use(struct pst_pins *pins, const char *schema);

/* Makes OBJ, open and not loaded, take its maps from here and pin those that are missing. 0 or
 * -errno, logged. */
int pst_pins_maps(const struct pst_pins *pins, struct bpf_object *obj);

/*
 * Attaches PROG to the cgroup CGROUP_FD by the link NAME: the pinned one when there is one, which
 * changes over from its former program in one step, otherwise a new one (*RET_NEW), which is then
 * pinned. NULL with errno set, logged.
 */
struct bpf_link *pst_pins_attach(const struct pst_pins *pins, const char *name,
				 struct bpf_program *prog, int cgroup_fd, bool *ret_new);

/* How many links of the schema in use are there. */
unsigned int pst_pins_count_links(const struct pst_pins *pins);

/*
 * Takes away everything but the schema in use; all of it when none is, then with the directory.
 * RET_LEFT, which may be NULL: sockets for which a courtesy map was kept. 0 or -errno, logged.
 */
int pst_pins_remove(const struct pst_pins *pins, unsigned int *ret_left);

/* Is anything enforced by pins in DIR? Takes no lock; false when in doubt. */
bool pst_pins_in_force(const char *dir);
