/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The forms of postern observe, which are those of `hubble observe`. */

#include "cli/observe_mask.h"
#include "cli/observe_time.h"
#include "enforcer/flow.h"

#include <stdbool.h>

enum pst_observe_form {
	PST_OBSERVE_COMPACT,
	PST_OBSERVE_DICT,
	PST_OBSERVE_TABLE,
	PST_OBSERVE_JSON,
};

struct pst_observe_printer {
	enum pst_observe_form form;
	enum pst_observe_time time;
	bool node_name, policy_names, numeric;
	bool color;			     /* of verdicts, in the compact form and in dict */
	const struct pst_observe_mask *mask; /* of flows as JSON; NULL: they are whole */
	unsigned long printed;
	struct pst_observe_table *table; /* rows of the table form, owned */
};

/* "compact", "dict", "table", "json" and "jsonpb", which are one: 0 or -EINVAL. */
int pst_observe_form_parse(const char *text, enum pst_observe_form *ret_form);

/* Prints flow F, which JSON is the whole record of; a table comes at the end. 0 or -ENOMEM. */
int pst_observe_print(struct pst_observe_printer *p, const json_t *json, const struct pst_flow *f,
		      FILE *out);

/* Prints a record of loss: with the flows as JSON, otherwise to ERR. */
void pst_observe_print_lost(struct pst_observe_printer *p, const json_t *json, FILE *out,
			    FILE *err);

/* Prints what was kept, and releases it. */
void pst_observe_end(struct pst_observe_printer *p, FILE *out);
