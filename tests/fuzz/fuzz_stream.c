// SPDX-License-Identifier: Apache-2.0
/*
 * Whole streams of requests: pipelining, chunked bodies, trailers, judged headers, the last request
 * of a connection.
 *
 *	cut		the outcome does not depend on how the bytes are cut
 *	offline		the offline judge says the same, and names a rule for each allowed request
 *	compare		what the core lets through whole, llhttp in its strict mode reads as the
 *			same messages: as many, each ending at the same byte, with as many
 *			bytes of body
 *
 * The first byte of the input says how it is cut.
 */
#include "tests/fuzz/bytes.h"

#include "bpf/tests/stream.h"
#include "bpf/walk.h"

#include <stdlib.h>

#include "compiler/bundle.h"
#include "compiler/judge.h"
#include "tests/fuzz/methods.h"
#include "tests/fuzz/rules.h"

static const char policy[] =
	FUZZ_POLICY("        - {path: '/api/.*'}\n"
		    "        - {path: '/a', headers: ['X: a,b', X-P]}\n"
		    "        - {headers: ['X:  a']}\n"
		    "        - {headers: ['Connection: close,te', 'X: ,']}\n"
		    "        - {method: POST, headers: ['Content-Length: 3']}\n");

enum { MAX_INPUT = 8192, MAX_MESSAGES = 64 };

static struct pst_table *table;
static struct pst_bundle *bundle;
static struct pst_judge *judge;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	bundle = fuzz_rules_bundle(policy);
	table = fuzz_rules_table(policy);
	assert(!pst_judge_new(bundle, &judge));
	return 0;
}

/* The messages that pass whole: where each ends, and how long its body is. */
struct messages {
	size_t n;
	size_t end[MAX_MESSAGES];
	uint64_t body[MAX_MESSAGES];
};

static struct t_stream walk_bytes(const uint8_t *bytes, uint32_t len, struct messages *m)
{
	const struct pst_src src = {.bytes = bytes, .len = len};
	struct t_stream s = {.table = table};
	uint64_t body = 0;

	*m = (struct messages){0};
	for (uint32_t at = 0; at < len && !s.reason && !s.opaque; at++) {
		size_t before = s.passed;

		body += s.skip > 0;
		t_stream_feed(&s, &src, at, at + 1);
		if (s.passed == before || m->n == MAX_MESSAGES)
			continue;
		m->end[m->n] = at + 1;
		m->body[m->n++] = body;
		body = 0;
	}
	return s;
}

static struct t_stream walk_cut(const uint8_t *bytes, uint32_t len, uint32_t cut)
{
	const struct pst_src src = {.bytes = bytes, .len = len};
	struct t_stream s = {.table = table};

	for (uint32_t at = 0, end; at < len; at = end) {
		end = at + fuzz_next_piece(&cut, len - at);
		t_stream_feed(&s, &src, at, end);
	}
	return s;
}

static void same(const struct t_stream *a, const struct t_stream *b)
{
	assert(a->reason == b->reason && a->passed == b->passed && a->inside == b->inside);
	assert(a->skip == b->skip && a->opaque == b->opaque);
	assert(a->http.state == b->http.state && a->http.allow == b->http.allow);
	assert(a->http.flags == b->http.flags && a->http.fields == b->http.fields);
}

static void judge_offline(const uint8_t *bytes, uint32_t len, const struct t_stream *s)
{
	struct pst_l7_result r = {.allowed = true};
	size_t at = 0, passed = 0;

	while (at < len && r.allowed && !r.last && !r.handshake) {
		at = pst_judge_request(judge, 0, (const char *)bytes, len, at, &r);
		assert(r.allowed == (r.rule != UINT32_MAX));
		passed += r.allowed;
	}
	if (s->reason == PST_REASON_AFTER_CLOSE)
		assert(r.allowed && r.last && at < len);
	else if (s->reason)
		assert(!r.allowed && r.reason == s->reason);
	else
		assert(r.allowed || r.reason == PST_REASON_HEAD_SPLIT);
	/* A body that is cut off counts as passed there. */
	assert(passed == s->passed || (passed == s->passed + 1 && s->inside && !s->reason));
}

/* What llhttp makes of it. */
struct oracle {
	struct messages m;
	uint64_t body;
};

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	struct oracle *o = p->data;

	(void)at;
	o->body += len;
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

static void read_llhttp(const char *text, size_t len, struct oracle *o)
{
	llhttp_settings_t settings;
	llhttp_t p;
	size_t at = 0;

	llhttp_settings_init(&settings);
	settings.on_body = on_body;
	settings.on_message_complete = on_message_complete;
	llhttp_init(&p, HTTP_REQUEST, &settings);
	p.data = o;
	while (at < len && o->m.n < MAX_MESSAGES) {
		llhttp_errno_t e = llhttp_execute(&p, text + at, len - at);

		/* Behind an offer of HTTP/2, HTTP goes on. */
		if (e == HPE_PAUSED_UPGRADE) {
			llhttp_resume_after_upgrade(&p);
			continue;
		}
		if (e != HPE_PAUSED)
			break;
		at = (size_t)(llhttp_get_error_pos(&p) - text);
		o->m.end[o->m.n] = at;
		o->m.body[o->m.n++] = o->body;
		o->body = 0;
		llhttp_resume(&p);
	}
}

static void compare(const uint8_t *bytes, const struct messages *m)
{
	const char *text = (const char *)bytes;
	struct oracle o = {.body = 0};
	size_t n = 0, at = 0;

	while (n < m->n && fuzz_is_known_method(text + at, m->end[n] - at))
		at = m->end[n++];
	if (!n)
		return;
	read_llhttp(text, at, &o);
	assert(o.m.n == n);
	for (size_t i = 0; i < n; i++)
		assert(o.m.end[i] == m->end[i] && o.m.body[i] == m->body[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct messages m;
	struct t_stream s, pieces;
	uint8_t *exact;
	uint32_t len;

	if (size < 2 || size > MAX_INPUT)
		return 0;
	len = (uint32_t)size - 1;
	exact = malloc(len);
	assert(exact);
	memcpy(exact, data + 1, len);
	s = walk_bytes(exact, len, &m);
	pieces = walk_cut(exact, len, data[0]);
	same(&s, &pieces);
	judge_offline(exact, len, &s);
	compare(exact, &m);
	free(exact);
	return 0;
}
