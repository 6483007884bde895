// SPDX-License-Identifier: Apache-2.0
/*
 * The offline judge for many byte streams: one compilation, and a question per frame.
 *
 *	judge_streams POLICY INVENTORY
 *
 * A frame of standard input is a length (four bytes, the highest first) and as many bytes: what one
 * connection sends. Its answer is a line of JSON, whose requests are those of
 * `postern explain --raw`:
 *
 *	{"safe": N, "requests": [{"offset": 0, "verdict": "allow", "reason": "rule-matched"}, ...]}
 *
 * N is how much of the stream a judge that sees it byte by byte lets through: the longest beginning
 * in which nothing is denied. What is merely not complete yet is no denial.
 */
#include "compiler/compile.h"
#include "compiler/explain.h"
#include "compiler/judge.h"

#include <arpa/inet.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_FRAME = 1 << 20 };

struct stream {
	const char *bytes;
	size_t len;
};

static struct pst_bundle *load(const char *policy, const char *pods)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_inventory *inventory = NULL;
	struct pst_bundle *b = NULL;

	if (!diags || pst_policy_load(&policy, 1, diags, &set) ||
	    pst_inventory_load(&pods, 1, diags, &inventory) ||
	    pst_compile(set, inventory, NULL, diags, &b) || pst_diags_errors(diags) ||
	    b->n_rulesets != 1) {
		if (diags)
			pst_diags_print(diags, stderr);
		errx(1, "%s: expected a policy with one set of HTTP rules", policy);
	}
	pst_inventory_free(&inventory);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return b;
}

/* More bytes may still make it a request. */
static bool is_unfinished(const struct pst_l7_result *r)
{
	return r->reason == PST_REASON_HEAD_SPLIT;
}

/* Is nothing denied in the first LEN bytes? */
static bool is_safe(struct pst_judge *j, const struct stream *s, size_t len)
{
	struct pst_l7_result r;
	size_t offset = 0;

	while (offset < len) {
		offset = pst_judge_request(j, 0, s->bytes, len, offset, &r);
		if (!r.allowed)
			return is_unfinished(&r);
		if (r.handshake)
			break;
		if (r.last && offset < len)
			return false;
	}
	return true;
}

static size_t safe_length(struct pst_judge *j, const struct stream *s)
{
	size_t safe = 0, unsafe = s->len + 1;

	while (unsafe - safe > 1) {
		size_t middle = safe + (unsafe - safe) / 2;

		if (is_safe(j, s, middle))
			safe = middle;
		else
			unsafe = middle;
	}
	return safe;
}

static void show(size_t at, const struct pst_l7_result *r)
{
	printf("%s{\"offset\": %zu, \"verdict\": \"%s\", \"reason\": \"%s\"}", at ? ", " : "", at,
	       r->allowed ? "allow" : "deny", pst_explain_reason_name(r->reason));
}

static void answer(struct pst_judge *j, const struct stream *s)
{
	const struct pst_l7_result behind = {.reason = PST_REASON_AFTER_CLOSE};
	struct pst_l7_result r = {.allowed = false};
	size_t offset = 0;

	printf("{\"safe\": %zu, \"requests\": [", safe_length(j, s));
	while (offset < s->len && !r.handshake && !r.last) {
		size_t at = offset;

		offset = pst_judge_request(j, 0, s->bytes, s->len, offset, &r);
		show(at, &r);
	}
	if (r.last && offset < s->len)
		show(offset, &behind);
	puts("]}");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char *buffer = malloc(MAX_FRAME);
	struct pst_judge *j = NULL;
	struct pst_bundle *b;
	uint32_t len;

	if (argc != 3 || !buffer)
		errx(2, "usage: judge_streams POLICY INVENTORY");
	b = load(argv[1], argv[2]);
	if (pst_judge_new(b, &j))
		errx(1, "no memory");
	while (fread(&len, sizeof(len), 1, stdin) == 1) {
		len = ntohl(len);
		if (len > MAX_FRAME || fread(buffer, 1, len, stdin) != len)
			errx(1, "a frame is cut off or too long");
		answer(j, &(struct stream){.bytes = buffer, .len = len});
	}
	pst_judge_free(&j);
	pst_bundle_free(&b);
	free(buffer);
	return 0;
}
