// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The judge against a model: a TCP receiver with an out-of-order queue, which takes what the judge
 * passed late, in another order, or never, and which prefers the older or the newer copy of a byte;
 * and a sender who sends any range of several streams that are framed alike but say different
 * things, or mixes them byte by byte, cut anywhere. Whatever the application reads must be allowed
 * requests when it is judged from scratch.
 *
 * A model that finds nothing proves nothing: the same attack runs against judges that let pass what
 * one row of the table (bpf/judge.h) drops, and must find each of them out.
 */
#include "bpf/tests/core.h"

#include "bpf/tests/ring.h"

#include "bpf/judge.h"

#include <criterion/criterion.h>
#include <stdbool.h>

#include "bpf/tests/stream.h"

#define H	"Host: b\r\n"
#define LENGTH	"Content-Length: 40\r\n\r\n"
#define BODY	"0123456789012345678901234567890123456789"
#define EVIL	"GET /admin HTTP/1.1\r\n" H "X: 123\r\n\r\n"
#define ASKS	"GET /api/x HTTP/1.1\r\n" H "\r\n"
#define DENIED	"GET /adm/x HTTP/1.1\r\n" H "\r\n"

#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKS	"\r\n8\r\nabcdefgh\r\n0\r\n\r\n"

/* Framed alike: heads of 53 and 32 bytes, bodies of 40. */
static const char *const lengths[] = {
	"POST /api/x HTTP/1.1\r\n" H LENGTH BODY ASKS "POST /api/y HTTP/1.1\r\n" H LENGTH BODY ASKS,
	"POST /api/z HTTP/1.1\r\n" H LENGTH EVIL ASKS "POST /api/x HTTP/1.1\r\n" H LENGTH EVIL ASKS,
	"POST /adm/z HTTP/1.1\r\n" H LENGTH EVIL DENIED
	"POST /api/x HTTP/1.1\r\n" H LENGTH BODY DENIED,
	/* No body: what follows the head is a request to the server. */
	"POST /api/x HTTP/1.1\r\n" H "Content-Length: 0 \r\n\r\n" EVIL ASKS
	"POST /api/x HTTP/1.1\r\n" H "Content-Length: 0 \r\n\r\n" EVIL ASKS,
	/* A longer body swallows the next head. */
	"POST /api/x HTTP/1.1\r\n" H "Content-Length: 99\r\n\r\n" BODY ASKS
	"POST /api/x HTTP/1.1\r\n" H "Content-Length: 40\r\n\r\n" BODY ASKS,
};

/* A head of 61 bytes, chunks of 32 and 8, a head of 32. */
static const char *const chunks[] = {
	"POST /api/x HTTP/1.1\r\n" H CHUNKED "20\r\n" ASKS CHUNKS ASKS,
	"POST /api/y HTTP/1.1\r\n" H CHUNKED "20\r\n" DENIED CHUNKS ASKS,
	"POST /adm/x HTTP/1.1\r\n" H CHUNKED "20\r\n" DENIED CHUNKS DENIED,
	/* Over at once: the data are requests. */
	"POST /api/x HTTP/1.1\r\n" H CHUNKED "0\r\n\r\n" DENIED ASKS "GET /api/x HTTP/1.1",
	/* Longer: a chunk swallows what would be framing. */
	"POST /api/x HTTP/1.1\r\n" H CHUNKED "3f\r\n" ASKS CHUNKS
	"GET /api/x \r\n0\r\n\r\nGET /adm/x HTT",
};

/* Where something begins or ends, and beside it. */
static const size_t length_edges[] = {0,   1,	30,  52,  53,  54,  92,	 93,  94,  124, 125,
				      126, 155, 177, 178, 179, 217, 218, 219, 249, 250};
static const size_t chunk_edges[] = {0,	  1,   30,  60,	 61,  62,  63,	64,  65,
				     66,  96,  97,  98,	 99,  100, 101, 102, 103,
				     109, 110, 112, 114, 117, 118, 148, 149};

enum {
	STREAMS = 5,
	LEN = 250,
	LATE = 4,
	PACKETS = 40,
	SCHEDULES = 400000,
};

static const struct family {
	const char *const *streams;
	size_t len;
	const size_t *edges;
	size_t n_edges;
} families[] = {
	{lengths, 250, length_edges, sizeof(length_edges) / sizeof(*length_edges)},
	{chunks, 149, chunk_edges, sizeof(chunk_edges) / sizeof(*chunk_edges)},
};

static_assert(sizeof(ASKS) == sizeof(DENIED) && sizeof(BODY) == sizeof(EVIL), "framed alike");

struct range {
	size_t at, len;
	unsigned char bytes[LEN];
};

struct tcp {
	unsigned char bytes[LEN];
	bool have[LEN];
	size_t next;	  /* rcv_nxt */
	bool newest_wins; /* in the out-of-order queue */
	struct range late[LATE];
	size_t n_late;
};

static __u64 next_random(__u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

static void take(struct tcp *t, const struct range *r)
{
	for (size_t i = 0; i < r->len; i++) {
		size_t k = r->at + i;

		if (k < t->next || (t->have[k] && !t->newest_wins))
			continue;
		t->bytes[k] = r->bytes[i];
		t->have[k] = true;
	}
	while (t->next < LEN && t->have[t->next])
		t->next++;
}

static void take_late(struct tcp *t, size_t i)
{
	take(t, &t->late[i]);
	t->late[i] = t->late[--t->n_late];
}

/* What the judge has passed: taken now, later, or lost to a checksum. */
static void arrive(struct tcp *t, const struct range *r, __u64 *seed)
{
	switch (next_random(seed) % 4) {
	case 0:
		return;
	case 1:
		if (t->n_late == LATE)
			take_late(t, next_random(seed) % LATE);
		t->late[t->n_late++] = *r;
		return;
	default:
		take(t, r);
	}
}

static size_t pick_edge(const struct family *f, __u64 *seed)
{
	if (next_random(seed) % 8 == 0)
		return next_random(seed) % (f->len + 1);
	return f->edges[next_random(seed) % f->n_edges];
}

/* Where an honest packet from AT on ends: a little later, at an edge, or with the stream. */
static size_t continuation(const struct family *f, size_t at, __u64 *seed)
{
	size_t end = at + 1 + next_random(seed) % 20, tries = 20;

	switch (next_random(seed) % 4) {
	case 0:
		return end < f->len ? end : f->len;
	case 1:
		return f->len;
	default:
		do
			end = pick_edge(f, seed);
		while (end <= at && tries--);
		return end;
	}
}

static struct range pick(const struct family *fam, const struct pst_flow *f, const struct tcp *t,
			 __u64 *seed)
{
	struct range r = {.at = pick_edge(fam, seed)};
	size_t end = pick_edge(fam, seed), one = next_random(seed) % STREAMS,
	       other = next_random(seed) % STREAMS, switch_at = pick_edge(fam, seed);

	if (next_random(seed) % 3 == 0)
		r.at = next_random(seed) % 2 ? f->judged : t->next;
	/* Often the honest continuation: an attack needs something to stand on. */
	if (!f->judged || next_random(seed) % 2) {
		one = other = next_random(seed) % 2;
		r.at = f->judged;
		end = continuation(fam, r.at, seed);
	}
	if (r.at >= fam->len)
		r.at = 0;
	r.len = end > r.at ? end - r.at : 1;
	for (size_t i = 0; i < r.len; i++)
		r.bytes[i] =
			(unsigned char)fam->streams[r.at + i < switch_at ? one : other][r.at + i];
	return r;
}

/* Is what the application has read a sequence of allowed requests, the last one perhaps cut? */
static bool all_allowed(const struct tcp *t)
{
	const struct pst_src src = {.bytes = t->bytes};
	struct t_stream s = {.table = NULL};

	s.table = t_core_table(&s.ruleset);
	t_stream_feed(&s, &src, 0, (__u32)t->next);
	return !s.reason;
}

/* What is denied can wait for its answer: then what stands before it may still come. */
static __u32 rule_on(struct pst_flow *f, const struct pst_src *src, const struct pst_packet *p,
		     bool *denied)
{
	__u32 ruleset, ruling;

	if (*denied)
		return pst_judge_denied(f, src, p);
	ruling = pst_judge_packet(f, t_core_table(&ruleset), src, p);
	*denied = ruling >> 8 == PST_ACTION_DENY || ruling >> 8 == PST_ACTION_CUT;
	return ruling;
}

/* The part of a packet that somebody sends again, because the rest of it was denied. */
static void cut(struct range *r, const struct pst_flow *f, __u64 *seed)
{
	size_t end = f->head_seq;

	if (next_random(seed) % 2 && end > r->at && end < r->at + r->len)
		r->len = end - r->at;
}

/*
 * One connection. A judge with a hole passes what is refused for MUTANT (PST_REASON_NONE: without a
 * hole). False when the application read what nobody allowed.
 */
static bool survives(__u64 seed, enum pst_reason mutant, size_t *requests)
{
	struct pst_flow f = {.flags = PST_FLOW_STREAM_KNOWN};
	struct tcp t = {.next = 0};
	bool denied = false;
	__u32 ruleset;

	const struct family *fam = &families[seed % 2];

	t_core_table(&ruleset);
	f.ruleset = (__u16)ruleset;
	seed = seed * 0x9e3779b97f4a7c15ULL | 1;
	t.newest_wins = next_random(&seed) % 2;
	if (next_random(&seed) % 2)
		f.follow = PST_FOLLOW_LOST;
	for (int i = 0; i < PACKETS; i++) {
		struct range r = pick(fam, &f, &t, &seed);
		const struct pst_src src = {.bytes = r.bytes};
		struct pst_packet p = {.seq = (__u32)r.at, .accepted = (__u32)t.next};
		__u32 ruling;

		if (denied)
			cut(&r, &f, &seed);
		p.len = (__u32)r.len;
		if (next_random(&seed) % 16 == 0) /* others fill the ring */
			t_ring_shard(0)->taken += PST_RAW_SLOTS;
		ruling = rule_on(&f, &src, &p, &denied);
		if (ruling >> 8 == PST_ACTION_PASS || (mutant && (ruling & 0xff) == mutant))
			arrive(&t, &r, &seed);
		else if (ruling >> 8 != PST_ACTION_DROP && !denied)
			break;
		if (t.n_late && next_random(&seed) % 3 == 0)
			take_late(&t, next_random(&seed) % t.n_late);
		if (next_random(&seed) % 2)
			f.responses = f.requests;
	}
	while (t.n_late)
		take_late(&t, 0);
	*requests += f.requests;
	return all_allowed(&t);
}

Test(model, the_streams_are_framed_alike)
{
	for (int f = 0; f < 2; f++) {
		const struct family *fam = &families[f];

		for (size_t i = 0; i < STREAMS; i++)
			cr_expect_eq(strlen(fam->streams[i]), fam->len, "stream %zu: %zu", i,
				     strlen(fam->streams[i]));
		for (size_t i = 0; i < 2; i++) {
			struct tcp t = {.next = fam->len};

			memcpy(t.bytes, fam->streams[i], fam->len);
			cr_expect(all_allowed(&t), "stream %zu", i);
		}
	}
}

Test(model, the_application_reads_allowed_requests_only, .timeout = 300)
{
	size_t requests = 0;

	for (__u64 seed = 1; seed <= SCHEDULES; seed++)
		cr_assert(survives(seed, PST_REASON_NONE, &requests), "seed %llu", seed);
	cr_expect_gt(requests, SCHEDULES, "the attacks end before they begin: %zu", requests);
}

Test(model, finds_every_hole_in_the_table, .timeout = 300)
{
	static const enum pst_reason rows[] = {
		PST_REASON_REPEAT_PARTIAL, PST_REASON_REPEAT_DIFFERS, PST_REASON_GAP,
		PST_REASON_NO_RULE_L7,	   PST_REASON_AFTER_DENY,
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		size_t requests = 0;
		__u64 seed = 1 + i % 2; /* every other is of the same family */

		while (seed <= SCHEDULES && survives(seed, rows[i / 2], &requests))
			seed += 2;
		cr_expect_leq(seed, SCHEDULES, "reason %d, family %zu", rows[i / 2], i % 2);
	}
}
