/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The form in which people write tests of their policies (docs/test.md), read into questions.
 *
 * A file is one suite, or several as documents: which policies and inventories, names for pods,
 * defaults, and a list of tests. A test that names several peers or requests is a table: it becomes
 * one case for each combination, all with one expectation. Reading is strict, by tables of fields:
 * whatever is not known is an error with its place.
 */

#include "cli/peer.h"
#include "cli/request.h"

#include <stdbool.h>
#include <stddef.h>

enum pst_test_direction {
	PST_TEST_BOTH, /* the policy of each side that is a pod must allow */
	PST_TEST_INGRESS,
	PST_TEST_EGRESS,
};

/* What a test wants; NULL: it does not care. */
struct pst_test_expect {
	const char *verdict; /* "allow", "deny" or "audit" */
	const char *reason;  /* a name of bpf/reason.h */
	const char *layer;   /* "l3l4" or "l7" */
	const char *rule;    /* FILE:LINE[:COLUMN], NAME or NAMESPACE/NAME of a policy */
};

/* One question with its expected answer. */
struct pst_test_case {
	const char *name;
	struct pst_pos pos; /* of the test */
	struct pst_peer from, to;
	enum pst_test_direction direction;
	uint8_t protocol;
	uint16_t port;
	bool has_request;
	struct pst_request_parts request;
	struct pst_test_expect expect;
};

struct pst_test_suite {
	struct pst_arena *arena; /* everything below lives here */
	const char *file;
	struct pst_cli_strings policies, inventories; /* paths; v is in the arena */
	struct PST_VEC(struct pst_test_case) cases;   /* v is on the heap */
};

struct pst_test_suites PST_VEC(struct pst_test_suite *);

/*
 * Reads the files that PATHS name and appends their suites. In directories, Kubernetes objects are
 * passed over. Mistakes are diagnostics; a suite with a mistake is not in the list. 0, -ENOMEM, or
 * the error of a path that cannot be read (with a diagnostic).
 */
int pst_test_load(const struct pst_cli_strings *paths, struct pst_diags *diags,
		  struct pst_test_suites *suites);

void pst_test_suites_fini(struct pst_test_suites *suites);
