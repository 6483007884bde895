/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Two lists of HTTP rules in the form in which they are compared: patterns are numbers, and rules
 * that ask for the same method, host and headers are one group with many paths. A path says which
 * of the two lists has it, so equal rules of both lists have become one.
 */

#include "base/vec.h"
#include "bpf/abi.h"
#include "compiler/automaton.h"

#include <stdbool.h>
#include <stdint.h>

/* Pointers are the caller's; a rule's patterns need no tags. */
struct pst_reqrule {
	const struct pst_pattern *field[PST_FIELD_MAX]; /* NULL: any; host: also none at all */
	uint32_t headers;				/* 0: no condition */
};

struct pst_reqlist {
	const struct pst_reqrule *rules;
	uint32_t n;
};

#define PST_RULEGROUP_ANY UINT32_MAX

enum { PST_RULEGROUP_IN_A = 1, PST_RULEGROUP_IN_B = 2 };

struct pst_rulepath {
	uint32_t path; /* number of the pattern */
	uint32_t group;
	uint32_t sides; /* PST_RULEGROUP_IN_A, PST_RULEGROUP_IN_B, or both */
};

struct pst_rulegroup {
	uint32_t field[PST_FIELD_MAX]; /* of method and host: pattern, or PST_RULEGROUP_ANY */
	uint32_t headers;
	uint32_t first, n; /* paths[first .. first + n - 1] */
	bool differs;	   /* a path of it is in one list only */
};

/* Zeroed: empty. Borrows the texts of the patterns. */
struct pst_rulegroups {
	struct pst_rulegroup_patterns PST_VEC(struct pst_pattern) patterns[PST_FIELD_MAX];
	struct PST_VEC(struct pst_rulegroup) groups;
	struct PST_VEC(struct pst_rulepath) paths;
};

/*
 * Groups the rules of both lists. Patterns of a field are distinct and in the order of their texts.
 * 0; -ENOMEM; after a failure *RET_GROUPS is empty.
 */
int pst_rulegroups_form(const struct pst_reqlist *a, const struct pst_reqlist *b,
			struct pst_rulegroups *ret_groups);

void pst_rulegroups_fini(struct pst_rulegroups *g);
