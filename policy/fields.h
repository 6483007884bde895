/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading a mapping by a table of its fields.
 *
 * The table says everything about each key that may stand in one kind of mapping: whether it is
 * read, passed over on purpose, or forbidden in this place; which versions of Cilium know it;
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
#include <stdint.h>

struct pst_arena;

struct pst_reader {
	struct pst_arena *arena; /* of the model */
	struct pst_diags *diags;
	const struct pst_policy_options *options; /* of policies: not NULL, cilium_minor is not 0 */
	size_t n_unsupported; /* errors so far that pst_reader_unsupported() has added */
};

enum pst_field_use {
	PST_FIELD_READ,
	PST_FIELD_UNREAD,    /* Kubernetes' business: whatever it holds */
	PST_FIELD_FORBIDDEN, /* wrong in this place: .id and .why tell */
};

struct pst_field {
	const char *name;
	enum pst_field_use use;
	bool required;
	/* Has no bearing on any verdict: a mistake in it is reported and refuses nothing else. */
	bool neutral;
	const char *id, *why;
	/* Minor versions of Cilium that know the field: SINCE <= minor < UNTIL; 0: no bound. */
	uint8_t since, until;
	/* READ: takes the value. */
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

/*
 * Reports something that Cilium accepts and postern does not enforce yet. 0 when the rule stays as
 * it is written (a linter asks); -EINVAL when it must be closed (whoever enforces asks).
 */
int pst_reader_unsupported(struct pst_reader *r, const char *id, const struct pst_pos *pos,
			   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Is the version of Cilium whose rules are asked for 1.MINOR or newer? */
/* Is ID among those that the caller puts up with? OPTIONS may be NULL. */
bool pst_policy_options_accept(const struct pst_policy_options *options, const char *id);

bool pst_reader_at_least(const struct pst_reader *r, unsigned int minor);

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
