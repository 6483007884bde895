// SPDX-License-Identifier: Apache-2.0
/*
 * The follower on the answers of a server, any bytes.
 *
 *	cut		what it makes of them does not depend on how they are cut
 *	due		it never counts an answer that nobody waits for
 *	compare		llhttp in its strict mode, told which request was a HEAD, reads the same
 *			answers: as many, with the same status, each ending at the same byte; and
 *			where one of the two cannot go on, the follower does not count what llhttp
 *			reads otherwise
 *
 * The last is what a denial rests on: an answer believed to be over, while the client still reads
 * it, would have the 403 put into its body.
 *
 * The first byte of the input says how it is cut, the second how many requests wait, the next two
 * which of them are HEADs, the fifth which one asked for another protocol.
 */
#include "tests/fuzz/bytes.h"

#include "bpf/follow.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tests/fuzz/rules.h"

enum { MAX_INPUT = 8192, PREFIX = 5, MAX_ANSWERS = PST_MAX_DUE };

static const char policy[] = FUZZ_POLICY("        - {path: '/api/.*'}\n");
static const struct pst_table *table;

/* The answers that are complete. */
struct answers {
	size_t n;
	size_t end[MAX_ANSWERS];
	uint32_t status[MAX_ANSWERS];
};

static struct answers *record; /* of the follower at work */
static size_t record_at;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	table = fuzz_rules_table(policy);
	return 0;
}

static uint32_t pst_clock_us(const struct pst_src *src)
{
	(void)src;
	return 0;
}

static void pst_follow_answered(const struct pst_follower *fw, uint32_t status, uint32_t us)
{
	assert(pst_flow_due(fw->flow) && pst_flow_due(fw->flow) <= PST_MAX_DUE);
	assert(!us && (status >= 200 || status == 101) && record->n < MAX_ANSWERS);
	record->end[record->n] = record_at;
	record->status[record->n++] = status;
}

/* What the client has asked, before anything is answered. */
static struct pst_flow asked(const uint8_t *input)
{
	struct pst_flow f = {.requests = 1U + input[1] % PST_MAX_DUE};

	f.heads = (uint32_t)(input[2] | input[3] << 8) * 0x10001;
	/* A handshake stands alone, so that no other answer is taken for its. */
	if (input[4] & 1) {
		f.requests = 1;
		f.heads = 0;
		f.flags |= PST_FLOW_UPGRADE;
	}
	return f;
}

/* CUT as in tests/fuzz/bytes.h. Byte by byte it is known where each answer ends. */
static struct pst_flow follow(const uint8_t *input, const struct pst_src *src, uint32_t cut,
			      struct answers *ret_answers)
{
	struct pst_packet p = {.ordered = 1};
	struct pst_flow f = asked(input);

	*ret_answers = (struct answers){0};
	record = ret_answers;
	while (p.seq < src->len) {
		p.len = fuzz_next_piece(&cut, src->len - p.seq);
		p.off = p.seq;
		record_at = p.seq + p.len;
		pst_follow_packet(&f, table, src, &p);
		p.seq += p.len;
		assert(f.responses <= f.requests && f.responses == ret_answers->n);
	}
	return f;
}

static void same(const struct pst_flow *a, const struct pst_flow *b)
{
	assert(a->follow == b->follow && a->responses == b->responses);
	if (pst_follow_is_over(a))
		return;
	assert(a->data_left == b->data_left && a->followed == b->followed);
	assert(a->response.state == b->response.state && a->response.flags == b->response.flags);
}

/* What llhttp makes of it. */
struct oracle {
	struct answers answers;
	uint32_t heads;
	bool switched; /* 101 */
};

/* 1: no body, whatever the head says (RFC 9112 section 6.3, the first two points). */
static int on_headers_complete(llhttp_t *p)
{
	struct oracle *o = p->data;

	return o->heads >> (o->answers.n & 31) & 1 || p->status_code / 100 == 1 ||
	       p->status_code == 204 || p->status_code == 304;
}

static int on_message_complete(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

/*
 * How far llhttp can be believed: to TEXT's end, or before the byte at which it fails. Behind the
 * last answer of a connection it reads nothing more.
 */
static size_t read_llhttp(const char *text, size_t len, size_t requests, struct oracle *o)
{
	llhttp_settings_t settings;
	llhttp_t p;
	size_t at = 0;

	llhttp_settings_init(&settings);
	settings.on_headers_complete = on_headers_complete;
	settings.on_message_complete = on_message_complete;
	llhttp_init(&p, HTTP_RESPONSE, &settings);
	p.data = o;
	while (at < len && o->answers.n < requests) {
		llhttp_errno_t e = llhttp_execute(&p, text + at, len - at);

		if (e == HPE_OK)
			return len;
		at = (size_t)(llhttp_get_error_pos(&p) - text);
		if (e != HPE_PAUSED)
			return at ? at - 1 : 0;
		if (p.status_code >= 200 || p.status_code == 101) {
			o->answers.end[o->answers.n] = at;
			o->answers.status[o->answers.n++] = p.status_code;
		}
		o->switched = p.status_code == 101;
		if (o->switched || !llhttp_should_keep_alive(&p))
			return at;
		llhttp_resume(&p);
	}
	return at;
}

static void compare(const uint8_t *bytes, size_t len, const struct pst_flow *f,
		    const struct answers *found)
{
	struct oracle o = {.heads = f->heads};
	size_t known = read_llhttp((const char *)bytes, len, f->requests, &o);

	for (size_t i = 0; i < found->n && found->end[i] <= known; i++) {
		assert(i < o.answers.n && o.answers.end[i] == found->end[i]);
		assert(o.answers.status[i] == found->status[i]);
	}
	/* And what llhttp has read to its end is counted, or the follower knows that it is lost. */
	if (!pst_follow_is_over(f))
		assert(found->n >= o.answers.n);
	if (f->follow & PST_FOLLOW_OPAQUE && found->end[found->n - 1] <= known)
		assert(o.switched);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_src src = {.len = (uint32_t)(size - PREFIX)};
	struct answers bytewise, pieces;
	struct pst_flow f, g;
	uint8_t *exact;

	if (size <= PREFIX || size > MAX_INPUT)
		return 0;
	exact = malloc(src.len);
	assert(exact);
	memcpy(exact, data + PREFIX, src.len);
	src.bytes = exact;
	f = follow(data, &src, 1, &bytewise);
	g = follow(data, &src, data[0] ? data[0] + 1U : 0, &pieces);
	same(&f, &g);
	assert(bytewise.n == pieces.n);
	compare(exact, src.len, &f, &bytewise);
	free(exact);
	return 0;
}
