/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The two sides of `postern diff`, and which of their policies are the same.
 *
 * Two policies are the same when their documents are, byte for byte, wherever they stand. That is
 * for speed only: what is not the same is compared.
 */

#include "cli/input.h"

#include <stdbool.h>

/* A text that a side was read from. */
struct cli_diff_text {
	const char *name, *text;
	size_t len;
};

struct cli_diff_side {
	struct pst_input in;
	struct pst_arena *arena; /* the texts */
	struct PST_VEC(struct cli_diff_text) texts;
	bool *changed; /* per policy */
};

/* Loads SIDE, a zeroed object, from PATHS. An exit status; to be released in every case. */
int cli_diff_load(struct cli_diff_side *side, const struct pst_input_paths *paths);

/* Fills `changed` of both sides. 0 or -ENOMEM. */
int cli_diff_match(struct cli_diff_side *old, struct cli_diff_side *new);

void cli_diff_side_fini(struct cli_diff_side *side);
