/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One test as it stands in the document, before it is unfolded into cases; private to the reader of
 * test files.
 */

#include "cli/test_file.h"
#include "policy/fields.h"

/* A pod under "pods". */
struct pst_test_pod {
	const char *name;
	struct pst_peer peer;
};

struct pst_test_pods PST_VEC(struct pst_test_pod);

/* A peer with the words by which a table names it. */
struct pst_test_peer {
	const char *text;
	struct pst_peer peer;
};

struct pst_test_peers {
	struct pst_test_peer *v;
	size_t n;
};

struct pst_test_requests {
	struct pst_request_parts *v;
	size_t n;
};

struct pst_test_form {
	const struct pst_test_pods *pods;
	struct pst_text name;
	struct pst_test_peers from, to;
	enum pst_test_direction direction;
	bool has_port, has_expect;
	uint8_t protocol;
	uint16_t port;
	bool has_request; /* the parts that all requests share are written, and nothing else */
	struct pst_request_parts request;
	struct pst_test_requests requests;
	struct pst_test_expect expect;
};

/* Nothing is written yet. */
void pst_test_form_init(struct pst_test_form *form, const struct pst_test_pods *pods);

/* "pods": names and who they are. PODS is on the heap. */
int pst_test_pods_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_test_pods *pods);

/* Reads mapping N over what FORM holds already: defaults first, then a test. */
int pst_test_defaults_read(struct pst_reader *r, const struct pst_yaml_node *n,
			   struct pst_test_form *form);
int pst_test_form_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_test_form *form);
