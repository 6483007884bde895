/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One value of one filter (enforcer/flow_filter.h): parsed once, asked for each flow. */

#include "enforcer/flow.h"
#include "policy/inventory.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_automaton;
struct pst_flow_test;

struct pst_flow_test_context {
	const char *default_ns; /* of pods without one; NULL: any */
	char *owned_ns;
};

typedef int (*pst_flow_test_parse_fn)(struct pst_flow_test *t, char *why, size_t size);
typedef bool (*pst_flow_test_fn)(const struct pst_flow_test *t,
				 const struct pst_flow_test_context *c, const struct pst_flow *f,
				 const struct pst_flow_end *end);

struct pst_flow_test_kind {
	const char *name, *value, *help;
	bool of_end;		      /* looks at an end of the flow */
	pst_flow_test_parse_fn parse; /* NULL: any text will do */
	pst_flow_test_fn matches;
};

/* The row behind the last has no name. */
extern const struct pst_flow_test_kind pst_flow_test_kinds[];

struct pst_flow_test {
	const struct pst_flow_test_kind *kind;
	char *text; /* as given; owned */
	uint64_t number;
	struct pst_prefix prefix;
	struct pst_automaton *automaton;
};

/* 0, -EINVAL with what was expected in WHY, -ENOMEM. */
int pst_flow_test_init(struct pst_flow_test *t, const struct pst_flow_test_kind *kind,
		       const char *value, char *why, size_t size);
void pst_flow_test_fini(struct pst_flow_test *t);

bool pst_flow_test_matches(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			   const struct pst_flow *f, const struct pst_flow_end *end);

/* "host" for 1; NULL for a number without a name. */
const char *pst_flow_identity_name(uint32_t identity);
