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
#include <assert.h>
#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pst_src {
	const uint8_t *bytes;
};

static int pst_src_load(const struct pst_src *src, uint32_t off, uint8_t *buf, uint32_t n)
{
	memcpy(buf, src->bytes + off, n);
	return 0;
}

#include "bpf/tests/stream.h"
#include "bpf/walk.h"

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
			     "        - {path: '/api/.*'}\n"
			     "        - {path: '/a', headers: ['X: a,b', X-P]}\n"
			     "        - {headers: ['X:  a']}\n"
			     "        - {headers: ['Connection: close,te', 'X: ,']}\n"
			     "        - {method: POST, headers: ['Content-Length: 3']}\n";

static const char inventory[] = "apiVersion: v1\n"
				"kind: Pod\n"
				"metadata: {name: web, labels: {app: web}}\n"
				"status: {podIPs: [{ip: 10.0.0.1}]}\n";

enum { MAX_INPUT = 8192, MAX_MESSAGES = 64 };

static struct pst_table *table;
static struct pst_bundle *bundle;
static struct pst_judge *judge;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_inventory *pods = NULL;

	(void)argc;
	(void)argv;
	table = calloc(1, sizeof(*table));
	assert(diags && table);
	assert(!pst_policy_parse("policy", policy, sizeof(policy) - 1, diags, &set));
	assert(!pst_inventory_parse("inventory", inventory, sizeof(inventory) - 1, diags, &pods));
	assert(!pst_compile(set, pods, NULL, diags, &bundle));
	assert(!pst_diags_errors(diags) && bundle->n_rulesets == 1);
	assert(!bundle->rulesets[0].fallback);
	pst_bundle_fill_table(bundle, table);
	assert(!pst_judge_new(bundle, &judge));
	pst_inventory_free(&pods);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
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
	const struct pst_src src = {.bytes = bytes};
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
	const struct pst_src src = {.bytes = bytes};
	struct t_stream s = {.table = table};

	for (uint32_t at = 0, end; at < len; at = end) {
		cut = cut * 1103515245 + 12345;
		end = at + 1 + (cut >> 16) % (cut & 0x400 ? 200 : 9);
		end = end < len && cut != 12345 ? end : len;
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

		if (e != HPE_PAUSED)
			break;
		at = (size_t)(llhttp_get_error_pos(&p) - text);
		o->m.end[o->m.n] = at;
		o->m.body[o->m.n++] = o->body;
		o->body = 0;
		llhttp_resume(&p);
	}
}

/* llhttp reads the methods of a list, the core any token: other methods cannot be compared. */
static bool is_known_method(const char *text, size_t len)
{
	static const char *const names[] = {
#define NAME(num, name, string) #string " ",
		HTTP_METHOD_MAP(NAME)
#undef NAME
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) <= len && !memcmp(names[i], text, strlen(names[i])))
			return true;
	return false;
}

static void compare(const uint8_t *bytes, const struct messages *m)
{
	const char *text = (const char *)bytes;
	struct oracle o = {.body = 0};
	size_t n = 0, at = 0;

	while (n < m->n && is_known_method(text + at, m->end[n] - at))
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
