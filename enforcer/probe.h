/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What this kernel, and this process, can do: the probes that posternd runs at its start and
 * `postern doctor` shows.
 *
 * A version number says little: features and defects move between point releases and vendors'
 * trees. So everything is tried, and the kernel release is only shown. A table in probe.c holds one
 * row per probe: what is tried and what follows when it is not as it should be. The row's effect is
 * what depends on it:
 *
 *	ESSENTIAL	without it nothing is enforced: posternd refuses to start
 *	COURTESY	without it clients on this node get no 403 from the kernel at the sender;
 *			the judge, which decides, is the same
 *	ENDING		without it denied connections are neither answered nor ended: their
 *			bytes are dropped until a timeout
 *	INFO		nothing that posternd chooses; settings and mounts are told with what
 *			follows from them
 *
 * A probe that cannot be run counts like one that failed: unknown is refused. The results say which
 * of the two it was, because the remedy differs.
 *
 * Probing takes a few milliseconds, leaves nothing behind, and logs nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum pst_probe_state {
	PST_PROBE_OK,
	PST_PROBE_BAD,
	PST_PROBE_COULD_NOT_RUN,
	PST_PROBE_STATE_MAX,
};

enum pst_probe_effect {
	PST_PROBE_ESSENTIAL,
	PST_PROBE_COURTESY,
	PST_PROBE_ENDING,
	PST_PROBE_INFO,
	PST_PROBE_EFFECT_MAX,
};

struct pst_probe_result {
	const char *name; /* static, unique */
	enum pst_probe_effect effect;
	enum pst_probe_state state;
	const char *consequence; /* static; what follows when it is not OK */
	char found[80];		 /* what was seen, or why it could not be looked at; may be "" */
};

struct pst_probe_report {
	struct pst_probe_result *results; /* owned */
	size_t n;
};

/* Runs every probe. 0 or -ENOMEM. */
int pst_probe_run(struct pst_probe_report *ret_report);

void pst_probe_report_fini(struct pst_probe_report *report);

/* Is every probe with this effect OK? */
bool pst_probe_has(const struct pst_probe_report *report, enum pst_probe_effect effect);

/* One line per probe, the consequence below those that are not OK, then the modes that follow. */
void pst_probe_print(const struct pst_probe_report *report, FILE *out);

/*
 * {"enforceable": bool, "courtesy": bool, "ending": bool, "probes": [{"name", "state", "effect",
 * "found", "consequence"}]}; the consequence is null when the state is "ok". 0 or -EIO.
 */
int pst_probe_print_json(const struct pst_probe_report *report, FILE *out);
