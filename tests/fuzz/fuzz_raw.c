// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a connection, request by request, as `postern explain --raw` judges them.
 *
 *	forward		each request ends behind its beginning and within the bytes
 *	restart		a request is judged alike wherever it begins
 *	cut		what comes behind a request that was taken does not matter to it
 *
 * That the core is no laxer than llhttp is fuzz_http's business. Its seeds begin with a byte of its
 *own, which is passed over here.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/judge.h"
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

/* The request at *OFFSET, which moves behind it; whether another one may follow. */
static int judge_one(const char *bytes, size_t len, size_t *offset)
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
	return r.head_len && !r.last && !r.handshake;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
		more = judge_one(bytes, len, &offset);
	free(bytes);
	return 0;
}
