/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Flows from the kernel's events, and from the proxy's, which say so: nothing of the
 * proxy's is taken for the kernel's, nor the answer to a request of the one for that to a request
 * of the other.
 *
 * What decided is found by judging the head again, natively, by the bundle of the event's
 * generation. A denial names the policies that restrict the subject there, since none of their
 * rules allowed it. Responses are matched with their requests, of which the last 2048 are
 * remembered.
 *
 * Redaction is done here, so that nothing later can forget it: queries and what stands for a user
 * in an URL are left out, and of header fields only the names are told, but for those that were
 * asked for. Authorization, Proxy-Authorization, Cookie and Set-Cookie are never told.
 */

#include "bpf/abi.h"
#include "enforcer/flow.h"
#include "enforcer/flow_policy.h"

struct pst_flow_maker;

#define PST_FLOW_REDACTED "HUBBLE_REDACTED"

enum { PST_FLOW_SHOWN_HEADERS = 16 };

struct pst_flow_maker_opts {
	struct pst_flow_source source;
	const char *node_name; /* texts are not owned */
	bool show_queries;
	const char *const *shown_headers; /* whose values are told */
	size_t n_shown_headers;
};

/* 0 or -ENOMEM. */
int pst_flow_maker_new(const struct pst_flow_maker_opts *opts, struct pst_flow_maker **ret_maker);

/* NULL is fine; *M becomes NULL. */
void pst_flow_maker_free(struct pst_flow_maker **m);

/* The flow of EVENT, valid until the next call; NULL: no memory. */
const struct pst_flow *pst_flow_make(struct pst_flow_maker *m, const struct pst_event *event);

/* The same of what the proxy has judged: V is what EVENT was made from. */
const struct pst_flow *pst_flow_make_proxied(struct pst_flow_maker *m,
					     const struct pst_event *event,
					     const struct pst_verdict_record *v);
