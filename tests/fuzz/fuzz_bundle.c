// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a bundle file. Length and checksum are made right first, so that what stands behind
 * them is reached. A bundle that passes verification must be usable without harm: it is written
 * again and must give the same bytes, its tables are walked, connections and requests are judged by
 * it.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "compiler/bundle_file.h"
#include "compiler/explain.h"
#include "compiler/judge.h"

enum { LENGTH_OFFSET = 16 };

static void put(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void sign(uint8_t *file, size_t size)
{
	size_t body = size - PST_BUNDLE_HEADER_BYTES;

	put(file + LENGTH_OFFSET, body, 8);
	put(file + PST_BUNDLE_CRC_OFFSET, crc32_z(0, file + PST_BUNDLE_HEADER_BYTES, body), 4);
}

static void check_written_again(const struct pst_bundle *b, const uint8_t *file, size_t size)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert(!pst_bundle_write(b, out));
	fclose(out);
	assert(len == size && !memcmp(text, file, len));
	free(text);
}

static void judge_connections(const struct pst_bundle *b)
{
	for (size_t i = 0; i < b->n_addrs && i < 8; i++) {
		struct pst_l4_query q = {
			.subject = pst_judge_addr(b, b->addrs[i].addr),
			.protocol = 6,
			.port = 80,
		};

		for (int d = 0; d < 2; d++) {
			struct pst_l4_result r;

			q.direction = (enum pst_dir)d;
			q.peer = b->addrs[b->n_addrs - 1 - i].value.identity;
			r = pst_judge_l4(b, &q);
			assert(r.rule == UINT32_MAX || r.rule < b->n_rules);
			assert(r.verdict != PST_VERDICT_JUDGE ||
			       (r.ruleset < b->n_rulesets && !b->rulesets[r.ruleset].fallback));
		}
	}
}

static void judge_requests(const struct pst_bundle *b)
{
	static const char text[] = "POST /a/b?c=%41 HTTP/1.1\r\nHost: h.example:80\r\n"
				   "Content-Length: 3\r\nx_y: z\r\n\r\nabcGET / HTTP/1.0\r\n\r\n";
	struct pst_judge *judge = NULL;

	assert(!pst_judge_new(b, &judge));
	for (uint32_t set = 0; set < b->n_rulesets && set < 4; set++) {
		struct pst_explain_ruleset sizes;

		if (!b->rulesets[set].fallback)
			assert(!pst_explain_ruleset(b, set, &sizes));
		for (size_t at = 0; at < sizeof(text) - 1;) {
			struct pst_l7_result r;
			size_t next = pst_judge_request(judge, set, text, sizeof(text) - 1, at, &r);

			assert(next > at && next <= sizeof(text) - 1);
			at = next;
		}
	}
	pst_judge_free(&judge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_bundle *b = NULL;
	uint8_t *file = malloc(size ? size : 1);

	if (size)
		memcpy(file, data, size);
	if (size >= PST_BUNDLE_HEADER_BYTES)
		sign(file, size);
	if (!pst_bundle_parse("fuzz", file, size, diags, &b)) {
		check_written_again(b, file, size);
		if (!pst_bundle_verify(b, diags)) {
			judge_connections(b);
			judge_requests(b);
		}
	}
	assert(b ? 1 : pst_diags_errors(diags) > 0);
	pst_bundle_free(&b);
	pst_diags_free(&diags);
	free(file);
	return 0;
}
