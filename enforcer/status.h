/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The daemon's state as JSON: what the control socket answers to status, endpoints and policy. The
 * form is told in docs/observe.md.
 */

#include <stdbool.h>
#include <stdint.h>

struct pst_control;
struct pst_export;
struct pst_diags;
struct pst_generations;
struct pst_homes;
struct pst_hostaddr;
struct pst_json;
struct pst_loader;
struct pst_options;
struct pst_reader;
struct pst_redirect;

/* Nothing but the diagnostics is owned. What is NULL is left out. */
struct pst_status {
	const struct pst_options *opts;
	struct pst_loader *loader;
	const struct pst_generations *gens;
	const struct pst_hostaddr *host;
	const struct pst_homes *homes; /* NULL: sources are not checked */
	const struct pst_reader *reader;
	const struct pst_export *export; /* NULL: none */
	const struct pst_control *control;
	const struct pst_redirect *redirect; /* whose proxy has counted */
	const char *node_name;
	bool courtesy;			  /* the kernel answers local senders */
	bool answers;			  /* the daemon answers */
	int64_t started, read, published; /* wall clock, ns; 0: not yet */
	bool is_refused;		  /* what was read last could not be put in force */
	struct pst_diags *diags;	  /* of what was read last; NULL: none */
};

/*
 * The files were read, with *DIAGS, which are taken over (*DIAGS becomes NULL). RESULT is 0 when
 * what they say is in force now.
 */
void pst_status_read(struct pst_status *s, struct pst_diags **diags, int result);

void pst_status_fini(struct pst_status *s);

/* Each writes one value with KEY. */
void pst_status_write(struct pst_json *j, const char *key, const struct pst_status *s);
void pst_status_write_endpoints(struct pst_json *j, const char *key, const struct pst_status *s);
void pst_status_write_policy(struct pst_json *j, const char *key, const struct pst_status *s);
