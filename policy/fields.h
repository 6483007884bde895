/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading a mapping by a table of its fields.
 *
 * The table says everything about each key that may stand in one kind of mapping: whether it is
 * read, passed over on purpose, known to Cilium but not supported yet, or forbidden in this place;
 * whether it must be there; which function reads it. Whatever is in the document and not in the
 * table is refused with the nearest known name. So nothing is ever ignored by accident, and support
 * for a field is a row and a function.
 *
 * All readers return 0, -EINVAL (something was refused; every such return has added an error
 * diagnostic), or -ENOMEM. Several mistakes of one mapping are all reported. A value of null is the
 * same as an absent field, as it is for Kubernetes.
 */

#include "base/diag.h"
#include "policy/policy.h"
#include "policy/yaml.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_arena;

struct pst_reader {
	struct pst_arena *arena; /* of the model */
	struct pst_diags *diags;
	const char *default_ns; /* of a policy that names none */
};

enum pst_field_use {
	PST_FIELD_READ,
	PST_FIELD_UNREAD,      /* Kubernetes' business: whatever it holds */
	PST_FIELD_UNSUPPORTED, /* Cilium knows it, postern not yet */
	PST_FIELD_FORBIDDEN,   /* wrong in this place: .id and .why tell */
};

struct pst_field {
	const char *name;
	enum pst_field_use use;
	bool required;
	/* Has no bearing on any verdict: a mistake in it is reported and refuses nothing else. */
	bool neutral;
	const char *id, *why;
	/*
	 * READ: takes the value. UNSUPPORTED: may be NULL; called after the report, so that the
	 * reader of a deny rule learns what it cannot know.
	 */
	int (*read)(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
};

struct pst_fields {
	const char *what; /* "an ingress rule": for messages */
	const struct pst_field *v;
	size_t n; /* <= 64 */
};

#define PST_FIELDS(description, table)                                                     \
	{                                                                                  \
		.what = (description), .v = (table), .n = sizeof(table) / sizeof(*(table)) \
	}

/* Reads mapping N into OBJ. */
int pst_fields_read(struct pst_reader *r, const struct pst_fields *fields,
		    const struct pst_yaml_node *n, void *obj);

/* The error to keep of two: -ENOMEM outweighs -EINVAL outweighs 0. */
int pst_fields_worse(int a, int b);

/* Refuses N unless it is of KIND (id "type-mismatch"). */
int pst_fields_expect(struct pst_reader *r, const struct pst_yaml_node *n, enum pst_yaml_kind kind);

/* A string, copied to the model. */
int pst_fields_text(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_text *ret_text);

int pst_fields_bool(struct pst_reader *r, const struct pst_yaml_node *n, bool *ret_value);

/* A plain decimal integer of 0 .. MAX. */
int pst_fields_uint(struct pst_reader *r, const struct pst_yaml_node *n, unsigned int max,
		    unsigned int *ret_value);
