// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recogniser goes over what it need not look at in words of eight bytes. Here it runs beside
 * one that takes each byte through the grammar's cells: random heads, chunks and trailers, cut at
 * every place, leave the same state behind. So do responses of which what is usual is skimmed.
 */
#include "bpf/tests/core.h"
#include "bpf/tests/vectors.h"

#include "bpf/http_skim.h"
#include "bpf/walk.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>

#define REQUEST_LINE "GET /api/x HTTP/1.1\r\n"
#define REQUEST	     REQUEST_LINE "Host: b\r\n"

enum { MAX_LEN = 1024, LONGEST = 400 };

/* One direction of a connection, up to where the recogniser stops for good. */
struct run {
	struct pst_http http;
	const struct pst_table *table;
	__u64 skip; /* bytes of data before the next framing */
	bool over;
};

/* How a run begins. */
struct begin {
	bool response;
	bool any_form;
	__u32 limit; /* 0: the usual one */
};

static struct run run_begin(struct begin b)
{
	struct run r = {.over = false};
	__u32 ruleset;

	r.table = t_core_table(&ruleset);
	if (b.response)
		pst_http_response(&r.http);
	else
		pst_http_request(&r.http, r.table, ruleset);
	if (b.any_form)
		r.http.flags |= PST_HTTP_ANY_FORM;
	if (b.limit)
		r.http.limit = b.limit;
	return r;
}

/* One byte by the cells. */
static void step(struct run *r, unsigned char byte)
{
	struct pst_http *h = &r->http;
	__u32 cell = pst_http_cell[h->state << PST_HTTP_CLASS_BITS | pst_http_class[byte]];
	__u32 row = h->row ? pst_dfa_step(r->table, h->row, h->classes, byte) : 0;

	h->window = h->window << 8 | byte;
	h->state = (__u8)(cell & 0xff);
	if (cell >> 8)
		pst_http_act(h, r->table, cell >> 8, byte);
	else
		h->row = row;
	h->pos++;
	if (h->pos > h->limit && !pst_http_stopped(h))
		pst_http_fail(h, PST_REASON_HEAD_LONG);
}

static size_t walk_steps(struct run *r, const unsigned char *bytes, size_t n)
{
	size_t at = 0;

	while (at < n && !pst_http_stopped(&r->http))
		step(r, bytes[at++]);
	return at;
}

static size_t walk_words(struct run *r, const unsigned char *bytes, size_t n)
{
	const struct pst_src src = {.bytes = bytes};
	struct pst_walk w = {.http = &r->http, .table = r->table, .src = &src, .end = (__u32)n};

	pst_walk_head(&w);
	cr_assert(!w.failed);
	return w.off;
}

static size_t skimmed; /* bytes, ever */

static size_t walk_skims(struct run *r, const unsigned char *bytes, size_t n)
{
	size_t at = 0;

	while (at < n && !pst_http_stopped(&r->http)) {
		__u32 have = n - at < PST_HTTP_CHUNK ? (__u32)(n - at) : PST_HTTP_CHUNK;
		struct pst_http_bytes chunk = {0};
		int passed;

		memcpy(chunk.words, bytes + at, have);
		passed = pst_http_skim(&r->http, &chunk, have);
		cr_assert(passed >= 0 && (__u32)passed <= have);
		skimmed += (size_t)passed;
		at += passed ? (size_t)passed : walk_words(r, bytes + at, have);
	}
	return at;
}

typedef size_t (*walk_fn)(struct run *r, const unsigned char *bytes, size_t n);

static void feed(struct run *r, walk_fn walk, const unsigned char *bytes, size_t n)
{
	while (n && !r->over) {
		size_t used = r->skip < n ? (size_t)r->skip : n;

		if (used) {
			r->skip -= used;
		} else {
			used = walk(r, bytes, n);
			r->over = r->http.state == PST_HTTP_ERROR;
			if (!r->over && pst_http_stopped(&r->http)) {
				r->skip = r->http.length;
				r->over = !pst_http_continues(&r->http);
				if (!r->over)
					pst_http_resume(&r->http);
			}
		}
		bytes += used;
		n -= used;
	}
}

static void same(const struct run *a, const struct run *b, const char *what)
{
	const struct pst_http *x = &a->http, *y = &b->http;

	cr_assert(x->state == y->state && x->reason == y->reason, "%s: state %u, %u: %u, %u", what,
		  x->state, x->reason, y->state, y->reason);
	cr_assert(a->over == b->over && a->skip == b->skip, "%s", what);
	cr_assert(x->allow == y->allow && x->length == y->length, "%s", what);
	cr_assert(x->mark == y->mark && x->stop == y->stop, "%s", what);
	cr_assert(x->limit == y->limit && x->head == y->head, "%s", what);
	cr_assert_arr_eq(x->slots, y->slots, sizeof(x->slots), "%s", what);
	cr_assert(x->status == y->status && x->flags == y->flags, "%s", what);
	cr_assert(x->extensions == y->extensions && x->fields == y->fields, "%s", what);
	cr_assert(x->digits == y->digits && x->method == y->method, "%s", what);
	cr_assert(x->slot == y->slot && x->seen == y->seen && x->more == y->more, "%s", what);
	if (x->state == PST_HTTP_ERROR)
		return;
	cr_assert(x->row == y->row && x->pos == y->pos, "%s: row %u, %u", what, x->row, y->row);
	cr_assert(!x->row || x->classes == y->classes, "%s", what);
	/* Behind data, what the window held before is nothing to anybody. */
	if (!pst_http_stopped(x) && x->pos)
		cr_assert_eq((x->window ^ y->window) << (x->pos < 8 ? 64 - 8 * x->pos : 0), 0, "%s",
			     what);
}

static void compare_walk(struct begin b, walk_fn walk, const unsigned char *bytes, size_t len,
			 size_t cut, size_t piece, const struct run *steps)
{
	struct run other = run_begin(b);
	char what[96];

	snprintf(what, sizeof(what), "%s: %zu bytes at %zu, then by %zu",
		 walk == walk_skims ? "skimmed" : "words", len, cut, piece);
	feed(&other, walk, bytes, cut);
	for (size_t at = cut; at < len; at += piece)
		feed(&other, walk, bytes + at, piece < len - at ? piece : len - at);
	same(steps, &other, what);
}

/* In words, cut at CUT and then every PIECE bytes. Responses have no limit: the driver's is one. */
static void compare(struct begin b, const unsigned char *bytes, size_t len, size_t cut,
		    size_t piece, const struct run *steps)
{
	compare_walk(b, walk_words, bytes, len, cut, piece, steps);
	if (b.response && !b.limit)
		compare_walk(b, walk_skims, bytes, len, cut, piece, steps);
}

static struct run by_steps(struct begin b, const unsigned char *bytes, size_t len)
{
	struct run r = run_begin(b);

	feed(&r, walk_steps, bytes, len);
	return r;
}

static void try_all_cuts(struct begin b, const unsigned char *bytes, size_t len)
{
	struct run steps = by_steps(b, bytes, len);

	for (size_t cut = 0; cut < len; cut++)
		compare(b, bytes, len, cut, len, &steps);
	for (size_t piece = 1; piece <= PST_HTTP_CHUNK; piece++)
		compare(b, bytes, len, 0, piece, &steps);
}

static unsigned int next_random(unsigned int *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static unsigned int below(unsigned int *seed, unsigned int n)
{
	return next_random(seed) % n;
}

/* A byte at an edge of some set of the grammar, or any. */
static unsigned char random_byte(unsigned int *seed)
{
	static const unsigned char edges[] = "\0\t\n\r\x1f !\",-./09:;<=>?@AZ[\\]^_`az{|}~\x7f\x80"
					     "\x8d\xa0\xad\xba\xff\r\n\r\n::  ";

	if (below(seed, 4))
		return edges[below(seed, sizeof(edges) - 1)];
	return (unsigned char)next_random(seed);
}

/* LEN bytes with one to three of them changed, left out, said twice, or with others between. */
static size_t mutate(unsigned int *seed, unsigned char *bytes, size_t len)
{
	for (unsigned int n = 1 + below(seed, 3); n && len > 1; n--) {
		size_t at = below(seed, (unsigned int)len), run = 1 + below(seed, 20);

		if (below(seed, 2)) {
			bytes[at] = random_byte(seed);
		} else if (below(seed, 2)) {
			memmove(bytes + at, bytes + at + 1, len - at - 1);
			len--;
		} else if (len + run <= MAX_LEN) {
			memmove(bytes + at + run, bytes + at, len - at);
			memset(bytes + at, below(seed, 2) ? bytes[at] : random_byte(seed), run);
			len += run;
		}
	}
	return len;
}

static void try_mutants(const struct t_vector *v, unsigned int *seed)
{
	unsigned char bytes[MAX_LEN];

	for (int i = 0; i < 32; i++) {
		struct begin b = {.any_form = below(seed, 4) == 0};
		size_t len = v->len;

		memcpy(bytes, v->bytes, len);
		if (i)
			len = mutate(seed, bytes, len);
		if (below(seed, 3) == 0)
			b.limit = 1 + below(seed, (unsigned int)len);
		try_all_cuts(b, bytes, len);
	}
}

Test(http_steps, words_and_steps_say_the_same_of_mutated_streams_cut_anywhere)
{
	static const char *const files[] = {"testdata/http/requests.md", "testdata/http/streams.md",
					    "testdata/http/paths.md"};
	unsigned int seed = 20261127;
	size_t n = 0;

	for (size_t f = 0; f < sizeof(files) / sizeof(*files); f++) {
		struct t_vectors all = t_vectors_load(files[f]);

		for (size_t i = 0; i < all.n; i++) {
			if (!all.v[i].len || all.v[i].len > LONGEST)
				continue;
			try_mutants(&all.v[i], &seed);
			n++;
		}
		t_vectors_free(&all);
	}
	cr_assert_geq(n, 300);
}

#define NGINX                                                                                \
	"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 27 Nov 2026 23:29:53 GMT\r\n" \
	"Content-Type: text/plain\r\nContent-Length: 1024\r\n"                               \
	"Last-Modified: Fri, 27 Nov 2026 23:00:00 GMT\r\nConnection: keep-alive\r\n"         \
	"ETag: \"6928a5a0-400\"\r\nAccept-Ranges: bytes\r\n\r\n"

Test(http_steps, words_and_steps_say_the_same_of_mutated_responses_cut_anywhere)
{
	enum { N = 6 };
	static const char *const responses[N] = {
		"HTTP/1.1 200 OK\r\nServer: nginx/1.22\r\nContent-Type: text/plain\r\n"
		"Content-Length: 5\r\nX-Long-Name: a value\twith a tab\r\n\r\nabcde",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive, x\r\n\r\n"
		"5;a=b\r\nabcde\r\n0\r\nTrailer-Name: v\r\nContent-Length: 3\r\n\r\n",
		"HTTP/1.0 404 Not Found\r\nConnection: close\r\nCache_Control:\r\nTE:  \r\n\r\n",
		"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\nconnection: Keep-Alive\r\n"
		"Cache-Control: no-cache\r\ncontent-lengths: 4\r\nContent-Language: de\r\n\r\n"
		"3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 301 \r\nCONTENT-LENGTH: 0\r\nConnection: keep-alive\r\nC: d\r\nt: u\r\n\r\n",
		NGINX,
	};
	unsigned char bytes[MAX_LEN];
	unsigned int seed = 17;

	for (int i = 0; i < 3000; i++) {
		struct begin b = {.response = true};
		size_t len = strlen(responses[i % N]);

		memcpy(bytes, responses[i % N], len);
		if (i >= N)
			len = mutate(&seed, bytes, len);
		if (below(&seed, 3) == 0)
			b.limit = 1 + below(&seed, (unsigned int)len);
		try_all_cuts(b, bytes, len);
	}
}

/* Or the test before this one would say nothing of what is skimmed. */
Test(http_steps, what_servers_usually_answer_is_skimmed_to_its_end)
{
	static const char *const responses[] = {
		NGINX,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Fri, 27 Nov 2026 23:29:53 "
		"GMT\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\ncontent-length: 9999999\r\nserver: envoy\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(responses) / sizeof(*responses); i++) {
		struct run r = run_begin((struct begin){.response = true});
		size_t len = strlen(responses[i]);

		skimmed = 0;
		cr_assert_eq(walk_skims(&r, (const unsigned char *)responses[i], len), len);
		cr_assert_eq(r.http.state, PST_HTTP_DONE);
		cr_assert_eq(skimmed, len, "%zu of %zu: %s", skimmed, len, responses[i]);
	}
}

/* Each pair of bytes at AT of a text: what one byte borrows from the next would show. */
static void try_pairs(const char *text, size_t at, size_t n)
{
	unsigned char bytes[MAX_LEN];
	size_t len = strlen(text);

	cr_assert(at + n < len && len < MAX_LEN);
	memcpy(bytes, text, len);
	for (unsigned int pair = 0; pair < 0x10000; pair++) {
		size_t place = at + pair % n;
		struct run steps;

		bytes[place] = (unsigned char)(pair >> 8);
		bytes[place + 1] = (unsigned char)pair;
		steps = by_steps((struct begin){.any_form = false}, bytes, len);
		compare((struct begin){.any_form = false}, bytes, len, 0, len, &steps);
		memcpy(bytes + place, text + place, 2);
	}
}

Test(http_steps, each_pair_of_bytes_is_judged_alike_in_names_values_hosts_and_targets)
{
	const size_t line = sizeof(REQUEST) - 1;

	try_pairs(REQUEST "Xabcdefghijklmnopqrstuvwxyz: y\r\n\r\n", line + 2, 17);
	try_pairs(REQUEST "X: abcdefghijklmnopqrstuvwxyz\r\n\r\n", line + 3, 17);
	try_pairs("GET / HTTP/1.1\r\nHost: abcdefghijklmnopqrstuvwxyz\r\n\r\n", 23, 17);
	try_pairs("GET /api/abcdefghijklmnopqrstuvwxyz HTTP/1.1\r\nHost: b\r\n\r\n", 9, 17);
	try_pairs("GET /api/?abcdefghijklmnopqrstuvwxyz HTTP/1.1\r\nHost: b\r\n\r\n", 10, 17);
}

/* Or the test before this one would say nothing of targets that are passed over in words. */
Test(http_steps, a_target_and_a_host_that_no_rule_looks_at_any_more_are_quiet)
{
	static const char *const heads[] = {"GET /api/abc", "GET /api/?abc",
					    REQUEST_LINE "Host: abc"};
	static const unsigned char quiet[] = "abcdefgh", ends[] = "abc/?% \\";

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		struct run r = by_steps((struct begin){.any_form = false},
					(const unsigned char *)heads[i], strlen(heads[i]));
		struct pst_http_hot hot = {.place = pst_http_place(r.http.state),
					   .row = r.http.row};

		cr_assert(r.http.row & PST_CELL_LOOPS, "%s", heads[i]);
		cr_assert_eq(pst_http_quiet(&hot, pst_load64(quiet)), 8, "%s", heads[i]);
		cr_assert_eq(pst_http_quiet(&hot, pst_load64(ends)), 3, "%s", heads[i]);
		/* In a value there may be bytes that the automaton does not loop on. */
		hot.place = PST_HTTP_IN_VALUE;
		cr_assert_eq(pst_http_quiet(&hot, pst_load64(quiet)), 0, "%s", heads[i]);
	}
}
