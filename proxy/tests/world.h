/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What tests of the proxy share: a policy made into a ruler, and a pair between two actors. */

#include "proxy/pair.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct t_world {
	struct pst_ruler *ruler;
	uint32_t ruleset; /* of frontend's requests to backend:8080 */
	struct pst_reply denied[2];
	struct pst_memory memory;
	struct pst_purse purse; /* what a stage holds of it */
};

/* A world may be copied, for a thread of its own: the copy has its own memory. */
static inline struct pst_purse *t_world_purse(struct t_world *w)
{
	w->purse.all = &w->memory;
	return &w->purse;
}

/* The policy of a file, or the HTTP rules HTTP ("- {...}" lines). Ends the test when it fails. */
void t_world_load(struct t_world *w, const char *path);
void t_world_rules(struct t_world *w, const char *http);
void t_world_fini(struct t_world *w);

enum { T_ACTOR_MAX = 256 * 1024, T_EVENTS = 64 };

/* A pair, what came out of it, and what was decided. */
struct t_stage {
	struct t_world *world;
	struct pst_pair *pair;
	char *out[2]; /* by side */
	size_t n_out[2];
	struct pst_pair_event events[T_EVENTS]; /* heads are not kept */
	size_t n_events;
	struct pst_pair_answer answers[T_EVENTS];
	size_t n_answers;
	size_t before_denial; /* bytes that the server had got when the first denial came */
};

void t_stage_begin(struct t_stage *s, struct t_world *w);

/* SIDE sends LEN bytes, in pieces of at most STEP (0: at once); what comes out is collected. */
void t_stage_send(struct t_stage *s, enum pst_side side, const char *bytes, size_t len,
		  size_t step);
void t_stage_text(struct t_stage *s, enum pst_side side, const char *text);
void t_stage_close(struct t_stage *s, enum pst_side side);

/* Frees the pair and asserts that no memory is counted any more. */
void t_stage_end(struct t_stage *s);

/* The last event. */
const struct pst_pair_event *t_stage_last(const struct t_stage *s);
