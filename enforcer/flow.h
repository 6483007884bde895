/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A flow: one verdict, or the answer to a request, in hubble's words. docs/observe.md tells what
 * each field is made of.
 *
 * Written and read as hubble's JSON (cilium api/v1/flow, the JSON mapping of protocol buffers):
 * values that are zero are left out, numbers of 64 bits are strings. What hubble has no field for
 * (why, which rule, by whom it was answered) is in "extensions", a Struct: readers of hubble's own
 * schema take it.
 *
 * A flow only points at its texts; they belong to whoever made it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pst_arena;

enum pst_flow_verdict {
	PST_FLOW_VERDICT_UNKNOWN,
	PST_FLOW_FORWARDED,
	PST_FLOW_DROPPED,
	PST_FLOW_ERROR,
	PST_FLOW_AUDIT,
	PST_FLOW_REDIRECTED,
	PST_FLOW_TRACED,
	PST_FLOW_TRANSLATED,
	PST_FLOW_VERDICT_MAX,
};

enum pst_flow_direction {
	PST_FLOW_DIRECTION_UNKNOWN,
	PST_FLOW_INGRESS,
	PST_FLOW_EGRESS,
};

enum pst_flow_l7 {
	PST_FLOW_L7_NONE, /* a flow of L3/L4 */
	PST_FLOW_REQUEST,
	PST_FLOW_RESPONSE,
	PST_FLOW_SAMPLE,
};

/* What a policy entry looked at, as Cilium numbers it. */
enum pst_flow_match {
	PST_FLOW_MATCH_NONE,
	PST_FLOW_MATCH_L3,
	PST_FLOW_MATCH_L3_L4,
	PST_FLOW_MATCH_L4,
	PST_FLOW_MATCH_ALL,
	PST_FLOW_MATCH_L3_PROTO,
	PST_FLOW_MATCH_PROTO,
	PST_FLOW_MATCH_MAX,
};

/* Types of events, as Cilium numbers them. */
enum {
	PST_FLOW_EVENT_DROP = 1,
	PST_FLOW_EVENT_TRACE = 4,
	PST_FLOW_EVENT_POLICY_VERDICT = 5,
	PST_FLOW_EVENT_L7 = 129,
};

/* Texts are never NULL in a flow that was made or read: "" is absent. */
struct pst_flow_end {
	const char *ip;
	uint32_t port;
	uint32_t identity;
	const char *ns, *pod;
	const char **labels;
	size_t n_labels;
};

struct pst_flow_policy {
	const char *ns, *name;
	const char *kind;  /* CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy */
	const char *rule;  /* "file:line:column" */
	uint64_t revision; /* the generation */
};

struct pst_flow_header {
	const char *key, *value;
};

struct pst_flow {
	int64_t time; /* ns since 1970 */
	const char *uuid;
	const char *node_name;
	enum pst_flow_verdict verdict;
	uint32_t drop_reason; /* Cilium's number, 0: none */
	const char *drop_reason_desc;
	struct pst_flow_end source,
		destination; /* of this message: a response has them exchanged */
	bool is_ipv6;
	uint8_t protocol; /* IANA; 0: unknown */
	enum pst_flow_l7 l7;
	uint64_t latency_ns;
	uint32_t code;
	const char *method, *url, *http_protocol;
	struct pst_flow_header *headers; /* sorted by key */
	size_t n_headers;
	int event_type, event_sub_type;
	enum pst_flow_direction direction;
	uint32_t match_type; /* enum pst_flow_match */
	bool has_is_reply, is_reply;
	uint64_t socket_cookie;
	struct pst_flow_policy *policies; /* those that allowed it, or denied it */
	size_t n_policies;
	/* Names of headers that LOG was about. */
	const char **missing, **rejected;
	size_t n_missing, n_rejected;
	/* Of bpf/reason.h; kernel, daemon, proxy, kill, deferred, none; kernel is "", or proxy. */
	const char *reason, *answer, *judged_by;
	const char *summary;
};

/* "FORWARDED"; "UNKNOWN" out of range. */
const char *pst_flow_verdict_name(enum pst_flow_verdict verdict);
const char *pst_flow_direction_name(enum pst_flow_direction direction);

/* "L3-L4" */
const char *pst_flow_match_name(uint32_t match);

/* "TCP", or NULL for a protocol that flows have no name for. */
const char *pst_flow_protocol_name(uint8_t protocol);

/* Writes one line: {"flow": ..., "node_name": ..., "time": ...}. 0 or -EIO. */
int pst_flow_write(FILE *out, const struct pst_flow *f);

/*
 * Reads the object under "flow" of such a line, or hubble's older form, the flow itself. Texts
 * belong to JSON, the rest to A. What it does not know is passed over; what has the wrong type is
 * absent. 0, -EINVAL when it is no flow at all, -ENOMEM.
 */
int pst_flow_read(const json_t *json, struct pst_arena *a, struct pst_flow *ret_flow);
