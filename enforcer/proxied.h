/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The userspace proxy's numbers for people: in Prometheus' text form, and as a part of the status
 * (docs/observe.md). Labels are legs, protocols and reasons: nothing that a client chooses.
 */

#include "enforcer/tally.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct pst_json;

struct pst_proxied {
	bool is_up;
	uint64_t starts;
	struct pst_tally_sums sums; /* of all that there were */
};

/* Requests of all protocols. */
struct pst_proxied_requests {
	uint64_t forwarded, denied, parse_errors;
};

struct pst_proxied_requests pst_proxied_count(const struct pst_proxied *p);

void pst_proxied_write_metrics(const struct pst_proxied *p, FILE *out);

/* One value with KEY. */
void pst_proxied_write_status(struct pst_json *j, const char *key, const struct pst_proxied *p);
