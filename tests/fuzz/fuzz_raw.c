// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a connection, request by request, as `postern explain --raw` judges them.
 *
 *	forward		each request ends behind its beginning and within the bytes
 *	restart		a request is judged alike wherever it begins
 *	cut		what comes behind a request that was taken does not matter to it
 *	compare		what was taken llhttp in its strict mode reads as the same messages, each
 *			beginning at the same byte, with as many bytes of announced body
 *
 * Conditions on fields are fuzz_http's business. Its seeds begin with a byte of its own, which is
 * passed over here.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/judge.h"
#include "tests/fuzz/methods.h"
#include "tests/fuzz/rules.h"

static const char policy[] =
	FUZZ_POLICY("        - {method: 'GET|POST', path: '/.*'}\n"
		    "        - {path: '/a(b|cd)*[0-9]{1,3}', host: '[a-z.]+(:80)?'}\n");

enum { MAX_TEXT = 200000, MAX_REQUESTS = 64, PREFIX = 1 };

static struct pst_judge *judge;

static void check_same(const struct pst_l7_result *a, const struct pst_l7_result *b)
{
	assert(a->allowed == b->allowed && a->reason == b->reason && a->rule == b->rule);
	assert(a->head_len == b->head_len && a->body_len == b->body_len);
	assert(a->last == b->last && a->handshake == b->handshake);
}

/* Requests that were framed, where each begins, and where the last one ends. */
struct taken {
	size_t n;
	size_t begin[MAX_REQUESTS + 1];
	uint64_t body[MAX_REQUESTS]; /* 0 for a chunked one */
};

/* The request at *OFFSET, which moves behind it; whether another one may follow. */
static int judge_one(const char *bytes, size_t len, size_t *offset, struct taken *t)
{
	struct pst_l7_result r, again;
	const size_t at = *offset;
	size_t next = pst_judge_request(judge, 0, bytes, len, at, &r), end;

	assert(next > at && next <= len && r.offset == at);
	end = pst_judge_request(judge, 0, bytes + at, len - at, 0, &again);
	assert(end == next - at);
	check_same(&r, &again);
	if (r.head_len && next < len) {
		end = pst_judge_request(judge, 0, bytes, next, at, &again);
		assert(end == next);
		check_same(&r, &again);
	}
	*offset = next;
	/* Whether what a request that is denied lets follow is well-formed shows what comes next.
	 */
	if (r.allowed || (r.reason == PST_REASON_NO_RULE_L7 && next < len)) {
		t->body[t->n++] = r.body_len;
		t->begin[t->n] = next;
	} else {
		return false;
	}
	return r.head_len && !r.last && !r.handshake;
}

/* What llhttp makes of them. */
struct oracle {
	size_t n;
	size_t end[MAX_REQUESTS];
	uint64_t body[MAX_REQUESTS + 1];
};

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	struct oracle *o = p->data;

	(void)at;
	o->body[o->n] += len;
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

/* 1: it has read all of it, and wants more or is at an end. */
static int read_llhttp(const char *bytes, size_t len, struct oracle *o)
{
	llhttp_settings_t settings;
	llhttp_errno_t e = HPE_OK;
	llhttp_t p;
	size_t at = 0;

	llhttp_settings_init(&settings);
	settings.on_body = on_body;
	settings.on_message_complete = on_message_complete;
	llhttp_init(&p, HTTP_REQUEST, &settings);
	p.data = o;
	while (at < len && o->n < MAX_REQUESTS) {
		e = llhttp_execute(&p, bytes + at, len - at);
		if (e == HPE_PAUSED_UPGRADE) { /* behind an offer of HTTP/2, HTTP goes on */
			llhttp_resume_after_upgrade(&p);
			continue;
		}
		if (e != HPE_PAUSED)
			break;
		at = (size_t)(llhttp_get_error_pos(&p) - bytes);
		o->end[o->n++] = at;
		llhttp_resume(&p);
	}
	return e == HPE_OK || e == HPE_PAUSED;
}

/* A body that is cut off at the end of the bytes counts as taken here, and is no message there. */
static void compare(const char *bytes, const struct taken *t)
{
	struct oracle o = {.n = 0};
	size_t n = 0;

	while (n < t->n && fuzz_is_known_method(bytes + t->begin[n], t->begin[n + 1] - t->begin[n]))
		n++;
	if (!n)
		return;
	assert(read_llhttp(bytes, t->begin[n], &o));
	assert(o.n == n || o.n == n - 1);
	for (size_t i = 0; i < o.n; i++) {
		assert(o.end[i] == t->begin[i + 1]);
		assert(!t->body[i] || o.body[i] == t->body[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct taken taken = {.n = 0};
	size_t offset = 0, len = size - PREFIX;
	char *bytes;
	int more = 1;

	if (size <= PREFIX || size > MAX_TEXT)
		return 0;
	if (!judge)
		assert(!pst_judge_new(fuzz_rules_bundle(policy), &judge));
	/* Of its own, so that a byte read behind the end is found. */
	bytes = malloc(len);
	memcpy(bytes, data + PREFIX, len);
	for (int i = 0; more && offset < len && i < MAX_REQUESTS; i++)
		more = judge_one(bytes, len, &offset, &taken);
	compare(bytes, &taken);
	free(bytes);
	return 0;
}
