/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who, where and what of a difference, in words and as JSON; a part of the report.
 */

#include "base/json.h"
#include "compiler/diff.h"

#include <stdio.h>

/* "shop/web", "any pod with app=web in shop", "192.0.2.0/24". */
void cli_diff_actor_text(const struct pst_diff_actor *a, FILE *out);

/* The form that `postern explain --from` takes: labels or an address. */
void cli_diff_actor_peer(const struct pst_diff_actor *a, FILE *out);

/* An object under KEY (NULL: in an array). 0 or -ENOMEM. */
int cli_diff_actor_json(const struct pst_diff_actor *a, struct pst_json *j, const char *key);

/* "TCP, UDP", "any protocol" */
void cli_diff_protocols_text(uint32_t protocols, FILE *out);
void cli_diff_protocols_json(uint32_t protocols, struct pst_json *j, const char *key);

/* The one that a witness uses. */
const char *cli_diff_protocol(uint32_t protocols);
