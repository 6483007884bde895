/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The offline judge: the shared core of bpf/ run natively on a bundle. What it says is what the
 * kernel does; of a policy in audit, what it would do if that were in force, and that it is not.
 */

#include "bpf/reason.h"
#include "compiler/bundle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An L3/L4 decision. */
struct pst_l4_result {
	enum pst_verdict verdict;
	enum pst_reason reason;
	uint32_t ruleset;	/* for JUDGE */
	uint32_t rule;		/* deciding rule in b->rules, UINT32_MAX: none */
	uint32_t subject, peer; /* identities */
	/* By policies in audit: all that this denies, of requests too, passes and is reported. */
	bool audited;
};

struct pst_l4_query {
	struct pst_addr_value subject; /* as the address lookup gives it */
	uint32_t peer;		       /* identity */
	enum pst_dir direction;
	uint8_t protocol;
	uint16_t port;
};

/* The longest prefix of the bundle's addresses; the world when nothing matches. */
struct pst_addr_value pst_judge_addr(const struct pst_bundle *b, const uint8_t addr[16]);

struct pst_l4_result pst_judge_l4(const struct pst_bundle *b, const struct pst_l4_query *q);

/* One request found in a byte stream. */
struct pst_l7_result {
	bool allowed;
	enum pst_reason reason;
	uint32_t rule;	 /* the first HTTP rule that matches, in b->rules; UINT32_MAX: none */
	size_t offset;	 /* of the request's first byte */
	size_t head_len; /* 0 when the head is malformed or incomplete */
	/* The head that was judged: in BYTES; without its offer of HTTP/2, where that is taken
	 * out, in the judge until it is asked again. */
	const char *head;
	uint64_t body_len; /* announced; 0 for a chunked body */
	bool last;	   /* it ends the connection: bytes behind it are PST_REASON_AFTER_CLOSE */
	bool handshake;	   /* of WebSocket, no offer of HTTP/2: bytes behind it are no requests */
};

struct pst_judge; /* a table, packed for the core */
struct pst_head;

/* B must have passed pst_bundle_verify() and must outlive the judge. 0 or -ENOMEM. */
int pst_judge_new(const struct pst_bundle *b, struct pst_judge **ret_judge);
void pst_judge_free(struct pst_judge **j);

/* Must paths be in normal form, as they must at first, or are they judged as they stand (ANY)? */
void pst_judge_set_any_form(struct pst_judge *j, bool any);

/*
 * Are the requests the proxy's, though it needs not judge them? At first they are not. Those of a
 * rule set for the fallback always are. The proxy takes an offer of HTTP/2 out of a request, and
 * judges what is left (compiler/offer.h).
 */
void pst_judge_set_proxied(struct pst_judge *j, bool proxied);

/*
 * Judges the request that starts at BYTES[OFFSET] by rule set RULESET. Returns the offset behind
 * its body, chunks and trailers included (or LEN when the body is cut off); a malformed request, or
 * one with a malformed chunk, ends the stream: LEN.
 */
size_t pst_judge_request(struct pst_judge *j, uint32_t ruleset, const char *bytes, size_t len,
			 size_t offset, struct pst_l7_result *ret_result);

/* Does the HTTP rule RULE, of b->rules, match HEAD, which the core has accepted? */
bool pst_judge_matches(struct pst_judge *j, uint32_t rule, const struct pst_head *head);
