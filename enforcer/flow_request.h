/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a flow tells of a request, from the bytes of its head. They are an attacker's, may be cut
 * off, and need not be HTTP at all: an operator wants to see what was refused.
 */

#include "enforcer/flow.h"

struct pst_flow_request_opts {
	bool show_queries;
	const char *const *shown_headers;
	size_t n_shown_headers;
};

/* Fills in method, url, http_protocol and headers of F, redacted; texts live in A. 0 or -ENOMEM. */
int pst_flow_request_read(const struct pst_flow_request_opts *opts, const char *head, size_t len,
			  struct pst_arena *a, struct pst_flow *f);
