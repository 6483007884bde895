// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a connection, request by request, as `postern explain --raw` judges them.
 *
 *	forward		each request ends behind its beginning and within the bytes
 *	restart		a request is judged alike wherever it begins
 *	cut		what comes behind a request that was taken does not matter to it
 *
 * That the core is no laxer than llhttp is fuzz_http's business. Its seeds begin with two bytes of
 * its own, which are passed over here.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"
#include "compiler/judge.h"

static const char policy[] = "apiVersion: cilium.io/v2\n"
			     "kind: CiliumNetworkPolicy\n"
			     "metadata: {name: fuzz}\n"
			     "spec:\n"
			     "  endpointSelector: {matchLabels: {app: web}}\n"
			     "  ingress:\n"
			     "  - toPorts:\n"
			     "    - ports: [{port: '80', protocol: TCP}]\n"
			     "      rules:\n"
			     "        http:\n"
			     "        - {method: 'GET|POST', path: '/.*'}\n"
			     "        - {path: '/a(b|cd)*[0-9]{1,3}', host: '[a-z.]+(:80)?'}\n";

static const char inventory[] = "apiVersion: v1\n"
				"kind: Pod\n"
				"metadata: {name: web, labels: {app: web}}\n"
				"status: {podIPs: [{ip: 10.0.0.1}]}\n";

enum { MAX_TEXT = 200000, MAX_REQUESTS = 64, PREFIX = 2 };

static struct pst_judge *judge;

static void set_up(void)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_inventory *inv = NULL;
	struct pst_bundle *b = NULL;

	assert(!pst_policy_parse("fuzz", policy, sizeof(policy) - 1, diags, &set));
	assert(!pst_inventory_parse("fuzz", inventory, sizeof(inventory) - 1, diags, &inv));
	assert(!pst_compile(set, inv, NULL, diags, &b));
	assert(b->n_rulesets == 1 && !pst_diags_errors(diags));
	assert(!pst_judge_new(b, &judge));
	/* The judge reads the bundle as long as it lives, which is as long as the fuzzer. */
	pst_inventory_free(&inv);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
}

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
		set_up();
	/* Of its own, so that a byte read behind the end is found. */
	bytes = malloc(len);
	memcpy(bytes, data + PREFIX, len);
	for (int i = 0; more && offset < len && i < MAX_REQUESTS; i++)
		more = judge_one(bytes, len, &offset);
	free(bytes);
	return 0;
}
