/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is remembered per connection: the value of a socket storage map, freed with the socket.
 *
 * A connection has a request direction, which is judged, and a response direction, which is
 * followed. On the server's socket requests come in and responses go out; on the client's it is the
 * other way round. The two directions run on different CPUs at once, so each side has its own lock
 * and its own fields, and writes nothing of the other's. `requests` is written by the judge alone,
 * `responses` by the follower alone: their difference is the number of answers that are due, and
 * answers come in the order of the requests (RFC 9112 section 9.3.2).
 *
 * Positions are sequence numbers. `judged`: everything below has a verdict. What lies between TCP's
 * own rcv_nxt ("accepted") and `judged` has been judged, but TCP may still drop it: see
 * bpf/judge.h.
 */

#include "bpf/http.h"

enum pst_role {
	PST_ROLE_NONE,
	PST_ROLE_CLIENT,
	PST_ROLE_SERVER,
};

/* Written by the judge's side. */
enum pst_flow_flag {
	PST_FLOW_STREAM_KNOWN = 1 << 0, /* `judged` is a place where a request begins or goes on */
	PST_FLOW_DENIED = 1 << 1,	/* nothing of the request direction passes any more */
	PST_FLOW_COURTESY = 1 << 2,	/* the socket is in the courtesy map */
	PST_FLOW_REQUEST = 1 << 3,	/* inside a request, its head or its body */
	PST_FLOW_UPGRADE = 1 << 4,	/* request `upgrade` asked for another protocol */
	PST_FLOW_QUEUED = 1 << 5,	/* the last request's head is allowed: an answer is due */
	PST_FLOW_OURS = 1 << 6,	    /* the userspace proxy's socket: it judges, not the kernel */
	PST_FLOW_UNJUDGED = 1 << 7, /* AUDIT: what came could not be followed, nothing is judged */
};

/* Written by the follower's side. */
enum pst_follow_flag {
	PST_FOLLOW_LOST = 1 << 0,     /* it is not known which answers are due */
	PST_FOLLOW_BEGUN = 1 << 1,    /* inside a response */
	PST_FOLLOW_TO_CLOSE = 1 << 2, /* a body that ends with the connection */
	PST_FOLLOW_OPAQUE = 1 << 3,   /* the server has left HTTP, as the request asked */
	PST_FOLLOW_SWITCHED = 1 << 4, /* a 101 was seen; OPAQUE once TCP has taken it */
	PST_FOLLOW_INWARD = 1 << 5,   /* begun over lo by a stranger: answers stay there, too */
};

/* Requests whose answer may be outstanding at once; a power of two. */
enum { PST_MAX_DUE = 32 };

struct pst_flow {
	__u32 judge_lock;
	__u32 follow_lock;

	/* The L3/L4 decision and the generation that made it. */
	__u32 generation;
	__u32 subject;
	__u32 peer;
	__u32 rule;
	__u16 ruleset;
	__u8 verdict; /* enum pst_verdict */
	__u8 reason;  /* enum pst_reason */

	__u8 role;
	__u8 flags;
	__u8 follow;
	__u8 deny_reason;

	/* Request direction. */
	__u32 judged;
	__u32 head_seq; /* where the current request begins */
	__u32 framed;	/* behind the last byte that bpf/raw.h keeps */
	__u32 requests;
	__u64 body_left; /* of the body, or of the current chunk */
	__u64 raw_last;	 /* the newest slot of bpf/raw.h, and whether anything is kept */
	__u32 mark;	 /* a position; slots whose bytes TCP may not have: */
	__u16 kept_before, kept_since;
	__u32 heads;   /* bit per outstanding request: a HEAD */
	__u32 upgrade; /* the request's number */
	__u32 asked_us[PST_MAX_DUE];
	struct pst_http http;

	/* Response direction. */
	__u32 followed;
	__u32 headed;	/* behind the last head or chunk framing that was followed */
	__u32 switched; /* behind the 101 */
	__u32 responses;
	__u64 data_left;
	struct pst_http response;

	/* For events. */
	__u64 netns_cookie;
	__u64 reported_ns;
	__u32 denied_seq;
	__u8 reports;
	__u8 deny_request;	/* enum pst_request: what was asked for, and is asked for again */
	__u8 deny_head;		/* 1: it was a HEAD */
	__u8 follow_generation; /* whose table the response was followed with last: its low byte */
};
PST_STATIC_ASSERT(sizeof(struct pst_flow) <= 512, "state per connection");

/* Are its requests judged by HTTP rules, in earnest or in audit? */
PST_INLINE int pst_flow_is_judged(const struct pst_flow *f)
{
	return f->verdict == PST_VERDICT_JUDGE || f->verdict == PST_VERDICT_AUDIT;
}

/* Answers due. Meaningless once PST_FOLLOW_LOST is set. */
PST_INLINE __u32 pst_flow_due(const struct pst_flow *f)
{
	return f->requests - f->responses;
}

/*
 * Answers due to requests before the one under way, when that one is denied; less than 0: its own
 * has come too early.
 */
PST_INLINE __s32 pst_flow_due_before(const struct pst_flow *f)
{
	__u32 own = (f->flags & PST_FLOW_REQUEST) && (f->flags & PST_FLOW_QUEUED);

	return (__s32)(pst_flow_due(f) - own);
}
