/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Verdict events as JSON lines, one object per verdict, on one stream:
 *
 *	time, generation, layer (l3l4, l7), direction (ingress, egress), verdict (allow, deny),
 *	reason, answer (kernel, daemon, kill, none), client, server ("address:port", "[v6]:port"),
 *	protocol, subject, peer (identity number, and "namespace/pod" where known), policy and rule
 *	(what decided: "namespace/name" and "file:line:column"), for a request method, path, host;
 *	for a denied request rules: the HTTP rules that were in force and did not match.
 *
 * The rule is found by judging the head again, natively, by the bundle of the event's generation:
 * the kernel says yes or no, user space says why. A head longer than what an event carries has no
 * rule.
 *
 * The query of a path may hold secrets: it is replaced by "?[redacted]" unless asked for. All bytes
 * come from the wire and are escaped (base/json.h).
 */

#include "bpf/abi.h"

#include <stdbool.h>
#include <stdio.h>

struct pst_generations;
struct pst_verdict_record;

struct pst_events_opts {
	FILE *out;	   /* not owned; NULL: no lines */
	bool show_queries; /* do not redact */
};

/* Writes one line and flushes it. GENS gives rules and names. 0, or -EIO. */
int pst_events_write(const struct pst_events_opts *opts, const struct pst_generations *gens,
		     const struct pst_event *event);

/*
 * The same of what the proxy has judged, in the words of a proxy that is alone (proxy/events.h):
 * time, layer (l7, answer, l4: a connection that was not taken), direction, verdict, reason,
 * client, server where there is no request, number, policy, rule, method, path, host,
 * missing_headers, rejected_headers, or status and latency_us; and then generation, and judged_by,
 * "proxy". EVENT was made from V.
 */
int pst_events_write_proxied(const struct pst_events_opts *opts, const struct pst_generations *gens,
			     const struct pst_event *event, const struct pst_verdict_record *v);
